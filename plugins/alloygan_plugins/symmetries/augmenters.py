"""Random symmetries of images, drawn for each image by itself, exact, and on the images' device.

They enlarge the set of real images; generated images are left as they are.
"""

import torch
from torch import Tensor

from alloygan import Augmenter
from alloygan_plugins.symmetries.intensity import Intensity


class _OfRealImages(Augmenter):
    """A group of symmetries, then `intensity`, on real images."""

    def __init__(self, intensity: Intensity) -> None:
        self.intensity = intensity

    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        """Augment a batch (B, C, H, W) of real images; generated ones stay as they are."""
        return self.intensity(self.mapped(images, random), random) if real else images

    def mapped(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Images mapped by random elements of the group."""
        return images


class Unchanged(_OfRealImages):
    """Leaves the geometry of images as it is."""


class RandomFlips(_OfRealImages):
    """Flips each real image left-right and up-down with probability 1/2 each: 4 results, equally likely."""

    def mapped(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Flip a batch (B, C, H, W)."""
        across, down = _coins(2, images, random)
        images = torch.where(across, images.flip(3), images)
        return torch.where(down, images.flip(2), images)


class RandomSymmetry(_OfRealImages):
    """Maps each real, square image by one of the 8 symmetries of the square, equally likely."""

    def mapped(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Mirror or turn a batch (B, C, H, W) with H = W."""
        across, down, swap = _coins(3, images, random)
        images = torch.where(across, images.flip(3), images)
        images = torch.where(down, images.flip(2), images)
        return torch.where(swap, images.transpose(2, 3), images)


def _coins(count: int, images: Tensor, random: torch.Generator) -> Tensor:
    """`count` fair coins for each image, bool (count, B, 1, 1, 1)."""
    shape = (count, images.shape[0], 1, 1, 1)
    return torch.randint(0, 2, shape, generator=random, device=images.device) == 1
