"""Patches chosen by their numbers, as a batch."""

import torch
from torch import Tensor

from alloygan import Batch, Patches
from alloygan.data.host_to_device import sent
from alloygan.data.patches import to_unit_range


def batch_of(patches: Patches, index: Tensor) -> Batch:
    """The patches with these numbers (B,) int64 on the host; the generator is asked for their own conditions.

    Images are converted to float on the device of the patches. All weights are 1.
    """
    device = patches.images.device
    index = sent(index, device)
    condition = patches.condition[index]
    weight = torch.ones(index.shape[0], device=device)
    return Batch(to_unit_range(patches.images[index]), condition, condition, weight)
