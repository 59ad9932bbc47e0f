"""The time steps: short at first, longer as the structure coarsens, cut where somebody looks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class StepLengths:
    """Steps that grow geometrically from ``start`` by ``growth`` to ``longest``.

    Raises:
        ValueError: a length is out of its range or not finite.
    """

    start: float
    growth: float
    longest: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and self.start > 0):
            raise ValueError(f"dt_start must be finite and positive; got {self.start}")
        if not (math.isfinite(self.growth) and self.growth >= 1):
            raise ValueError(f"dt_growth must be finite and at least 1; got {self.growth}")
        if not (math.isfinite(self.longest) and self.longest >= self.start):
            raise ValueError(f"dt_max must be finite and at least dt_start = {self.start}; got {self.longest}")

    def after(self, dt: float) -> float:
        """The length of the step after one of length ``dt``."""
        return min(dt * self.growth, self.longest)


def is_reached(moment: float, now: float, dt: float) -> bool:
    """Whether the step that ends at ``moment`` is the next one.

    The tolerance spares a step that would only make up for rounding in the sum of the ones before.
    """
    return moment - now <= dt * (1 + 1e-6)


def steps_to_each(moments: Sequence[float], lengths: StepLengths) -> list[list[float]]:
    """The steps that lead to each of the rising moments from the one before; the last of each is cut to end there."""
    schedule: list[list[float]] = []
    now, dt = 0.0, lengths.start
    for moment in moments:
        steps: list[float] = []
        while not is_reached(moment, now, dt):
            steps.append(dt)
            now += dt
            dt = lengths.after(dt)
        steps.append(moment - now)
        now, dt = moment, lengths.after(dt)
        schedule.append(steps)
    return schedule


def checked_times(times: Sequence[float] | Tensor) -> list[float]:
    """The moments as numbers, finite and positive. Raises ValueError."""
    if isinstance(times, Tensor) and times.ndim != 1:
        raise ValueError(f"times must have the shape (T,); got {tuple(times.shape)}")
    moments = [float(t) for t in (times.tolist() if isinstance(times, Tensor) else times)]
    if not moments:
        raise ValueError("times must name at least one moment")
    if not all(math.isfinite(t) and t > 0 for t in moments):
        raise ValueError(f"times must be finite and positive; got {moments}")
    return moments


def rising_times(times: Sequence[float] | Tensor) -> list[float]:
    """The moments as numbers, each later than the one before. Raises ValueError."""
    moments = checked_times(times)
    if any(later <= earlier for earlier, later in itertools.pairwise(moments)):
        raise ValueError(f"times must rise from each to the next; got {moments}")
    return moments
