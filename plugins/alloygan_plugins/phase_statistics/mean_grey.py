"""How bright images are."""

import numpy as np

from alloygan.evaluation.distances import wasserstein
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens


class MeanGreyDescriptor(Descriptor):
    """Mean grey level over all pixels and channels, in [0, 1]: 0 is black, 1 is white."""

    def measure(self, specimens: Specimens) -> Measurement:
        """One value (N,) an image."""
        images = specimens.images
        return Measurement(images.mean(axis=(1, 2, 3), dtype=np.float64) / 255, image=np.arange(len(images)))

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The 1-Wasserstein distance of the two distributions over images."""
        return wasserstein(one, other)
