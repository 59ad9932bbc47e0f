"""Means over seeds with bootstrap intervals, and paired differences from a baseline."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

RESAMPLES = 9_999
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Summary:
    """Values of one score over seeds: how many, their mean, and its 95 % interval (None with fewer than two seeds)."""

    count: int
    mean: float
    interval: tuple[float, float] | None


def summary(by_seed: Mapping[int, float]) -> Summary | None:
    """The mean over seeds with its percentile-bootstrap interval (seeds drawn again); None of no values.

    With few seeds the interval is narrower than it says: of three seeds it covers the true mean in about three
    quarters of all cases, of five in about five sixths.
    """
    values = np.array([by_seed[seed] for seed in sorted(by_seed)])
    if not len(values):
        return None
    return Summary(len(values), float(values.mean()), _interval(values))


def paired_difference(by_seed: Mapping[int, float], baseline: Mapping[int, float]) -> Summary | None:
    """The mean of value − baseline over the seeds that both have, with its interval; None where they share none."""
    shared = by_seed.keys() & baseline.keys()
    return summary({seed: by_seed[seed] - baseline[seed] for seed in shared})


def _interval(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, float] | None:
    if len(values) < 2:
        return None
    if values.min() == values.max():
        return float(values[0]), float(values[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few distinct resamples, which is said in the docs
        found = bootstrap(
            (values,), np.mean, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, method="percentile", rng=0
        ).confidence_interval
    return float(found.low), float(found.high)
