"""A critic whose gradient is known, and images and conditions for it: what tests of gradient penalties share."""

import torch
from torch import Tensor, nn

from alloygan import Condition, Critic, Critique, Site

SITE = Site((1, 16, 16), 2, 3)


class Linear(Critic):
    """⟨w, x⟩, whose gradient is w at every image."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return Critique((images * self.weight).sum(dim=(1, 2, 3)))


def condition_of(count: int, seed: int = 0) -> Condition:
    random = torch.Generator().manual_seed(seed)
    return Condition(torch.rand(count, 2, generator=random), torch.arange(count) % 3)


def images_of(count: int, seed: int) -> Tensor:
    return 2 * torch.rand(count, *SITE.image_shape, generator=torch.Generator().manual_seed(seed)) - 1
