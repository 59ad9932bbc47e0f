"""Real images as training and evaluation use them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace
from alloygan.interfaces.condition import Condition


@dataclass(frozen=True)
class Patches:
    """N patches: `images` uint8 (N, C, H, W), their conditions, and `source` (N,) int64, the number of the micrograph
    or simulation each was cut from.
    """

    images: Tensor
    condition: Condition
    source: Tensor

    def __len__(self) -> int:
        return self.images.shape[0]

    def to(self, device: torch.device | str) -> "Patches":
        """The same patches on another device."""
        return Patches(self.images.to(device), self.condition.to(device), self.source.to(device))

    def of_condition(self, label: int) -> Tensor:
        """Images (n, C, H, W) uint8 of one condition of the table."""
        return self.images[self.condition.label == label]


@dataclass(frozen=True)
class Data:
    """A data set: its condition space, training patches, and evaluation patches from other regions or simulations.

    `um_per_px` is the length of a patch's pixel in µm, None where it is not known.
    """

    space: ConditionSpace
    train: Patches
    evaluation: Patches
    um_per_px: float | None = None


def to_unit_range(images: Tensor) -> Tensor:
    """Grey levels 0 to 255 as float32 in [−1, 1]."""
    return images.float().div_(127.5).sub_(1.0)


def to_grey_levels(images: Tensor) -> Tensor:
    """Images in [−1, 1] as uint8 grey levels, rounded."""
    return images.add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
