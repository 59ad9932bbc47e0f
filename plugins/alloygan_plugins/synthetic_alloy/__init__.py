"""A simulated stand-in for the alloy of Jain et al., whose truth is known, to check what measures it."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.synthetic_alloy.specs import SyntheticAlloy


@hookimpl
def alloygan_register_datasets(register: Callable[[type], None]) -> None:
    """Register the data set."""
    register(SyntheticAlloy)
