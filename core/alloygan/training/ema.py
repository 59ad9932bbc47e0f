"""Exponential moving average of the generator."""

from copy import deepcopy

import torch

from alloygan.interfaces.generator import Generator


class MovingAverage:
    """Averages parameters and floating-point buffers; other buffers are copied.

    Buffers are averaged too because the running statistics belong to the averaged weights, not to the newest ones. The
    decay rises from 0.1 (min(decay, (1 + n) / (10 + n)) after n updates), so that the start is forgotten early. Written
    here because torch's AveragedModel reads a counter back to the host at every update.
    """

    def __init__(self, generator: Generator, decay: float) -> None:
        self.generator = deepcopy(generator).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, generator: Generator, updates: int) -> None:
        """Move towards a generator that has had `updates` updates before this one."""
        share = 1 - min(self.decay, (1 + updates) / (10 + updates))
        mine, other = self.generator.state_dict(), generator.state_dict()
        averaged = [key for key, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine[key] for key in averaged], [other[key] for key in averaged], share)
        for key in mine.keys() - set(averaged):
            mine[key].copy_(other[key])
