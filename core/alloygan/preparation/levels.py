"""Grey levels before and after: histograms, means, and how much of a micrograph is bright."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from alloygan.preparation.rescaled import Levels

MOST_CHANGE = 0.1
"""A larger change of the bright area fraction is warned of."""


@dataclass(frozen=True)
class GreyLevels:
    """A micrograph's training region before and after: histograms of 256 levels, means, and area fractions.

    Where all of a micrograph is for evaluation, the whole of it.

    `fraction_before` is the part that is brighter than the micrograph's own Otsu level before; `fraction_after` the
    part brighter than one Otsu level for all micrographs after, as an evaluation has it.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    fraction_before: float
    fraction_after: float

    @property
    def change(self) -> float:
        """By how much the bright area fraction has changed."""
        return self.fraction_after - self.fraction_before

    @property
    def mean_before(self) -> float:
        """Mean grey level before, 0 to 255."""
        return _mean(self.before)

    @property
    def mean_after(self) -> float:
        """Mean grey level after, 0 to 255."""
        return _mean(self.after)


def histogram(levels: Levels | NDArray[np.uint8]) -> NDArray[np.int64]:
    """Counts of 256 grey levels, from 16 bits or 8."""
    eight = levels // 257 if levels.dtype == np.uint16 else levels
    return np.bincount(eight.ravel(), minlength=256).astype(np.int64)


def bright_fraction(sample: Levels) -> float:
    """The part of the px that is brighter than Otsu's level, which is found over the range that the px have."""
    return float((sample > threshold_otsu(sample)).mean())  # type: ignore[no-untyped-call]


def compare(
    before: list[NDArray[np.int64]], after: list[NDArray[np.int64]], bright_before: list[float]
) -> list[GreyLevels]:
    """Grey levels of all micrographs from their histograms before and after, and what was bright, in the same order."""
    # Each micrograph weighs the same in the common level.
    common = _otsu(np.sum([1e6 * one / one.sum() for one in after], axis=0))
    return [
        GreyLevels(one, two, bright, _above(two, common))
        for one, two, bright in zip(before, after, bright_before, strict=True)
    ]


def _otsu(counts: NDArray[Any]) -> float:
    return float(threshold_otsu(hist=(counts, np.arange(256))))  # type: ignore[no-untyped-call]


def _above(counts: NDArray[np.int64], level: float) -> float:
    return float(counts[np.arange(256) > level].sum() / counts.sum())


def _mean(counts: NDArray[np.int64]) -> float:
    return float(np.average(np.arange(256), weights=counts))
