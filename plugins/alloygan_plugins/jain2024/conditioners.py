"""The paper's two ways from a condition to an embedding."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alloygan import Condition, Conditioner
from alloygan.layers.perceptron import perceptron


class OneHotProjection(Conditioner):
    """One-hot vector of the id, linearly projected without bias: (B,) ids to (B, width).

    Tables 1 and 2 call it "Embedding": 8 → 128 in the generator, 8 → 64 in the critic.
    """

    def __init__(self, count: int, width: int, init_std: float | None = None) -> None:
        super().__init__()
        self.count = count
        self.projection = _Projection(count, width, init_std)

    def forward(self, condition: Condition) -> Tensor:
        """Project; ids off the table are refused on the host, where the condition is built."""
        return self.projection(F.one_hot(condition.label, self.count).to(self.projection.weight.dtype))


class _Projection(nn.Linear):
    """A linear layer without bias whose initial standard deviation can be chosen."""

    table_name = "Embedding"

    def __init__(self, count: int, width: int, init_std: float | None) -> None:
        self.init_std = init_std
        super().__init__(count, width, bias=False)

    def reset_parameters(self) -> None:
        """Draw the weights."""
        if self.init_std is None:
            nn.Linear.reset_parameters(self)
        else:
            nn.init.normal_(self.weight, std=self.init_std)


class ConditionPerceptron(Conditioner):
    """Leaky-ReLU perceptron on the scaled values: (B, F) to (B, width)."""

    def __init__(self, values: int, hidden: int, layers: int, width: int, slope: float) -> None:
        super().__init__()
        self.perceptron = perceptron([values, *[hidden] * layers, width], slope)

    def forward(self, condition: Condition) -> Tensor:
        """Embed the values, which may lie outside the bounds."""
        return self.perceptron(condition.values.to(next(self.parameters()).dtype))


def film(noise: Tensor, embedding: Tensor) -> Tensor:
    """Scale and shift noise (B, Z) by an embedding (B, 2Z): z ⊙ (1 + scale) + shift (Perez et al. 2018)."""
    scale, shift = torch.chunk(embedding, 2, dim=1)
    return noise * (1 + scale) + shift
