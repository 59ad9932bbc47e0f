"""Every patch once an epoch."""

from functools import lru_cache

import torch
from torch import Tensor

from alloygan import Batch, Patches, Sampler
from alloygan.errors import DataError
from alloygan.interfaces.streams import stream
from alloygan_plugins.batch_samplers.chosen import batch_of


class UniformSampler(Sampler):
    """Walks through a random permutation of the patches, another one each epoch.

    The image at position p of the training is patch `permutation(p // N)[p % N]`, so a batch may reach into
    the next epoch, be larger than the data set, and be drawn again after a resume. Raises DataError if there
    are no patches.
    """

    def __init__(self, patches: Patches, seed: int) -> None:
        if len(patches) == 0:
            raise DataError("there are no training patches to draw from")
        self.patches = patches
        self.seed = seed
        # A batch needs two epochs at most, unless it is larger than the data set.
        self._permutation = lru_cache(maxsize=2)(self._draw_permutation)

    def draw(self, count: int, images_seen: int) -> Batch:
        """The patches at positions images_seen … images_seen + count − 1."""
        size = len(self.patches)
        parts, position, end = [], images_seen, images_seen + count
        while position < end:
            epoch, start = divmod(position, size)
            part = self._permutation(epoch)[start : start + end - position]
            parts.append(part)
            position += len(part)
        return batch_of(self.patches, torch.cat(parts))

    def _draw_permutation(self, epoch: int) -> Tensor:
        return torch.randperm(len(self.patches), generator=stream(self.seed, "sampler", epoch))
