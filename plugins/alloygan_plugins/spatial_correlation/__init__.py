"""How the phases are arranged in space: the two-point correlation, and the characteristic length."""

from alloygan import hookimpl
from alloygan.hookspecs import Register
from alloygan_plugins.spatial_correlation.specs import CharacteristicLength, TwoPoint


@hookimpl
def alloygan_register_descriptors(register: Register) -> None:
    """Register the descriptors of spatial order."""
    for spec in (TwoPoint, CharacteristicLength):
        register(spec)
