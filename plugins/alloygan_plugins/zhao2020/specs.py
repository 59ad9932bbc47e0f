"""Spec of differentiable augmentation."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from alloygan import AugmenterSpec
from alloygan.specs.from_registry import From

if TYPE_CHECKING:
    from alloygan import Augmenter, Site

Policy = Literal["color", "translation", "cutout"]


class DiffAugment(AugmenterSpec):
    """Differentiable augmentation of everything the critic sees: D(T(x)) and D(T(G(z))) (Zhao et al. 2020).

    The generator learns the images without the augmentation, as its gradient comes back through it.
    """

    kind: Literal["diffaugment"] = "diffaugment"
    policy: tuple[Policy, ...] = Field(
        ("color", "translation", "cutout"),
        min_length=1,
        description="What is done to every image, in this order. color: brightness moved by up to ± 25 % of the full "
        "range of grey levels, saturation (images of 3 channels only) times 0 to 2, contrast times 0.5 to 1.5; "
        "translation: moved, with grey coming in; cutout: a grey rectangle.",
    )
    translation_ratio: float = Field(
        0.125, ge=0, lt=1, description="An image is moved by up to ± so much of its height and of its width."
    )
    cutout_ratio: float = Field(
        0.5, ge=0, lt=1, description="Height and width of the grey rectangle, as a share of the image's."
    )
    first: Annotated[AugmenterSpec, From("augmenter")] | None = Field(
        None, description="An augmenter that comes before, such as flips or d4 on real images; by default none."
    )

    @field_validator("policy")
    @classmethod
    def _each_once(cls, policy: tuple[Policy, ...]) -> tuple[Policy, ...]:
        doubled = sorted({name for name in policy if policy.count(name) > 1})
        if doubled:
            raise ValueError(f"{', '.join(doubled)} stands twice")
        return policy

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """Any shape will do, unless the augmenter before has something against it."""
        return None if self.first is None else self.first.size_problem(shape)

    def build(self, site: "Site") -> "Augmenter":
        """Build the augmenter."""
        from alloygan_plugins.zhao2020.augmenter import DifferentiableAugmentation

        return DifferentiableAugmentation(self, None if self.first is None else self.first.build(site))
