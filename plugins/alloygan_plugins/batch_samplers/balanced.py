"""Every condition equally often in each batch."""

import torch

from alloygan import Batch, Patches, Sampler
from alloygan.errors import DataError
from alloygan.interfaces.condition import OFF_TABLE
from alloygan.interfaces.streams import stream
from alloygan_plugins.batch_samplers.chosen import batch_of


class BalancedSampler(Sampler):
    """Draws conditions equally often, and patches of each at random with replacement.

    Where B is no multiple of the number of conditions, chance decides which ones come once more. An epoch is
    as many images as elsewhere, but need not contain every patch. Raises DataError for patches off the table
    of conditions.
    """

    def __init__(self, patches: Patches, seed: int) -> None:
        label = patches.condition.label.cpu()
        if label.numel() == 0:
            raise DataError("there are no training patches to draw from")
        if (label == OFF_TABLE).any():
            raise DataError("the sampler balanced needs patches whose conditions are in the table; use uniform")
        self.patches = patches
        self.seed = seed
        self._by_label = label.argsort(stable=True)
        counts = label.bincount()
        self._counts = counts[counts > 0]
        self._starts = self._counts.cumsum(0) - self._counts

    def draw(self, count: int, images_seen: int) -> Batch:
        """Draw `count` patches with the random numbers of this moment of the training."""
        random = stream(self.seed, "sampler", images_seen)
        conditions = len(self._counts)
        rounds, rest = divmod(count, conditions)
        extra = torch.randperm(conditions, generator=random)[:rest]
        chosen = torch.cat([torch.arange(conditions).repeat(rounds), extra])
        # The order is mixed, so that every part of a batch that several processes share has all conditions.
        chosen = chosen[torch.randperm(count, generator=random)]
        # float64, so that every patch of a large condition can be hit; float32 has 2^24 values only.
        within = (torch.rand(count, generator=random, dtype=torch.float64) * self._counts[chosen]).long()
        return batch_of(self.patches, self._by_label[self._starts[chosen] + within])
