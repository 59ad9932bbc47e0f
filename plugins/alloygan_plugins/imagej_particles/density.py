"""Number of particles per area."""

from typing import Literal

import numpy as np

from alloygan.evaluation.distances import wasserstein
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan_plugins.imagej_particles.of_specimens import particles_of


class NumberDensityDescriptor(Descriptor):
    """Particles of at least `min_area` px² per area, in 1/px² or 1/µm²; 0 for an image without any.

    `edges`: `two_sides`, H. J. G. Gundersen, J. Microsc. 111 (1977) 219, as far as one image allows it; or
    `miles_lantuejoul`, the correction of Miles and Lantuéjoul (J. Serra, Image Analysis and Mathematical
    Morphology, 1982, chapter VIII). The README compares them.
    """

    def __init__(self, min_area: float, edges: Literal["two_sides", "miles_lantuejoul"]) -> None:
        self.min_area = min_area
        self.edges = edges

    def measure(self, specimens: Specimens) -> Measurement:
        """One value (N,) an image."""
        count, height, width = specimens.masks.shape
        clear_only = self.edges == "miles_lantuejoul"
        found = particles_of(specimens, min_area=self.min_area, exclude_edges=clear_only)
        if clear_only:
            # A w x h box lies clear of the border at (W - 1 - w) (H - 1 - h) places.
            shares = 1.0 / ((width - 1 - found.width) * (height - 1 - found.height))
        else:
            # The sides run through the first row and column of pixels: a particle that begins there is not
            # counted in the image above or on the left either, so they are no part of the area.
            shares = ((found.left > 0) & (found.top > 0)) / max(1, (height - 1) * (width - 1))
        density = np.bincount(found.image, shares, count).astype(np.float64)
        return Measurement(
            density / specimens.length_per_px**2,
            unit=f"1/{specimens.unit}²",
            image=np.arange(count),
        )

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The 1-Wasserstein distance of the two distributions over images."""
        return wasserstein(one, other)
