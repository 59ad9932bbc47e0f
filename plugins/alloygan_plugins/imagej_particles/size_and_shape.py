"""Size and shape of each particle."""

import math

import numpy as np

from alloygan.evaluation.distances import wasserstein
from alloygan.evaluation.particles import Particles
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan_plugins.imagej_particles.of_specimens import particles_of


class _OneValueAParticle(Descriptor):
    """Particles of all specimens, pooled: of `min_area` px² or more; `exclude_edges`: clear of the border."""

    one_value_a_particle = True

    def __init__(self, min_area: float, exclude_edges: bool) -> None:
        self.min_area = min_area
        self.exclude_edges = exclude_edges

    def particles(self, specimens: Specimens) -> Particles:
        """The particles of the specimens (N images)."""
        return particles_of(specimens, min_area=self.min_area, exclude_edges=self.exclude_edges)

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The 1-Wasserstein distance of the two distributions over particles."""
        return wasserstein(one, other)

    def notes(self, particles: Particles, images: int) -> tuple[str, ...]:
        """Which images do not take part in the mean."""
        empty = images - len(np.unique(particles.image))
        if not empty:
            return ()
        place = " clear of the border" if self.exclude_edges else ""
        return (f"{empty} of {images} images have no particle of at least {self.min_area:g} px²{place}",)


class EquivalentDiameterDescriptor(_OneValueAParticle):
    """2 sqrt(area / π) of each particle, in px or µm."""

    def measure(self, specimens: Specimens) -> Measurement:
        """One value (P,) a particle."""
        particles = self.particles(specimens)
        return Measurement(
            2 * np.sqrt(particles.area / math.pi) * specimens.length_per_px,
            unit=specimens.unit,
            image=particles.image,
            notes=self.notes(particles, len(specimens.masks)),
        )


class AspectRatioDescriptor(_OneValueAParticle):
    """Major over minor axis of each particle's ellipse, at least 1."""

    def measure(self, specimens: Specimens) -> Measurement:
        """One value (P,) a particle."""
        particles = self.particles(specimens)
        return Measurement(
            particles.aspect_ratio,
            image=particles.image,
            notes=self.notes(particles, len(specimens.masks)),
        )
