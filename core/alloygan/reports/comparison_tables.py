"""Tables of the scores by features, such as a kernel distance: image sets against image sets."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from alloygan.reports.score_tables import Cell, Row
from alloygan.reports.wording import known, listed, number, number_interval, spoken

COLUMNS = ("generated", "floor")

_MOST_NAMED = 3

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
    intervals_words: str = ""
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
        rows = [_row(spoken_name, scores[name]) for name, spoken_name in names.items() if name in scores]
        if part == "overall" and "overall_held_out" in found:
            words += " seen in training"
        overall += [(words, rows)] if rows else []
    parts = [(words, list(_condition_rows(found, name, texts))) for name, words in names.items()]
    notes = [str(note) for note in found.get("notes") or []]
    return ComparisonTable(title, "", notes, _intervals_words(found), overall, parts)


def _intervals_words(found: dict[str, Any]) -> str:
    """What halves of real images were drawn of, behind the intervals: in the pool, and in the conditions."""
    pooled = found.get("pooled_intervals_from")
    single = list(
        dict.fromkeys(str(one["intervals_from"]) for one in found.get("conditions") or [] if one.get("intervals_from"))
    )
    words = [f"of all conditions' images together from halves of {pooled}"] if pooled else []
    words += [f"in a condition from halves of {listed(single[:_MOST_NAMED])}"] if single else []
    words[-1:] = [words[-1] + " …"] if len(single) > _MOST_NAMED else words[-1:]
    return f"Intervals (95 %) {', '.join(words)}." if words else ""


def _direction(about: dict[str, Any]) -> str:
    higher = about.get("higher_is_better")
    return "" if higher is None else " (higher is better)" if higher else " (lower is better)"


def _condition_rows(found: dict[str, Any], name: str, texts: dict[int, str]) -> Iterable[Row]:
    for one in found.get("conditions") or []:
        score = (one.get("scores") or {}).get(name)
        if isinstance(score, dict):
            yield _row(texts.get(one.get("label"), ""), score, held_out=bool(one.get("held_out")))


def _row(name: str, score: dict[str, Any], *, held_out: bool = False) -> Row:
    cells = [
        Cell(number(score.get("generated")), number_interval(score.get("interval"))),
        Cell(number(score.get("floor")), number_interval(score.get("floor_interval"))),
    ]
    missing = any(known(score.get(key)) is None for key in COLUMNS)
    return Row(name, cells, "too few images for “–”" if missing else "", held_out)
