"""How generated microstructures are measured against real ones."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from alloygan.specs.components import ComparisonSpec, DescriptorSpec
from alloygan.specs.from_registry import From
from alloygan.specs.spec import Spec


class EvaluationSpec(Spec):
    """What is measured, and how the phases are told apart."""

    descriptors: tuple[Annotated[DescriptorSpec, From("descriptor")], ...] = Field(
        (  # type: ignore[arg-type]
            "equivalent_diameter",
            "number_density",
            "aspect_ratio",
            "area_fraction",
            "interface_density",
            "characteristic_length",
            "two_point",
            "pixel_std",
        ),
        description="The descriptors to compute, in the order of the tables.",
        min_length=1,
    )
    comparisons: tuple[Annotated[ComparisonSpec, From("comparison")], ...] = Field(
        ("lite0_features",),  # type: ignore[arg-type]
        description="Scores of image sets by features; [] for none. One whose weights are not installed is left out, "
        "and the tables say so.",
    )
    phase: Literal["bright", "dark", "minority"] = Field(
        "bright",
        description="The primary phase: the bright one, the dark one, or whichever is the smaller in the real "
        "training images of a condition.",
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=255,
        description="Grey level (8 bit) between the phases; by default Otsu's over all training images. One level "
        "serves all images, real and generated, since a level chosen per image would hide errors of grey level.",
    )
    smooth: float = Field(0.0, ge=0, description="Standard deviation in px of a Gaussian blur before the threshold.")
    specks: int = Field(
        0,
        ge=0,
        description="Connected regions of either phase of at most so many px² are given to the phase around them: "
        "noise of a microscope that the blur leaves.",
    )
    images: int = Field(64, ge=2, description="At most this many images a condition, equally many real and generated.")
    bootstrap: int = Field(
        200, ge=0, description="Resamples behind each 95 % confidence interval of a descriptor's scores; 0: none."
    )
    judge_images: int = Field(
        8_000,
        ge=0,
        description="Training patches that the judge of condition fidelity sees in its training: a small network that "
        "tells the condition from a patch; 0: no judge.",
    )
    memorising_images: int = Field(
        64,
        ge=0,
        description="At most this many generated and evaluation images a condition whose nearest training patch is "
        "looked for; 0: none.",
    )
    memorising_shift: int = Field(
        4, ge=0, description="Training patches are also tried shifted by so many px, down and across."
    )
    sweep_steps: int = Field(
        9,
        ge=0,
        description="Conditions along each continuous column, at the middle of the others, whose images from the same "
        "noise are measured to see what the generator does along it, from 3 on; 0: none.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the generated images' noise.")

    @field_validator("sweep_steps")
    @classmethod
    def _enough_for_an_order(cls, steps: int) -> int:
        if steps in (1, 2):
            raise ValueError(f"{steps} steps are in no order; take 3 or more, or 0 for no sweep")
        return steps

    @property
    def descriptor_names(self) -> tuple[str, ...]:
        """What the descriptors are called in tables: their kinds; a second one of a kind (other settings) `kind_2`."""
        kinds = [one.kind for one in self.descriptors]
        before = [kinds[:i].count(kind) for i, kind in enumerate(kinds)]
        return tuple(f"{kind}_{count + 1}" if count else kind for kind, count in zip(kinds, before, strict=True))
