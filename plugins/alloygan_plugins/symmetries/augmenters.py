"""Random symmetries of images, drawn for each image by itself, exact, and on the images' device.

They enlarge the set of real images; generated images are left as they are.
"""

import torch
from torch import Tensor

from alloygan import Augmenter


class Unchanged(Augmenter):
    """Leaves images as they are."""

    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        """The images (B, C, H, W) themselves."""
        return images


class RandomFlips(Augmenter):
    """Flips each real image left-right and up-down with probability 1/2 each: 4 results, equally likely."""

    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        """Flip a batch (B, C, H, W)."""
        if not real:
            return images
        across, down = _coins(2, images, random)
        images = torch.where(across, images.flip(3), images)
        return torch.where(down, images.flip(2), images)


class RandomSymmetry(Augmenter):
    """Maps each real, square image by one of the 8 symmetries of the square, equally likely."""

    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        """Mirror or turn a batch (B, C, H, W) with H = W."""
        if not real:
            return images
        across, down, swap = _coins(3, images, random)
        images = torch.where(across, images.flip(3), images)
        images = torch.where(down, images.flip(2), images)
        return torch.where(swap, images.transpose(2, 3), images)


def _coins(count: int, images: Tensor, random: torch.Generator) -> Tensor:
    """`count` fair coins for each image, bool (count, B, 1, 1, 1)."""
    shape = (count, images.shape[0], 1, 1, 1)
    return torch.randint(0, 2, shape, generator=random, device=images.device) == 1
