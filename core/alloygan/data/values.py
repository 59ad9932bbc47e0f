"""Values of condition columns from text: numbers and names of levels. Imports no torch."""

import math
from collections.abc import Sequence
from typing import Any

from alloygan.errors import DataError, nearest


def parse_number(name: str, text: Any, scale: str) -> float:
    """A finite number (above 0 on a log scale) from text. Raises DataError with the reason."""
    if text is None or (isinstance(text, str) and not text.strip()):
        raise DataError(f"{name}: the value is missing; give a number")
    try:
        number = float(text)
    except (TypeError, ValueError):
        raise DataError(f"{name}: {text!r} is not a number (a column of names needs scale: category)") from None
    if not math.isfinite(number):
        raise DataError(f"{name}: {text} is not a finite number")
    if scale == "log" and number <= 0:
        raise DataError(f"{name}: {number:g} has no logarithm (scale: log); give a number above 0, or scale: linear")
    return number


def parse_level(name: str, text: Any, levels: Sequence[str] | None) -> str:
    """The name of a level from text; `levels` None takes any name. Raises DataError with the reason."""
    level = "" if text is None else str(text).strip()
    if not level:
        raise DataError(f"{name}: the value is missing; give the name of a level")
    if levels is not None and level not in levels:
        raise DataError(f"{name}: unknown level {level!r}.{nearest(level, levels)}")
    return level
