"""Bootstrap confidence intervals of scores: images are drawn again, with replacement, as often as there are.

An image is drawn with everything measured in it (particles of one image are not independent). Where a set comes from
many micrographs or simulations, these are drawn instead of images. B. Efron and R. J. Tibshirani, An Introduction to
the Bootstrap, 1993. Distances and absolute deviations cannot fall below 0, so resampled ones lie above the score (and
an R² below it); the interval is the percentile interval, moved so that its median is the score.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from alloygan.interfaces.descriptor import Measurement

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CONFIDENCE = 0.95
FEWEST_UNITS = 5
"""Sources are the units from so many on; below, images are."""

_MOST_VALUES = 4000


class Resampler:
    """Draws a set of images again: `units` (N,) says which images belong together."""

    def __init__(self, source: IntArray | None, images: int) -> None:
        self.sources = 0 if source is None else len(np.unique(source))
        self.by_source = self.sources >= FEWEST_UNITS
        if source is not None and self.by_source:
            _, self.unit = np.unique(source, return_inverse=True)
        else:
            self.unit = np.arange(images)
        self.units = int(self.unit.max()) + 1 if images else 0
        self.images = images

    @property
    def words(self) -> str:
        """What is drawn, such as `24 images of 2 sources`."""
        return _words(self.images, self.sources, self.by_source)

    def weights(self, random: np.random.Generator) -> IntArray:
        """How often each image (N,) is drawn."""
        if not self.units:
            return np.zeros(0, dtype=np.int64)
        drawn = np.bincount(random.integers(0, self.units, self.units), minlength=self.units)
        return drawn[self.unit]


def drawn_from(source: IntArray, images: int, fewest_sources: int) -> str:
    """What is drawn, in the words of `Resampler`, where sources are the units from `fewest_sources` on."""
    sources = len(np.unique(source))
    return _words(images, sources, sources >= fewest_sources)


def redrawn(measurement: Measurement, weights: IntArray) -> Measurement | None:
    """The measurement of the images drawn so often each; None where its values belong to no image."""
    image = _image_of(measurement, len(weights))
    if image is None:
        return None
    index = np.repeat(np.arange(len(image)), weights[image])
    return replace(measurement, values=measurement.values[index], image=image[index])


def thinned(measurement: Measurement) -> Measurement:
    """At most 4,000 of the values, evenly spaced, so that thousands of resamples stay quick."""
    count = len(measurement.values)
    if measurement.values.ndim != 1 or count <= _MOST_VALUES or measurement.image is None:
        return measurement
    index = np.linspace(0, count - 1, _MOST_VALUES).round().astype(np.int64)
    return replace(measurement, values=measurement.values[index], image=measurement.image[index])


def interval(
    score: float | None, resampled: Sequence[float | None], bounds: tuple[float, float] = (0.0, math.inf)
) -> list[float] | None:
    """The 95 % interval `[low, high]` of a score that cannot lie outside of `bounds`; None without a score, or where a
    tenth of the resamples gave none.
    """
    found = np.array([value for value in resampled if value is not None and np.isfinite(value)])
    if score is None or not len(resampled) or len(found) < 0.9 * len(resampled):
        return None
    tail = (1 - CONFIDENCE) / 2
    low, middle, high = np.quantile(found, [tail, 0.5, 1 - tail])
    return [min(max(float(score + end - middle), bounds[0]), bounds[1]) for end in (low, high)]


def _words(images: int, sources: int, by_source: bool) -> str:
    if by_source:
        return f"{sources} sources"
    return f"{images} images" + (f" of {sources} source{'s' * (sources > 1)}" if sources else "")


def _image_of(measurement: Measurement, images: int) -> IntArray | None:
    if measurement.image is not None:
        return measurement.image
    return np.arange(images) if len(measurement.values) == images else None
