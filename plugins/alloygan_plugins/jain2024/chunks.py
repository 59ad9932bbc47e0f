"""Sums over all pairs of a large batch in memory that grows with the batch, not with its square."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

PAIRS_AT_ONCE = {"cpu": 2**20}
"""Pairs held at once, by device: 4 MiB of each intermediate in float32; a batch of 1,024 is one piece."""

PAIRS_AT_ONCE_ELSEWHERE = 2**24
"""A GPU wants larger pieces: 64 MiB of each intermediate; a batch of 4,096 is one piece."""


def sum_over_rows(of_rows: Callable[[Tensor], Tensor], rows: Tensor, columns: int) -> Tensor:
    """Σ of `of_rows(some)`, a 0-d tensor for some of the `rows` (m,) int64, each of which meets `columns` others.

    Where all fit at once it is `of_rows(rows)`. Otherwise pieces are computed again for the gradient instead of being
    kept, so first derivatives cost one forward more, and second derivatives are exact too.
    """
    pairs = PAIRS_AT_ONCE.get(rows.device.type, PAIRS_AT_ONCE_ELSEWHERE)
    at_once = max(1, pairs // max(1, columns))
    if at_once >= len(rows):
        return of_rows(rows)
    parts = [checkpoint(of_rows, some, use_reentrant=False, preserve_rng_state=False) for some in rows.split(at_once)]
    return torch.stack(parts).sum()
