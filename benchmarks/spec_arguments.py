"""The spec that a benchmark is about: its arguments, and reading it with an error that is told in one line."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from alloygan.errors import AlloyganError


def add_spec_arguments(parser: argparse.ArgumentParser) -> None:
    """What names a spec: a file or zoo:NAME, overrides, plugins."""
    parser.add_argument("spec", help="spec file, or zoo:NAME")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="override a field; repeatable")
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help="plugin in a single file")


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """End the script where a spec, its data or a training is refused, with what is said of it."""
    try:
        yield
    except AlloyganError as error:
        raise SystemExit(f"error: {error}") from None
