"""Implements a hook with an argument that it does not have."""

from alloygan import hookimpl


@hookimpl
def alloygan_register_losses(registry: object) -> None:
    """The argument is called `register`."""
