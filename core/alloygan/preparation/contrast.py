"""Uniform contrast: a grey level of 8 bits for each of 16, fitted to the training region of a micrograph.

A map of levels is the same wherever it is applied, so parts of a large micrograph agree exactly.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.exposure import match_histograms, rescale_intensity

from alloygan.errors import DataError
from alloygan.preparation.rescaled import WHITE, Levels

LevelMap = NDArray[np.float64]
"""For each of 65536 levels the new one, 0 to 255, not rounded."""

_ALL = np.arange(int(WHITE) + 1, dtype=np.float64)


def refuse_constant(sample: Levels, name: str, part: str = "the training region") -> None:
    """Raise DataError for a micrograph whose grey levels are all the same; `part` is what they are those of."""
    if sample.size == 0 or sample.min() == sample.max():
        level = f"{sample[0] / 257:g}" if sample.size else "missing"
        raise DataError(
            f"{name}: {part} has one grey level ({level} of 255): there is no microstructure to see; "
            "exclude the micrograph, or correct its roi"
        )


def unchanged() -> LevelMap:
    """The full range of the file to 0..255."""
    return _ALL / 257


def between_quantiles(sample: Levels, quantiles: tuple[float, float], name: str) -> tuple[LevelMap, float, float]:
    """Two percentiles of the sample to 0 and 255, what lies beyond clipped; and the two levels, 0 to 65535.

    Raises DataError naming `name` if the two are the same level.
    """
    low, high = (float(level) for level in np.percentile(sample, quantiles))
    if not low < high:
        raise DataError(
            f"{name}: the percentiles {quantiles[0]:g} and {quantiles[1]:g} of its grey levels are the same "
            f"({low / 257:g} of 255): nearly all px have one level; choose wider quantiles or contrast: none, or "
            "exclude the micrograph"
        )
    level_map: LevelMap = rescale_intensity(_ALL, in_range=(low, high), out_range=(0.0, 255.0))  # type: ignore[no-untyped-call]
    return level_map, low, high


def matching(sample: Levels, reference: Levels) -> LevelMap:
    """The histogram of the sample to that of a reference; levels that the sample lacks lie between their neighbours."""
    matched = match_histograms(sample, reference)
    levels, first = np.unique(sample, return_index=True)
    level_map: LevelMap = np.interp(_ALL, levels, matched[first]) / 257
    return level_map


def applied(levels: Levels, level_map: LevelMap) -> NDArray[np.uint8]:
    """The new levels, rounded to 8 bits."""
    table = np.rint(level_map).clip(0, 255).astype(np.uint8)
    new: NDArray[np.uint8] = table[levels]
    return new
