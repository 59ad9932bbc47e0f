"""Differentiable augmentation (Zhao et al. 2020), after the authors' own definitions of the three policies.

Shapes: B images, C channels. All is drawn on the images' device, for each image by itself, from the given generator.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from alloygan import Augmenter
from alloygan_plugins.zhao2020.specs import DiffAugment


class DifferentiableAugmentation(Augmenter):
    """The policies of a spec on real and generated images alike; `first` maps those that it is meant for before."""

    acts_on_fake = True

    def __init__(self, spec: DiffAugment, first: Augmenter | None) -> None:
        self.spec = spec
        self.first = first

    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        """Augment a batch (B, C, H, W). Values may leave [−1, 1]: a cut-off would cut off gradients too."""
        if self.first is not None and (real or self.first.acts_on_fake):
            images = self.first(images, real=real, random=random)
        for policy in self.spec.policy:
            if policy == "color":
                images = recoloured(images, random)
            elif policy == "translation":
                images = translated(images, self.spec.translation_ratio, random)
            else:
                images = cut_out(images, self.spec.cutout_ratio, random)
        return images


def recoloured(images: Tensor, random: torch.Generator) -> Tensor:
    """Brightness + U(−0.5, 0.5), then saturation × U(0, 2) where C = 3, then contrast × U(0.5, 1.5)."""
    draw = torch.rand((3, images.shape[0], 1, 1, 1), generator=random, device=images.device)
    images = images + (draw[0] - 0.5)
    if images.shape[1] == 3:
        # Channels of other numbers are not colours; the spread of one channel about itself is 0 anyway.
        grey = images.mean(dim=1, keepdim=True)
        images = grey + (images - grey) * (2 * draw[1])
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (draw[2] + 0.5)


def translated(images: Tensor, ratio: float, random: torch.Generator) -> Tensor:
    """Images moved by whole pixels, up to `ratio` of height and width either way; 0, mid grey, comes in."""
    count, _, height, width = images.shape
    down, right = (_most(side, ratio) for side in (height, width))
    rows = torch.arange(height, device=images.device) + _shifts(down, count, images, random)
    columns = torch.arange(width, device=images.device) + _shifts(right, count, images, random)
    padded = F.pad(images, (right, right, down, down))
    image = torch.arange(count, device=images.device)[:, None, None]
    # Indices on both sides of the slice put the channels last.
    return padded[image, :, (rows + down)[:, :, None], (columns + right)[:, None, :]].movedim(-1, 1)


def cut_out(images: Tensor, ratio: float, random: torch.Generator) -> Tensor:
    """Images with a rectangle of `ratio` of height and width set to 0; it may stick out of the image."""
    rows, columns = (_inside(side, _most(side, ratio), images, random) for side in images.shape[2:])
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(hole, 0.0)


def _most(side: int, ratio: float) -> int:
    """A share of a side in whole px, halves rounded up as the authors' code does."""
    return int(side * ratio + 0.5)


def _shifts(most: int, count: int, images: Tensor, random: torch.Generator) -> Tensor:
    return torch.randint(-most, most + 1, (count, 1), generator=random, device=images.device)


def _inside(side: int, size: int, images: Tensor, random: torch.Generator) -> Tensor:
    """Which positions along a side lie in the rectangle, bool (B, side); its middle is anywhere in the image."""
    middle = torch.randint(0, side + 1 - size % 2, (images.shape[0], 1), generator=random, device=images.device)
    offset = torch.arange(side, device=images.device) - (middle - size // 2)
    return (offset >= 0) & (offset < size)
