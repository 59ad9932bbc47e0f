"""Tancik et al. 2020: Fourier features let networks learn high-frequency functions in low-dimensional domains."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.tancik2020 import specs


@hookimpl
def alloygan_register_conditioners(register: Callable[[type], None]) -> None:
    """Register the conditioner."""
    register(specs.FourierMlp)
