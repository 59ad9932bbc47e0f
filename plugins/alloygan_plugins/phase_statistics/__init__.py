"""How much of the primary phase there is, how much interface, how bright images are and how much they vary."""

from alloygan import hookimpl
from alloygan.hookspecs import Register
from alloygan_plugins.phase_statistics.specs import AreaFraction, InterfaceDensity, MeanGrey, PixelStd


@hookimpl
def alloygan_register_descriptors(register: Register) -> None:
    """Register the descriptors of whole images."""
    for spec in (AreaFraction, InterfaceDensity, MeanGrey, PixelStd):
        register(spec)
