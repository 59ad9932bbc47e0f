"""The waves of a periodic box: their wavenumbers and directions on the half plane of ``torch.fft.rfft2``."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def wavenumber_squared(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """k^2 in (radians per pixel)^2: (H, W // 2 + 1)."""
    rows, columns = _wavenumbers(height, width, dtype, device)
    return rows[:, None].square() + columns.square()


def direction_product(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """n1^2 n2^2 of the direction n = k / |k| of each wave, 0 along the axes to 1/4 on the diagonals; 0 at k = 0.

    (H, W // 2 + 1). A cubic crystal whose axes are those of the box depends on the direction through this alone.
    """
    rows, columns = (k.square() for k in _wavenumbers(height, width, dtype, device))
    k4 = (rows[:, None] + columns).square()
    k4[0, 0] = 1
    return rows[:, None] * columns / k4


def _wavenumbers(height: int, width: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    rows: Tensor = 2 * math.pi * torch.fft.fftfreq(height, dtype=dtype, device=device)
    columns: Tensor = 2 * math.pi * torch.fft.rfftfreq(width, dtype=dtype, device=device)
    return rows, columns
