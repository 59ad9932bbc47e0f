"""The report's section on held-out conditions: beside real images, and beside the nearest known condition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alloygan.evaluation.interpolation import PLACES
from alloygan.reports.score_tables import Cell, Row
from alloygan.reports.wording import ABSENT, known, number, percent, spoken

REMAINDER_COLUMNS = ("remainder", "conditions", "not told apart", "nothing to measure")
CONDITION_COLUMNS = ("deviation", "floor", "nearest", "blend", "distance", "floor", "nearest")
JUDGE_COLUMNS = ("generated", "real", "nearest")

_WORDS = {
    "interpolation": "Between conditions that were trained on",
    "extrapolation": "Beyond conditions that were trained on",
}


@dataclass(frozen=True)
class HeldOut:
    """Tables: of remainders for each way to lie, of the judge's errors, and of each score the conditions; and what to
    keep in mind.
    """

    remainders: list[tuple[str, list[Row]]] = field(default_factory=list)
    judge: list[Row] = field(default_factory=list)
    scores: list[tuple[str, list[Row]]] = field(default_factory=list)
    note: str | None = None


def held_out(evaluation: Mapping[str, Any]) -> HeldOut | None:
    """What the evaluation says of held-out conditions; None where there are none."""
    found = evaluation.get("interpolation")
    if not isinstance(found, dict) or not found.get("conditions"):
        return None
    texts = {one["label"]: one["text"] for one in found["conditions"]}
    remainders = [
        (_WORDS[part], rows)
        for part in PLACES.values()
        if (rows := [_remainder(name, one, texts) for name, one in (found.get(part) or {}).items()])
    ]
    judge = [
        Row(one["name"], [Cell(number(one.get(key))) for key in ("score", "floor", "nearest")])
        for one in found.get("judge") or []
    ]
    names = list(dict.fromkeys(name for one in found["conditions"] for name in one["scores"]))
    scores = [(spoken(name), list(_rows(name, found["conditions"]))) for name in names]
    return HeldOut(remainders, judge, scores, found.get("note"))


def _remainder(name: str, found: Mapping[str, Any], texts: Mapping[int, str]) -> Row:
    apart, lost = ([texts[label] for label in found.get(part) or ()] for part in ("not_told_apart", "lost"))
    cells = [
        Cell(number(found["remainder"])),
        Cell(str(found["conditions"])),
        Cell("; ".join(apart) if apart else ABSENT),
        Cell("; ".join(lost) if lost else ABSENT),
    ]
    return Row(spoken(name), cells)


def _rows(name: str, conditions: Iterable[Mapping[str, Any]]) -> Iterable[Row]:
    for one in conditions:
        score = one["scores"].get(name)
        if score is None:
            continue
        shares = [score.get(key) for key in ("deviation", "floor_deviation", "nearest_deviation", "blend_deviation")]
        cells = [Cell(percent(share) if known(share) is not None else ABSENT) for share in shares]
        cells += [Cell(number(score.get(key))) for key in ("score", "floor", "nearest")]
        place = "interpolated" if one["place"] == "between" else "extrapolated"
        yield Row(f"{one['text']} ({place}; nearest: {one['nearest']})", cells)
