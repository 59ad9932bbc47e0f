"""Share of the area that the primary phase covers."""

import numpy as np

from alloygan.evaluation.distances import wasserstein
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens


class AreaFractionDescriptor(Descriptor):
    """Pixels of the primary phase over all pixels, in [0, 1]."""

    def measure(self, specimens: Specimens) -> Measurement:
        """One value (N,) an image."""
        return Measurement(specimens.masks.mean(axis=(1, 2), dtype=np.float64), image=np.arange(len(specimens.masks)))

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The 1-Wasserstein distance of the two distributions over images."""
        return wasserstein(one, other)
