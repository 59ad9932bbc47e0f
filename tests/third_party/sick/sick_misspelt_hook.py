"""Implements a hook that does not exist."""

from collections.abc import Callable

from alloygan import hookimpl


@hookimpl
def alloygan_register_loses(register: Callable[[type], None]) -> None:
    """Would never be called."""
