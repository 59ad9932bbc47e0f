"""The particles of specimens, found once for all descriptors that measure them."""

from alloygan.evaluation.particles import Particles, clear_of_edges, find_particles
from alloygan.interfaces.descriptor import Specimens


def particles_of(specimens: Specimens, *, min_area: float, exclude_edges: bool) -> Particles:
    """As `find_particles` of the masks (N, H, W)."""
    every = specimens.once(
        ("particles", min_area), lambda: find_particles(specimens.masks, min_area=min_area, exclude_edges=False)
    )
    height, width = specimens.masks.shape[1:]
    return clear_of_edges(every, (height, width)) if exclude_edges else every
