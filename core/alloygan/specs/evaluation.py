"""How generated microstructures are measured against real ones."""

from typing import Annotated, Literal

from pydantic import Field

from alloygan.specs.components import DescriptorSpec
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
    images: int = Field(64, ge=2, description="At most this many images a condition, equally many real and generated.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the generated images' noise.")
