"""Spec of the conditioner with Fourier features."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan import ConditionerSpec

if TYPE_CHECKING:
    from alloygan import Conditioner, Site


class FourierMlp(ConditionerSpec):
    """Perceptron on sines and cosines of the scaled condition values (Fourier features, Tancik et al. 2020)."""

    kind: Literal["fourier_mlp"] = "fourier_mlp"
    features: int = Field(32, ge=1, description="Number of random frequencies; each gives a cosine and a sine.")
    sigma: float = Field(
        1.0,
        gt=0,
        description="Standard deviation of the frequencies, in periods over a column's range. The larger, the faster "
        "what is learned may change between known conditions.",
    )
    hidden: int = Field(128, ge=1, description="Width of each hidden layer.")
    layers: int = Field(2, ge=0, description="Number of hidden layers.")
    leaky_slope: float = Field(0.2, ge=0, lt=1, description="Slope of the leaky ReLU for negative values.")

    def build(self, site: "Site", width: int) -> "Conditioner":
        """Build it on the continuous values; classes go on as they are."""
        from alloygan_plugins.tancik2020.conditioner import FourierPerceptron

        return FourierPerceptron(self, site, width)
