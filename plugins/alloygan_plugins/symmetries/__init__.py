"""Symmetries of the square as augmentation: real patches are mirrored and turned, pixel for pixel."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.symmetries import specs


@hookimpl
def alloygan_register_augmenters(register: Callable[[type], None]) -> None:
    """Register the identity and the two groups."""
    register(specs.Identity)
    register(specs.Flips)
    register(specs.Dihedral)
