"""Numbers on a script's command line, as argparse's `type`: what cannot be meant is refused before anything runs."""

import argparse
import math
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """A whole number, no less than this."""

    def number(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if found < least:
            raise argparse.ArgumentTypeError(f"{found}: give {least} or more")
        return found

    return number


def positive(text: str) -> float:
    """A finite number above 0."""
    found = _finite(text)
    if found <= 0:
        raise argparse.ArgumentTypeError(f"{text}: give a number above 0")
    return found


def not_negative(text: str) -> float:
    """A finite number, 0 or above."""
    found = _finite(text)
    if found < 0:
        raise argparse.ArgumentTypeError(f"{text}: give 0 or more")
    return found


def _finite(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return found
