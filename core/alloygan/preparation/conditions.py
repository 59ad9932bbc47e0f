"""Conditions in preparation: micrographs whose values are the same, numbers compared as numbers, have one condition."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from alloygan.data.manifest import Micrograph, refuse_problems
from alloygan.data.untrained import untrained
from alloygan.data.values import parse_number
from alloygan.errors import DataError

Condition = tuple[str | float, ...]


def condition_of(one: Micrograph) -> Condition:
    """Equal for micrographs of one condition: 0.10, 0.1 and 1e-1 are the same."""
    return tuple(_value(name, text) for name, text in one.conditions.items())


def condition_text(one: Micrograph) -> str:
    """A condition for people, as the manifest writes it: `exposure = 150, phase = beta`; empty where there is none."""
    return ", ".join(f"{name} = {value}" for name, value in one.conditions.items() if value)


def refuse_untrained(manifest: Path, micrographs: Sequence[Micrograph], evaluation_fraction: float) -> None:
    """Raise DataError where all micrographs, or all of a condition, are for evaluation only (`evaluation`: all).

    Conditions may do without where evaluation is at other conditions throughout (`elsewhere`).
    """
    if not any(one.trains for one in micrographs):
        raise DataError(
            f"{manifest}: evaluation: all micrographs that are kept say all, so there is no training patch; write none "
            "or a region in some rows, or leave them empty"
        )
    if elsewhere(micrographs, evaluation_fraction):
        return
    refuse_problems(
        [
            f"{one.where}: evaluation: all, as in all rows that are kept of the condition {condition_text(one)}, so it "
            "has no training patch; write none or a region in one of them, leave it empty, exclude them, or name the "
            "columns that are conditions (--condition)"
            for one in untrained(micrographs, condition_of)
        ]
    )


def elsewhere(micrographs: Iterable[Micrograph], evaluation_fraction: float) -> bool:
    """Whether there is evaluation, and all of it at conditions that are not trained.

    That is how a random design over continuous values is evaluated, for which each row has to say all or none. A table
    of conditions has some that are trained and evaluated, so that one without training is a mistake.
    """
    trained: set[Condition] = set()
    evaluated: set[Condition] = set()
    for one in micrographs:
        if one.trains:
            trained.add(condition_of(one))
        if one.evaluation != "none" and (one.evaluation is not None or evaluation_fraction > 0):
            evaluated.add(condition_of(one))
    return bool(evaluated) and not trained & evaluated


def _value(name: str, text: str) -> str | float:
    try:
        return parse_number(name, text, "linear")
    except DataError:
        return text
