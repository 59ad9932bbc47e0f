"""How much the images of one condition differ from each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.distances import difference_of_means
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens

_PIXELS_AT_ONCE = 4096


class PixelStdDescriptor(Descriptor):
    """Standard deviation of a pixel over the set (divisor N - 1), averaged over pixels and channels.

    Grey levels are scaled to [-1, 1], the range of the networks: 0 where all images are the same.
    """

    def measure(self, specimens: Specimens) -> Measurement:
        """One value (1,) a set; none for fewer than two images."""
        images = specimens.images
        if len(images) < 2:
            return _none()
        return _measurement(images.std(axis=0, dtype=np.float64, ddof=1).mean())

    def redrawn(self, specimens: Specimens, weights: NDArray[np.int64]) -> Sequence[Measurement]:
        """The spread of each set drawn again, from sums and sums of squares: one product of matrices for all sets."""
        images = specimens.images.reshape(len(specimens.images), -1)
        counts = weights.sum(axis=1)
        total = np.zeros(len(weights))
        for first in range(0, images.shape[1], _PIXELS_AT_ONCE):
            grey = images[:, first : first + _PIXELS_AT_ONCE].astype(np.float32)
            # About the mean, so that the difference of two large sums does not cost the digits.
            grey -= grey.mean(axis=0, keepdims=True)
            sums, squares = weights.astype(np.float32) @ grey, weights.astype(np.float32) @ grey**2
            variance = (squares - sums**2 / np.maximum(1, counts)[:, None]) / np.maximum(1, counts - 1)[:, None]
            total += np.sqrt(np.maximum(0.0, variance)).sum(axis=1, dtype=np.float64)
        spreads = total / images.shape[1]
        return [_measurement(spread) if count > 1 else _none() for spread, count in zip(spreads, counts, strict=True)]

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The absolute difference."""
        return difference_of_means(one, other)


def _measurement(spread: float) -> Measurement:
    return Measurement(np.array([spread * 2 / 255]))


def _none() -> Measurement:
    return Measurement(np.zeros(0), notes=("a spread needs at least two images",))
