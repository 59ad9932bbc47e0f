"""Gulrajani et al. 2017: improved training of Wasserstein GANs (arXiv 1704.00028), WGAN-GP."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.gulrajani2017 import specs


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the penalty."""
    register(specs.GradientPenalty)
