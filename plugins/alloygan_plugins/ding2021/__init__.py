"""Ding et al. 2021: CcGAN's vicinal sampler and losses for continuous conditions (ICLR 2021)."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.ding2021 import specs


@hookimpl
def alloygan_register_samplers(register: Callable[[type], None]) -> None:
    """Register the sampler."""
    register(specs.Vicinal)


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the loss."""
    register(specs.VicinalHinge)
