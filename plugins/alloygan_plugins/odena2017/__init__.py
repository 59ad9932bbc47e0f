"""Odena, Olah and Shlens 2017: conditional image synthesis with auxiliary classifier GANs (arXiv 1610.09585)."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.odena2017 import specs


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the loss."""
    register(specs.AuxiliaryClassifier)
