"""Direction and spacing of layers: the alignment of a structure, and the period of the lamellae."""

from alloygan import hookimpl
from alloygan.hookspecs import Register
from alloygan_plugins.orientation.specs import LamellarSpacing, OrientationAnisotropy


@hookimpl
def alloygan_register_descriptors(register: Register) -> None:
    """Register the descriptors of layers."""
    for spec in (LamellarSpacing, OrientationAnisotropy):
        register(spec)
