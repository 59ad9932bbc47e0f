"""Locks between processes that a killed process gives up, also on a folder that machines share."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class HeldElsewhereError(Exception):
    """Another process holds the lock."""


@contextmanager
def held(path: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock that this file stands for. Raises HeldElsewhereError if another process has it for longer than
    `patience` seconds, which may be infinite.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if math.isinf(patience) else patience, poll_interval=0.05)
    except Timeout:
        raise HeldElsewhereError(str(path)) from None
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether a process holds the lock. Asking takes it for a moment, so whoever must have it should be patient."""
    if not path.exists():
        return False
    try:
        with held(path):
            return False
    except HeldElsewhereError:
        return True
