"""Fields at time 0: an even mixture with faint noise."""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

from alloygan_plugins.spinodal.arguments import check_dtype, check_size, one_value_a_field


def initial_composition(
    composition: Tensor,
    size: tuple[int, int],
    seed: int,
    *,
    first_index: int = 0,
    noise: float = 0.02,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Draw fields at time 0: the mean composition plus white Gaussian noise whose own mean is taken out.

    Args:
        composition, size, seed, first_index, noise, dtype, device: see ``simulate``.

    Returns:
        (B, H, W), the composition.

    Raises:
        ValueError: an argument is out of its range, not finite or of the wrong shape.
    """
    means = one_value_a_field(composition, "composition")
    if not bool(((means > 0) & (means < 1)).all()):
        raise ValueError(f"composition must lie between 0 and 1, both excluded; got {means.tolist()}")
    height, width = size
    check_size(height, width)
    if first_index < 0:
        raise ValueError(f"first_index must not be negative; got {first_index}")
    if not (math.isfinite(noise) and noise >= 0):
        raise ValueError(f"noise must be finite and not negative; got {noise}")
    check_dtype(dtype)

    # Always drawn on the CPU in float64, so that every device and precision starts from the same field.
    fields = torch.empty(len(means), height, width, dtype=torch.float64)
    for i, field in enumerate(fields):
        field.normal_(generator=_generator(seed, first_index + i))
    fields -= fields.mean(dim=(-2, -1), keepdim=True)
    fields.mul_(noise).add_(means[:, None, None])
    return fields.to(dtype).to(device)


def _generator(seed: int, index: int) -> torch.Generator:
    """A generator of its own for each field. A sum of the two would give neighbouring seeds common fields."""
    digest = hashlib.sha256(f"alloygan spinodal {seed} {index}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little", signed=True))
