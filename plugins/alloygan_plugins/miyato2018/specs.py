"""Specs of the projection critic and of the hinge loss."""

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from alloygan import ConditionerSpec, CriticSpec, LossSpec
from alloygan.specs.from_registry import From

if TYPE_CHECKING:
    from alloygan import Critic, Loss, Site


class Projection(CriticSpec):
    """Projection critic with spectral normalisation: score = ψ(φ(x)) + ⟨V y, φ(x)⟩ (Miyato and Koyama 2018, eq. 8).

    φ is a stack of 4 × 4 convolutions with stride 2. The embeddings for contrastive losses come from a projection head
    and a conditioner of their own, which are not normalised.
    """

    kind: Literal["projection"] = "projection"
    conditioner: Annotated[ConditionerSpec, From("conditioner")] = Field(
        "one_hot",  # type: ignore[assignment]
        description="How the condition becomes V y, and e(y).",
    )
    width: int = Field(64, ge=1, description="Channels of the first convolution; each further one has twice as many.")
    spectral_norm: bool = Field(True, description="Spectral normalisation of every layer on the way to the score.")
    embedding: int = Field(64, ge=1, description="Width E of the image embedding l(x) and condition embedding e(y).")
    projection_hidden: int = Field(1024, ge=1, description="Width of the hidden layer of the head that makes l(x).")
    leaky_slope: float = Field(0.2, ge=0, lt=1, description="Slope of the leaky ReLU for negative values.")

    @property
    def gives(self) -> frozenset[str]:
        """Both embeddings."""
        return frozenset({"image_embedding", "condition_embedding"})

    def channels(self, shape: tuple[int, int, int]) -> tuple[int, ...]:
        """Output channels of the convolutions, which lead to a map of about 4 px on its shorter side."""
        stages = max(0, int(math.log2(min(shape[1:]) / 4)))
        return tuple(self.width * 2**i for i in range(stages))

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """Sides must be multiples of 2^stages."""
        stages = len(self.channels(shape))
        if stages < 1:
            return f"images of {shape[1]} × {shape[2]} px are too small; the shorter side needs at least 8 px"
        if shape[1] % 2**stages or shape[2] % 2**stages:
            return f"images of {shape[1]} × {shape[2]} px: both sides must be multiples of {2**stages}"
        return None

    def build(self, site: "Site") -> "Critic":
        """Build the critic for the site's image shape."""
        from alloygan_plugins.miyato2018.critic import build

        return build(self, site)


class Hinge(LossSpec):
    """Hinge loss: the critic wants real above 1 and fake below −1, the generator wants fake high (Lim and Ye 2017)."""

    kind: Literal["hinge"] = "hinge"

    @property
    def over(self) -> Literal["batch", "images"]:
        """Its terms are means over images."""
        return "images"

    def build(self, site: "Site") -> "Loss":
        """Build the loss."""
        from alloygan_plugins.miyato2018.losses import HingeLoss

        return HingeLoss()
