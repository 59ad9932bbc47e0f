"""Simulated spinodal decomposition (Cahn-Hilliard) as a data set, as section 4 of Jain et al. announces."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.spinodal.specs import Spinodal


@hookimpl
def alloygan_register_datasets(register: Callable[[type], None]) -> None:
    """Register the data set."""
    register(Spinodal)
