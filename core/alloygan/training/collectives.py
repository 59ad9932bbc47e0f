"""Messages between processes that gradients pass through, to any order.

Written here, since torch's own are deprecated in one version and not there yet in the other.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function


def summed(mine: Tensor) -> Tensor:
    """Σ over the processes of tensors of one shape, in all of them."""
    found: Tensor = _Sum.apply(mine)
    return found


def gathered(mine: Tensor) -> Tensor:
    """The tensors (b, …) of all processes one after another (n b, …), in all of them."""
    found: Tensor = _Gather.apply(mine)
    return found


class _Sum(Function):
    @staticmethod
    def forward(ctx: Any, mine: Tensor) -> Tensor:
        total = mine.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # Each process's part is in the sum of all, and each has a gradient of its own to it.
        return summed(gradient)


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, mine: Tensor) -> Tensor:
        ctx.count = len(mine)
        parts = [torch.empty_like(mine, memory_format=torch.contiguous_format) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, mine.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        start = dist.get_rank() * ctx.count
        return summed(gradient)[start : start + ctx.count]
