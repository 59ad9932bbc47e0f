"""R² of the parity of generated and real images over conditions (the paper's Figure 3a to c)."""

from collections.abc import Sequence

FEWEST_FOR_R2 = 3
"""Through one or two conditions a line always goes."""

_ROUNDING = 1e-9


def r_squared(real: Sequence[float], other: Sequence[float]) -> float | None:
    """The coefficient of determination about the line other = real: 1 − Σ(o − r)² / Σ(r − mean of r)².

    Nothing is fitted, so it is negative where the mean of all conditions would do better. None for fewer than three
    conditions, or none that differ.
    """
    if len(real) < FEWEST_FOR_R2:
        return None
    mean = sum(real) / len(real)
    spread = sum((r - mean) ** 2 for r in real)
    if spread <= len(real) * (_ROUNDING * max(map(abs, real))) ** 2:
        return None
    return 1 - sum((o - r) ** 2 for r, o in zip(real, other, strict=True)) / spread
