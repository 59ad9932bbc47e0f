"""How much of the primary phase there is, how much interface, and how much images of one condition vary."""

from alloygan import hookimpl
from alloygan.hookspecs import Register
from alloygan_plugins.phase_statistics.specs import AreaFraction, InterfaceDensity, PixelStd


@hookimpl
def alloygan_register_descriptors(register: Register) -> None:
    """Register the descriptors of whole images."""
    for spec in (AreaFraction, InterfaceDensity, PixelStd):
        register(spec)
