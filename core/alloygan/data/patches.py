"""Real images as training and evaluation use them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.mapped import map_patches, some_rows, write_patches
from alloygan.interfaces.condition import Condition


@dataclass(frozen=True)
class Patches:
    """N patches: `images` uint8 (N, C, H, W), their conditions, and `source` (N,) int64, the number of the micrograph
    or simulation each was cut from. `file`: what the images are mapped from, where they are not in memory.
    """

    images: Tensor
    condition: Condition
    source: Tensor
    file: Path | None = None

    def __len__(self) -> int:
        return self.images.shape[0]

    def to(self, device: torch.device | str) -> "Patches":
        """The same patches on another device."""
        return Patches(self.images.to(device), self.condition.to(device), self.source.to(device))

    def where(self, which: Tensor) -> "Patches":
        """The patches where `which` (N,) is true. Of mapped ones a file is made beside theirs, once."""
        condition, source = self.condition[which], self.source[which]
        if self.file is None:
            return Patches(self.images[which], condition, source)
        name = hashlib.sha256(which.cpu().numpy().tobytes()).hexdigest()[:16]
        path = self.file.with_name(f"{self.file.stem}-{name}{self.file.suffix}")
        shape = (self.images.shape[1], self.images.shape[2], self.images.shape[3])
        images = map_patches(path, shape) if path.is_file() else None
        if images is None or len(images) != len(source):
            images = write_patches(path, shape, some_rows(self.images, which))
        return Patches(images, condition, source, path)

    def of_condition(self, label: int) -> Tensor:
        """Images (n, C, H, W) uint8 of one condition of the table."""
        return self.images[self.condition.label == label]


def joined(first: Patches, second: Patches) -> Patches:
    """The patches of both, those of the first one first."""
    return Patches(
        torch.cat([first.images, second.images]),
        Condition(
            torch.cat([first.condition.values, second.condition.values]),
            torch.cat([first.condition.label, second.condition.label]),
        ),
        torch.cat([first.source, second.source]),
    )


@dataclass(frozen=True)
class Data:
    """A data set: its condition space, training patches, and evaluation patches from other regions or simulations.

    `um_per_px` is the length of a patch's pixel in µm, None where it is not known. `held_back` has what would be
    training patches of held-out conditions: nothing is trained on them, but real images can be measured by them.
    """

    space: ConditionSpace
    train: Patches
    evaluation: Patches
    um_per_px: float | None = None
    held_back: Patches | None = None


def to_unit_range(images: Tensor) -> Tensor:
    """Grey levels 0 to 255 as float32 in [−1, 1]; the same bits on every device, where a quotient is not."""
    return images.float().mul_(1 / 127.5).sub_(1.0)


def to_grey_levels(images: Tensor) -> Tensor:
    """Images in [−1, 1] as uint8 grey levels, rounded."""
    return images.add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
