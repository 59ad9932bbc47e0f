"""Ways of drawing batches: every patch once an epoch, or every condition equally often."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.batch_samplers import specs


@hookimpl
def alloygan_register_samplers(register: Callable[[type], None]) -> None:
    """Register both samplers."""
    register(specs.Uniform)
    register(specs.Balanced)
