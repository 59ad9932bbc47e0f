"""How far two sets of measurements are apart. None where either has nothing; both need the same unit."""

import numpy as np
from scipy.stats import wasserstein_distance

from alloygan.interfaces.descriptor import Measurement


def wasserstein(one: Measurement, other: Measurement) -> float | None:
    """The 1-Wasserstein distance: the mean shift that turns one distribution into the other.

    In the unit of the values; the sets may differ in size.
    """
    if not _comparable(one, other):
        return None
    return float(wasserstein_distance(one.values.ravel(), other.values.ravel()))


def kolmogorov_smirnov(one: Measurement, other: Measurement) -> float | None:
    """The largest difference of the two cumulative distributions, in [0, 1]; None for curves, or one value a set.

    No p-value goes with it: values of one image are not independent, so it would be far too small.
    """
    if not _comparable(one, other) or one.values.ndim != 1 or min(len(one.values), len(other.values)) < 2:
        return None
    # scipy's ks_2samp spends nearly all its time on the p-value, and every bootstrap resample needs the statistic.
    first, second = np.sort(one.values), np.sort(other.values)
    every = np.concatenate([first, second])
    shares = (np.searchsorted(values, every, side="right") / len(values) for values in (first, second))
    return float(np.abs(np.subtract(*shares)).max())


def difference_of_means(one: Measurement, other: Measurement) -> float | None:
    """The absolute difference of the means; for descriptors with one value a set, of these values."""
    if not _comparable(one, other):
        return None
    return float(abs(one.values.mean() - other.values.mean()))


def difference_of_mean_curves(one: Measurement, other: Measurement) -> float | None:
    """The absolute difference of the mean curves, averaged over the axis, in the unit of the values.

    Raises ValueError where the curves do not lie over the same axis.
    """
    if not _comparable(one, other):
        return None
    if one.axis is None or other.axis is None or not np.array_equal(one.axis, other.axis):
        raise ValueError("curves over different axes cannot be compared")
    return float(np.abs(one.values.mean(axis=0) - other.values.mean(axis=0)).mean())


def _comparable(one: Measurement, other: Measurement) -> bool:
    if one.values.size == 0 or other.values.size == 0:
        return False
    if one.unit != other.unit:
        raise ValueError(f"measurements in {one.unit or 'no unit'} and {other.unit or 'no unit'} cannot be compared")
    return True
