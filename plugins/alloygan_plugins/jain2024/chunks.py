"""Sums over all pairs of a large batch in memory that grows with the batch, not with its square."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

PAIRS_AT_ONCE = {"cpu": 2**20}
"""Pairs (for l2 on a GPU, pairs × features) held at once, by device: 4 MiB of each intermediate in float32; a batch of
1,024 is one piece."""

PAIRS_AT_ONCE_ELSEWHERE = 2**24
"""A GPU wants larger pieces: 64 MiB of each intermediate; a batch of 4,096 is one piece."""

FEWEST_ROWS = 64
"""A piece has no fewer rows, however many others each meets: a gradient of every column comes with each piece."""

OfRows = Callable[..., Tensor]
"""From a slice of the rows and the inputs to a sum over their pairs, 0-d."""


def sum_over_rows(of_rows: OfRows, rows: int, numbers: int, *inputs: Tensor) -> Tensor:
    """Σ of `of_rows(some, *inputs)`, a 0-d tensor for a slice of the `rows`, for each of which `numbers` are held.

    Everything that a gradient is wanted of is among the `inputs`. Where all fit at once it is that of all rows.
    Otherwise pieces are computed again for the gradient instead of being kept, so first derivatives cost one forward
    more; second derivatives are exact too, but kept.
    """
    pairs = PAIRS_AT_ONCE.get(inputs[0].device.type, PAIRS_AT_ONCE_ELSEWHERE)
    at_once = max(FEWEST_ROWS, pairs // max(1, numbers))
    if at_once >= rows:
        return of_rows(slice(0, rows), *inputs)
    parts = [slice(start, min(start + at_once, rows)) for start in range(0, rows, at_once)]
    if torch.compiler.is_compiling():
        return _of_checkpoints(of_rows, parts, inputs)
    found: Tensor = _Pieces.apply(of_rows, parts, *inputs)  # type: ignore[no-untyped-call]
    return found


class _Pieces(torch.autograd.Function):
    """One piece after another. Nothing of a piece is left when the next one begins, not even small: the C library's
    memory would be in holes, and grow with the number of pieces.
    """

    @staticmethod
    def forward(ctx: Any, of_rows: OfRows, parts: Sequence[slice], *inputs: Tensor) -> Tensor:
        """Add up the pieces, without gradients."""
        ctx.of_rows, ctx.parts = of_rows, parts
        ctx.save_for_backward(*inputs)
        total = of_rows(parts[0], *inputs)
        for some in parts[1:]:
            total = total + of_rows(some, *inputs)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Compute each piece again, and add up its gradients."""
        (gradient,) = gradients
        needed = ctx.needs_input_grad[2:]
        if torch.is_grad_enabled():
            inputs = ctx.saved_tensors
            wanted = [one for one, need in zip(inputs, needed, strict=True) if need]
            total = _of_checkpoints(ctx.of_rows, ctx.parts, inputs)
            sums = list(torch.autograd.grad(total, wanted, gradient, create_graph=True))
        else:
            inputs = [one.detach().requires_grad_(need) for one, need in zip(ctx.saved_tensors, needed, strict=True)]
            wanted = [one for one in inputs if one.requires_grad]
            sums = [torch.zeros_like(one) for one in wanted]
            for some in ctx.parts:
                with torch.enable_grad():
                    value = ctx.of_rows(some, *inputs)
                for whole, part in zip(sums, torch.autograd.grad(value, wanted, gradient), strict=True):
                    whole += part
        found = iter(sums)
        return (None, None, *(next(found) if need else None for need in needed))


def _of_checkpoints(of_rows: OfRows, parts: Sequence[slice], inputs: Sequence[Tensor]) -> Tensor:
    """The same as torch's own checkpoints have it, which can be compiled and differentiated twice."""
    values = [checkpoint(of_rows, some, *inputs, use_reentrant=False, preserve_rng_state=False) for some in parts]
    return torch.stack(values).sum()
