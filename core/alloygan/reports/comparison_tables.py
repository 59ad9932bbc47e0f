"""Tables of the scores by features, such as a kernel distance: image sets against image sets."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from alloygan.reports.score_tables import Cell, Row
from alloygan.reports.wording import number, number_interval, spoken

COLUMNS = ("generated", "floor")

_PARTS = {
    "pooled": "all conditions' images together",
    "overall": "mean over conditions",
    "overall_held_out": "mean over held-out conditions",
}


@dataclass(frozen=True)
class ComparisonTable:
    """One comparison: tables of its scores over all conditions, and then for each score by condition; or why none.

    `overall` and `parts`: (title, rows) of each table.
    """

    title: str
    missing: str
    notes: list[str] = field(default_factory=list)
    overall: list[tuple[str, list[Row]]] = field(default_factory=list)
    parts: list[tuple[str, list[Row]]] = field(default_factory=list)


def comparison_tables(evaluation: dict[str, Any]) -> list[ComparisonTable]:
    """A table a comparison of the evaluation."""
    texts = {condition["label"]: condition["text"] for condition in evaluation["conditions"]}
    return [_table(one, texts) for one in evaluation.get("comparisons") or [] if isinstance(one, dict)]


def _table(found: dict[str, Any], texts: dict[int, str]) -> ComparisonTable:
    title = spoken(str(found.get("kind", "")))
    if "names" not in found:
        return ComparisonTable(title, str(found.get("missing") or "They could not be made."))
    names = {name: spoken(name) + _direction(about) for name, about in found["names"].items()}
    overall = []
    for part, words in _PARTS.items():
        scores = found.get(part) or {}
        rows = [Row(spoken_name, _cells(scores[name])) for name, spoken_name in names.items() if name in scores]
        if part == "overall" and "overall_held_out" in found:
            words += " seen in training"
        overall += [(words, rows)] if rows else []
    parts = [(words, list(_condition_rows(found, name, texts))) for name, words in names.items()]
    return ComparisonTable(title, "", [str(note) for note in found.get("notes") or []], overall, parts)


def _direction(about: dict[str, Any]) -> str:
    higher = about.get("higher_is_better")
    return "" if higher is None else " (higher is better)" if higher else " (lower is better)"


def _condition_rows(found: dict[str, Any], name: str, texts: dict[int, str]) -> Iterable[Row]:
    for one in found.get("conditions") or []:
        score = (one.get("scores") or {}).get(name)
        if isinstance(score, dict):
            yield Row(texts.get(one.get("label"), ""), _cells(score), held_out=bool(one.get("held_out")))


def _cells(score: dict[str, Any]) -> list[Cell]:
    return [
        Cell(number(score.get("generated")), number_interval(score.get("interval"))),
        Cell(number(score.get("floor")), number_interval(score.get("floor_interval"))),
    ]
