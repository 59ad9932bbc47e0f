"""How many peaks a distribution has: Silverman's test, for distributions that a generator may have averaged.

B. W. Silverman, Using kernel density estimates to investigate multimodality, J. R. Stat. Soc. B 43 (1981) 97. The
critical bandwidth h_k is the smallest at which a Gaussian kernel density has at most k peaks. Samples are drawn from
that density (the smoothed bootstrap, rescaled to the variance of the data); p_k is the share of them that have more
than k peaks at h_k. A small p_k says that k peaks are too few. The test takes values as independent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float64]

FEWEST_VALUES = 30
MOST_PEAKS = 4
LEVEL = 0.01
_OUTERMOST = 0.01
_MOST_VALUES = 2000
_CELLS = 512
_RESAMPLES = 200
_BISECTIONS = 24


@dataclass(frozen=True)
class Peaks:
    """`count`: one more than the largest number of peaks that is rejected at 1 % (at most 4); `p`: the smallest p of
    the tests of one, two and three peaks.
    """

    count: int
    p: float


def peaks(values: FloatArray, *, seed: int = 0) -> Peaks | None:
    """The peaks of positive values (n,), on their logarithms, whose tails are alike at both ends.

    The outermost value at each end (or 1 % of them) is left out, since one value far from all others would be a peak of
    its own. None for fewer than 30 values, or values that are all the same. Above 2,000, evenly spaced ranks are taken.
    """
    if len(values) < FEWEST_VALUES or not (np.isfinite(values) & (values > 0)).all():
        return None
    outermost = max(1, round(_OUTERMOST * len(values)))
    ordered = _without_steps(np.log(np.sort(values)[outermost:-outermost]))
    if len(ordered) > _MOST_VALUES:
        ordered = ordered[np.linspace(0, len(ordered) - 1, _MOST_VALUES).round().astype(np.int64)]
    spread = float(ordered.std())
    if spread < 1e-9:
        return None
    scaled = (ordered - ordered.mean()) / spread
    random = np.random.default_rng([seed, len(values)])
    # Not the first that is not rejected: p does not rise steadily with the number of peaks. Of three peaks alike, one
    # may pass (its critical density is wide), and two not.
    found = [_p_of_at_most(scaled, count, random) for count in range(1, MOST_PEAKS)]
    rejected = [count for count, p in enumerate(found, start=1) if p < LEVEL]
    return Peaks(max(rejected, default=0) + 1, min(found))


def _without_steps(ordered: FloatArray) -> FloatArray:
    """Where most values occur several times (sizes of few pixels), each is spread over its step evenly, up to half way
    to its neighbours: on a grid every value would be a peak.
    """
    steps, counts = np.unique(ordered, return_counts=True)
    if len(steps) < 2 or 2 * len(steps) > len(ordered):
        return ordered
    middles = (steps[1:] + steps[:-1]) / 2
    low = np.concatenate([[2 * steps[0] - middles[0]], middles])
    high = np.concatenate([middles, [2 * steps[-1] - middles[-1]]])
    place = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    spread: FloatArray = np.repeat(low, counts) + place * np.repeat(high - low, counts)
    return spread


def _p_of_at_most(scaled: FloatArray, count: int, random: np.random.Generator) -> float:
    bandwidth = _critical_bandwidth(scaled, count)
    drawn = random.choice(scaled, (_RESAMPLES, len(scaled))) + bandwidth * random.standard_normal(
        (_RESAMPLES, len(scaled))
    )
    # Smoothing has widened the law; this takes it back to the variance of the data, which is 1.
    drawn /= np.sqrt(1 + bandwidth**2)
    return float((_peak_counts(drawn, bandwidth) > count).mean())


def _critical_bandwidth(scaled: FloatArray, count: int) -> float:
    """By bisection: the number of peaks of a Gaussian kernel density never rises with the bandwidth."""
    low, high = 1e-3, 4.0
    for _ in range(_BISECTIONS):
        middle = float(np.sqrt(low * high))
        if _peak_counts(scaled[None], middle)[0] > count:
            low = middle
        else:
            high = middle
    return high


def _peak_counts(samples: FloatArray, bandwidth: float) -> NDArray[np.int64]:
    """Peaks (R,) of the kernel density of each of R samples (R, n), in cells much finer than the bandwidth."""
    reach = float(np.abs(samples).max()) + 3 * bandwidth
    cells = int(max(_CELLS, min(8192, np.ceil(8 * reach / bandwidth))))
    width = 2 * reach / cells
    cell = np.clip(((samples + reach) / width).astype(np.int64), 0, cells - 1)
    rows = np.arange(len(samples))[:, None] * cells
    counts = np.bincount((rows + cell).ravel(), minlength=len(samples) * cells).reshape(len(samples), cells)
    density = ndimage.gaussian_filter1d(counts.astype(np.float64), bandwidth / width, axis=1, mode="constant")
    # Far tails hold only rounding of the filter; a peak there is none.
    density = np.where(density < 1e-9 * density.max(axis=1, keepdims=True), 0.0, density)
    slope = np.sign(np.diff(density, axis=1))
    return np.array([_turns(row) for row in slope], dtype=np.int64)


def _turns(slope: FloatArray) -> int:
    """How often the slope goes from rising to falling, flat stretches left out."""
    moving = slope[slope != 0]
    return int(((moving[:-1] > 0) & (moving[1:] < 0)).sum())
