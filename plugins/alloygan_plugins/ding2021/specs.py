"""Specs of CcGAN's vicinal sampler and loss."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan import LossSpec, SamplerSpec

if TYPE_CHECKING:
    from alloygan import Loss, Patches, Sampler, Site


class Vicinal(SamplerSpec):
    """Conditions around those of training images, each with real images from its vicinity (CcGAN, Ding et al. 2021).

    For losses that take the weights of a batch, such as vicinal_hinge. Classes never mix.
    """

    kind: Literal["vicinal"] = "vicinal"
    vicinity: Literal["hard", "soft"] = Field(
        "hard",
        description="hard: images of the vicinity count alike (HVDL); soft: by exp(−d²) of their distance (SVDL).",
    )
    sigma: float | None = Field(
        None,
        ge=0,
        description="Standard deviation σ of asked conditions around those of training images, in scaled values; by "
        "default Silverman's rule over the distinct conditions.",
    )
    kappa: float | None = Field(
        None,
        gt=0,
        description="Radius κ of a vicinity in scaled values; by default, column by column, the largest gap between "
        "neighbouring values times `gaps`.",
    )
    gaps: float = Field(1.0, gt=0, description="Factor m of the gap in the default of kappa.")

    @property
    def gives(self) -> frozenset[str]:
        """No `label`: what is asked lies between the conditions of the table."""
        return frozenset()

    def build(self, patches: "Patches", site: "Site", seed: int) -> "Sampler":
        """Build the sampler."""
        from alloygan_plugins.ding2021.sampler import VicinalSampler

        return VicinalSampler(self, patches, site, seed)


class VicinalHinge(LossSpec):
    """Hinge loss in which each real image counts by its weight in the batch (CcGAN's HVDL and SVDL)."""

    kind: Literal["vicinal_hinge"] = "vicinal_hinge"

    def build(self, site: "Site") -> "Loss":
        """Build the loss."""
        from alloygan_plugins.ding2021.losses import VicinalHingeLoss

        return VicinalHingeLoss()
