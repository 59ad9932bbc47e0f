"""Spec of the gradient penalty."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan import LossSpec

if TYPE_CHECKING:
    from alloygan import Loss, Site


class GradientPenalty(LossSpec):
    """Gradient penalty between real and generated images, for wgan with clip: 0 (WGAN-GP, Gulrajani et al. 2017)."""

    kind: Literal["gradient_penalty"] = "gradient_penalty"
    weight: float = Field(10.0, ge=0, description="Factor λ of this term in the objective; the paper has 10.")
    target: float = Field(1.0, ge=0, description="Norm of the score's gradient by the image that costs nothing.")
    one_sided: bool = Field(
        False, description="Whether only norms above the target cost something; the paper penalises both sides."
    )

    @property
    def needs(self) -> frozenset[str]:
        """Second derivatives of the critic."""
        return frozenset({"second_order"})

    @property
    def over(self) -> Literal["batch", "images"]:
        """Its terms are means over images."""
        return "images"

    def build(self, site: "Site") -> "Loss":
        """Build the loss."""
        from alloygan_plugins.gulrajani2017.losses import GradientPenaltyLoss

        return GradientPenaltyLoss(self)
