"""The tables of the scores, each beside its floor."""

from dataclasses import dataclass, field
from typing import Any

from alloygan.reports.wording import known, number, percent, spoken, unit_text

COLUMNS = ("real", "generated", "training", "deviation", "floor", "distance", "floor")
OVERALL_COLUMNS = ("deviation", "floor", "times floor", "worst deviation", "distance", "floor")


@dataclass(frozen=True)
class Row:
    """One line: what it is of, its cells as text, and what is said of absent values."""

    name: str
    cells: list[str]
    note: str = ""
    held_out: bool = False


@dataclass(frozen=True)
class ScoreTable:
    """One descriptor's scores, a row a condition and the means below."""

    title: str
    summary: str
    unit: str
    distance_unit: str
    rows: list[Row] = field(default_factory=list)
    means: list[Row] = field(default_factory=list)


def overall_rows(evaluation: dict[str, Any], key: str = "overall") -> list[Row]:
    """A row a descriptor: the means over the conditions seen (`overall`) or held out (`overall_held_out`)."""
    rows = []
    for descriptor in evaluation["descriptors"]:
        mean = evaluation[key][descriptor["name"]]
        deviation, floor = known(mean["mean_deviation"]), known(mean["mean_floor_deviation"])
        times = deviation / floor if deviation is not None and floor else None
        unit = _distance_unit(evaluation, descriptor["name"])
        cells = [
            percent(deviation),
            percent(floor),
            number(times),
            percent(mean["worst_deviation"]),
            _with_unit(mean["mean_distance"], unit),
            _with_unit(mean["mean_floor"], unit),
        ]
        rows.append(Row(spoken(descriptor["name"]), cells))
    return rows


def score_tables(evaluation: dict[str, Any]) -> list[ScoreTable]:
    """A table a descriptor."""
    tables = []
    for descriptor in evaluation["descriptors"]:
        name = descriptor["name"]
        means = [_mean_row("mean over conditions", evaluation["overall"][name])]
        if "overall_held_out" in evaluation:
            means[0] = _mean_row("mean over conditions seen in training", evaluation["overall"][name])
            means.append(_mean_row("mean over held-out conditions", evaluation["overall_held_out"][name]))
        tables.append(
            ScoreTable(
                title=spoken(name),
                summary=descriptor["summary"],
                unit=unit_text(descriptor["unit"]),
                distance_unit=unit_text(_distance_unit(evaluation, name)),
                rows=[_condition_row(one, one["scores"][name]) for one in evaluation["conditions"]],
                means=means,
            )
        )
    return tables


def _condition_row(condition: dict[str, Any], score: dict[str, Any]) -> Row:
    cells = [number(score[key]) for key in ("real", "generated", "training")]
    cells += [percent(score["deviation"]), percent(score["floor_deviation"])]
    cells += [number(score["distance"]), number(score["floor"])]
    return Row(condition["text"], cells, score.get("note", ""), condition["held_out"])


def _mean_row(name: str, mean: dict[str, Any]) -> Row:
    cells = ["", "", "", percent(mean["mean_deviation"]), percent(mean["mean_floor_deviation"])]
    return Row(name, [*cells, number(mean["mean_distance"]), number(mean["mean_floor"])])


def _distance_unit(evaluation: dict[str, Any], name: str) -> str:
    return next((str(one["scores"][name]["distance_unit"]) for one in evaluation["conditions"]), "")


def _with_unit(value: Any, unit: str) -> str:
    return f"{number(value)} {unit_text(unit)}".strip() if known(value) is not None else number(value)
