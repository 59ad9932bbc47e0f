"""Spec of the relativistic pairing loss."""

from typing import TYPE_CHECKING, Literal

from alloygan import LossSpec

if TYPE_CHECKING:
    from alloygan import Loss, Site


class Relativistic(LossSpec):
    """Relativistic pairing loss: a real image is to score above a generated one (RpGAN; R3GAN beside r1 and r2)."""

    kind: Literal["relativistic"] = "relativistic"

    @property
    def needs(self) -> frozenset[str]:
        """The critique of real images in the generator's step too."""
        return frozenset({"real_in_generator_step"})

    @property
    def over(self) -> Literal["batch", "images"]:
        """Its terms are means over images."""
        return "images"

    def build(self, site: "Site") -> "Loss":
        """Build the loss."""
        from alloygan_plugins.huang2024.losses import RelativisticLoss

        return RelativisticLoss()
