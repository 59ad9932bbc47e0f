"""Miyato et al. 2018: spectral normalisation (arXiv 1802.05957) and the projection discriminator (arXiv 1802.05637)."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.miyato2018 import specs


@hookimpl
def alloygan_register_critics(register: Callable[[type], None]) -> None:
    """Register the critic."""
    register(specs.Projection)


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the hinge loss."""
    register(specs.Hinge)
