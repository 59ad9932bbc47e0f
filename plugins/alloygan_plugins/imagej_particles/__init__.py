"""Sizes, shapes and number of particles, measured as ImageJ does."""

from alloygan import hookimpl
from alloygan.hookspecs import Register
from alloygan_plugins.imagej_particles.specs import AspectRatio, EquivalentDiameter, NumberDensity


@hookimpl
def alloygan_register_descriptors(register: Register) -> None:
    """Register the descriptors of particles."""
    for spec in (EquivalentDiameter, AspectRatio, NumberDensity):
        register(spec)
