"""Numbers, units and names as the report prints them."""

import math
import re
from typing import Any

ABSENT = "–"

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


ROUNDING = 1e-6
"""A relative deviation below this is rounding: no floor to compare with."""


def known(value: Any) -> float | None:
    """The value as a finite number, or None: a damaged file may hold NaN or text, which no page should show."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def number(value: Any) -> str:
    """Three significant digits, without an exponent where the number is easily read so."""
    value = known(value)
    if value is None:
        return ABSENT
    if value == 0:
        return "0"
    mantissa, exponent = f"{abs(value):.2e}".split("e")
    sign, power = "−" if value < 0 else "", int(exponent)
    if -4 <= power <= 6:
        return f"{sign}{abs(value):,.{max(0, 2 - power)}f}"
    return f"{sign}{mantissa}×10{str(power).translate(_SUPERSCRIPT)}"


def percent(value: Any) -> str:
    """A share as per cent."""
    value = known(value)
    if value is None:
        return ABSENT
    share = 100 * value
    digits = 2 if abs(share) < 1 else 1 if abs(share) < 100 else 0
    return f"{share:,.{digits}f} %".replace("-", "−")


def number_interval(interval: Any) -> str:
    """An interval as `[0.291, 0.318]`, or nothing where there is none."""
    low, high = _ends(interval)
    return f"[{number(low)}, {number(high)}]" if low is not None and high is not None else ""


def percent_interval(interval: Any) -> str:
    """An interval of shares as `[8.1, 12.3]`, in per cent as the value before it."""
    low, high = _ends(interval)
    return f"[{percent(low)}, {percent(high)}]".replace(" %", "") if low is not None and high is not None else ""


def probability(value: Any) -> str:
    """A probability or the p of a test: `0.03`, `<0.01`."""
    value = known(value)
    if value is None:
        return ABSENT
    return "<0.01" if value < 0.01 else f"{value:.2f}"


def _ends(interval: Any) -> tuple[float | None, float | None]:
    if not isinstance(interval, (list, tuple)) or len(interval) != 2:
        return None, None
    return known(interval[0]), known(interval[1])


def unit_text(unit: str) -> str:
    """A unit as it is printed: µm where the files say um."""
    return re.sub(r"(?<![A-Za-z])um(?![A-Za-z])", "µm", unit)


def with_unit(name: str, unit: str) -> str:
    """A name with its unit in brackets, if it has one: `distance (px)`."""
    return f"{name} ({unit_text(unit)})" if unit else name


def spoken(name: str) -> str:
    """A descriptor's name in a sentence: `equivalent diameter`."""
    return name.replace("_", " ")


def listed(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
