"""Mescheder, Geiger and Nowozin 2018: which training methods for GANs do actually converge? (arXiv 1801.04406)."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.mescheder2018 import specs


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register both penalties."""
    register(specs.R1)
    register(specs.R2)
