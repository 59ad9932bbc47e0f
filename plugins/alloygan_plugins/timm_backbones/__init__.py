"""Critics on the image networks of timm, by name."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.timm_backbones import specs


@hookimpl
def alloygan_register_critics(register: Callable[[type], None]) -> None:
    """Register the critic."""
    register(specs.TimmBackbone)
