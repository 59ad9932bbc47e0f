"""How much the images of one condition differ from each other."""

import numpy as np

from alloygan.evaluation.distances import difference_of_means
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens


class PixelStdDescriptor(Descriptor):
    """Standard deviation of a pixel over the set (divisor N - 1), averaged over pixels and channels.

    Grey levels are scaled to [-1, 1], the range of the networks: 0 where all images are the same.
    """

    def measure(self, specimens: Specimens) -> Measurement:
        """One value (1,) a set; none for fewer than two images."""
        images = specimens.images
        if len(images) < 2:
            return Measurement(np.zeros(0), notes=("a spread needs at least two images",))
        return Measurement(np.array([images.std(axis=0, dtype=np.float64, ddof=1).mean() * 2 / 255]))

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The absolute difference."""
        return difference_of_means(one, other)
