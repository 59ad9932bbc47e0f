"""A perceptron: linear layers with leaky ReLUs between them."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn


def perceptron(widths: Sequence[int], slope: float) -> nn.Sequential:
    """Layers from (B, widths[0]) to (B, widths[-1]) through the widths between; nothing after the last.

    `slope`: of the leaky ReLU for negative values.
    """
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers[:-1])
