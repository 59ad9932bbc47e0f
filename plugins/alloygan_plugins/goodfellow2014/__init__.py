"""Goodfellow et al. 2014: generative adversarial networks (arXiv 1406.2661), both losses of the generator."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.goodfellow2014 import specs


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register both losses."""
    register(specs.Minimax)
    register(specs.NonSaturating)
