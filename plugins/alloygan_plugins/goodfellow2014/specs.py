"""Specs of the original GAN losses."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from alloygan import LossSpec

if TYPE_CHECKING:
    from alloygan import Loss, Site

RealTarget = Annotated[
    float,
    Field(
        gt=0,
        le=1,
        description="Probability that the critic is to give real images: 1 as in the paper; 0.9 is one-sided label "
        "smoothing (Salimans et al. 2016, section 3.4).",
    ),
]


class Minimax(LossSpec):
    """Minimax loss: the generator maximises the critic's loss, and saturates (Goodfellow et al. 2014, eq. 1)."""

    kind: Literal["minimax"] = "minimax"
    real_target: RealTarget = 1.0

    @property
    def over(self) -> Literal["batch", "images"]:
        """Its terms are means over images."""
        return "images"

    def build(self, site: "Site") -> "Loss":
        """Build the loss."""
        from alloygan_plugins.goodfellow2014.losses import MinimaxLoss

        return MinimaxLoss(self.real_target)


class NonSaturating(LossSpec):
    """Non-saturating loss: the generator minimises −log D(G(z)) (Goodfellow et al. 2014, section 3)."""

    kind: Literal["non_saturating"] = "non_saturating"
    real_target: RealTarget = 1.0

    @property
    def over(self) -> Literal["batch", "images"]:
        """Its terms are means over images."""
        return "images"

    def build(self, site: "Site") -> "Loss":
        """Build the loss."""
        from alloygan_plugins.goodfellow2014.losses import NonSaturatingLoss

        return NonSaturatingLoss(self.real_target)
