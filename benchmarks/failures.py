"""How a script ends where it is refused or something fails: one message on the standard error, and an exit code.

The codes are those of the command line: 0 done, 1 failed while it ran, 2 the input is wrong. What one of several things
to measure fails with is noted, so that those that were measured are shown all the same.
"""

import gc
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import torch

from alloygan.errors import AlloyganError, PluginError
from alloygan.plugin_faults import plugin_fault


class MeasurementError(AlloyganError):
    """Something could not be measured, or came out as it must not."""

    exit_code = 1


def refuse(message: str, code: int = 2) -> NoReturn:
    """End the script with a message."""
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(code)


@contextmanager
def told_in_one_message() -> Iterator[None]:
    """End the script where a spec, its data, a plugin or a training is refused or fails, with what is said of it."""
    try:
        yield
    except Exception as error:
        said = _said_of(error)
        if said is None:
            raise
        refuse(*said)


class Failures:
    """What could not be measured, and why."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, int]] = {}

    def __contains__(self, what: str) -> bool:
        return what in self._found

    def __bool__(self) -> bool:
        return bool(self._found)

    @contextmanager
    def noted(self, what: str) -> Iterator[None]:
        """Note that this could not be measured where the block fails, and go on after it."""
        try:
            yield
        except Exception as error:
            said = _said_of(error)
            if said is None:
                traceback.print_exc()  # a bug, of which a line alone would not be enough
                said = f"{type(error).__name__}: {error}", MeasurementError.exit_code
            self._found[what] = said
        else:
            return
        # What failed kept tensors, for which the next one may have no memory.
        gc.collect()
        torch.cuda.empty_cache()

    @property
    def notes(self) -> list[str]:
        """A note for each."""
        return [f"{what} failed: {message}" for what, (message, _) in self._found.items()]

    def refuse(self, code: int | None = None) -> NoReturn:
        """End the script with all that failed; without a code, as nothing at all could be measured."""
        wrong = all(found == 2 for _, found in self._found.values())
        refuse("\n".join(self.notes), (2 if wrong else 1) if code is None else code)


def _said_of(error: Exception) -> tuple[str, int] | None:
    """The message for the user, and the exit code; None of what is to be told by its traceback."""
    if isinstance(error, AlloyganError):
        return str(error), error.exit_code
    if isinstance(error, torch.OutOfMemoryError):
        said = str(error).split(". ", 1)[0]
        return f"{said}. The device has not enough memory for this; take smaller batches", MeasurementError.exit_code
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; name a file or folder that can be read and written", 2
    fault = plugin_fault(error)
    return None if fault is None or os.environ.get("ALLOYGAN_TRACEBACK") else (fault, PluginError.exit_code)
