"""An augmenter is a random differentiable map of images, drawn anew for every image of every batch."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Augmenter(ABC):
    """Maps images (B, C, H, W) to images of the same shape.

    `acts_on_fake` says whether it acts on everything the critic sees or on real images only (a symmetry of the data
    enlarges the data set; a distortion must be shown on both sides or the generator learns to make it).
    """

    acts_on_fake: bool = False

    @abstractmethod
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        """Augment a batch; `real` tells which images these are, `random` lies on their device."""
