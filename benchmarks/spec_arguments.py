"""The spec that a benchmark is about: its arguments, and reading it."""

import argparse
from collections.abc import Mapping

from alloygan.errors import SpecError
from alloygan.specs.gan import GanSpec
from alloygan.zoo import Zoo


def add_spec_arguments(parser: argparse.ArgumentParser, *, by_default: str | None = None) -> None:
    """What names a spec: a file or zoo:NAME, overrides, plugins. `by_default`: what is taken where there is none."""
    if by_default is None:
        parser.add_argument("spec", help="spec file, or zoo:NAME")
    else:
        parser.add_argument("spec", nargs="?", help=f"spec file, or zoo:NAME; by default {by_default}")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="override a field; repeatable")
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help="plugin in a single file")


def read_spec(zoo: Zoo, options: argparse.Namespace, instead: Mapping[str, str]) -> GanSpec:
    """The spec that is asked for.

    `instead`: fields that the script sets itself, by an option of its own, so that an override of one would be lost.
    Raises SpecError where there is one, and as the zoo's `read_spec`.
    """
    positions = zoo.read_document(options.spec, options.set).positions
    for dotted, option in instead.items():
        where = positions.get(tuple(dotted.split(".")))
        if where is not None and where.source.startswith("--set "):
            raise SpecError(f"{where}: a benchmark takes {dotted} from {option}; use that and leave the override out")
    return zoo.read_spec(options.spec, options.set)
