"""Huang et al. 2024: the relativistic pairing loss of R3GAN (arXiv 2501.05441)."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.huang2024 import specs


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the loss."""
    register(specs.Relativistic)
