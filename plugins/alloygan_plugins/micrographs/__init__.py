"""Real micrographs: patches cut from the images that a manifest lists, with their processing parameters."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.micrographs import specs


@hookimpl
def alloygan_register_datasets(register: Callable[[type], None]) -> None:
    """Register the data set."""
    register(specs.Micrographs)
