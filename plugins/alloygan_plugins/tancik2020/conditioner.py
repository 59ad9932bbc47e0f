"""Fourier features of a condition (Tancik et al. 2020, eq. 5, arXiv 2006.10739), and a perceptron on them."""

import math

import torch
from torch import Tensor

from alloygan import Condition, Conditioner, Site
from alloygan.layers.perceptron import perceptron
from alloygan_plugins.tancik2020.specs import FourierMlp


class FourierPerceptron(Conditioner):
    """γ(v) = [cos 2πBv, sin 2πBv], B ~ N(0, σ²) drawn once and kept; classes stay one-hot beside it."""

    frequencies: Tensor
    continuous: Tensor
    classes: Tensor

    def __init__(self, spec: FourierMlp, site: Site, width: int) -> None:
        super().__init__()
        self.register_buffer("continuous", torch.tensor(site.continuous, dtype=torch.int64), persistent=False)
        self.register_buffer("classes", torch.tensor(sorted(site.classes), dtype=torch.int64), persistent=False)
        count = spec.features if site.continuous else 0
        self.register_buffer("frequencies", spec.sigma * torch.randn(len(site.continuous), count))
        inputs = 2 * count + len(site.classes)
        self.perceptron = perceptron([inputs, *[spec.hidden] * spec.layers, width], spec.leaky_slope)

    def forward(self, condition: Condition) -> Tensor:
        """Embed the values, which may lie outside the bounds."""
        values = condition.values.to(self.frequencies.dtype)
        angles = 2 * math.pi * values[:, self.continuous] @ self.frequencies
        return self.perceptron(torch.cat([angles.cos(), angles.sin(), values[:, self.classes]], dim=1))
