"""Registers a loss under a name that the zoo has."""

from collections.abc import Callable
from typing import Literal

from alloygan import LossSpec, hookimpl


class MyWgan(LossSpec):
    """Another loss called wgan."""

    kind: Literal["wgan"] = "wgan"


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the loss."""
    register(MyWgan)
