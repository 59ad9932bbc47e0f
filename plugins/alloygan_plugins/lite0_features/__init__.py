"""Scores of image sets by the features of EfficientNet-Lite0: a kernel distance, precision, recall, coverage."""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.lite0_features.specs import Lite0


@hookimpl
def alloygan_register_comparisons(register: Callable[[type], None]) -> None:
    """Register the comparison."""
    register(Lite0)
