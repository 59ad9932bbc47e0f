"""Specs of the zero-centred gradient penalties."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from alloygan import LossSpec

if TYPE_CHECKING:
    from alloygan import Loss, Site

Gamma = Annotated[
    float,
    Field(
        ge=0,
        description="Factor γ of the paper, which has 10 for images; the term itself is half the mean squared norm. "
        "With `every: n` multiply by n, since the loop does not.",
    ),
]


class R1(LossSpec):
    """R1: half the squared gradient of the score at real images (Mescheder et al. 2018, eq. 9)."""

    kind: Literal["r1"] = "r1"
    weight: Gamma = 10.0

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
        from alloygan_plugins.mescheder2018.losses import R1Loss

        return R1Loss()


class R2(LossSpec):
    """R2: half the squared gradient of the score at generated images (Mescheder et al. 2018, eq. 10)."""

    kind: Literal["r2"] = "r2"
    weight: Gamma = 10.0

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
        from alloygan_plugins.mescheder2018.losses import R2Loss

        return R2Loss()
