"""Checks of the simulator's arguments: shapes and ranges, told in words."""

from __future__ import annotations

import torch
from torch import Tensor

_SMALLEST_SIDE = 8


def one_value_a_field(values: Tensor, name: str) -> Tensor:
    """(B,) finite values as float64 on the CPU."""
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"{name} must have the shape (B,), B at least 1; got {tuple(values.shape)}")
    values = values.detach().cpu().double()
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"{name} must be finite; got {values.tolist()}")
    return values


def check_size(height: int, width: int) -> None:
    """Refuse a box that holds no pattern."""
    if min(height, width) < _SMALLEST_SIDE:
        raise ValueError(f"size must be at least {_SMALLEST_SIDE} x {_SMALLEST_SIDE}; got {height} x {width}")


def check_dtype(dtype: torch.dtype) -> None:
    """Refuse what is not a precision to compute in."""
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype must be torch.float32 or torch.float64; got {dtype}")
