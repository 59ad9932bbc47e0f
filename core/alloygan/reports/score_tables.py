"""The tables of the scores, each beside its floor."""

from dataclasses import dataclass, field
from typing import Any

from alloygan.reports.wording import (
    ROUNDING,
    known,
    number,
    number_interval,
    percent,
    percent_interval,
    spoken,
    unit_text,
)

_COLUMNS = ("real", "generated", "training", "deviation", "floor", "distance", "floor")
_OVERALL_COLUMNS = ("deviation", "floor", "times floor", "worst deviation", "distance", "floor")
_KS = ("KS", "floor")


@dataclass(frozen=True)
class Cell:
    """A value as text, and its 95 % interval below it where there is one."""

    text: str
    interval: str = ""


@dataclass(frozen=True)
class Row:
    """One line: what it is of, its cells, and what is said of absent values."""

    name: str
    cells: list[Cell]
    note: str = ""
    held_out: bool = False


@dataclass(frozen=True)
class ScoreTable:
    """One descriptor's scores, a row a condition and the means below."""

    title: str
    summary: str
    unit: str
    distance_unit: str
    columns: tuple[str, ...] = _COLUMNS
    rows: list[Row] = field(default_factory=list)
    means: list[Row] = field(default_factory=list)


def overall_columns(evaluation: dict[str, Any]) -> tuple[str, ...]:
    """The columns of `overall_rows`: with Kolmogorov and Smirnov's statistic where the evaluation has it."""
    return _OVERALL_COLUMNS + (_KS if _has_ks(evaluation) else ())


def overall_rows(evaluation: dict[str, Any], key: str = "overall") -> list[Row]:
    """A row a descriptor: the means over the conditions seen (`overall`) or held out (`overall_held_out`)."""
    has_ks = _has_ks(evaluation)
    rows = []
    for descriptor in evaluation["descriptors"]:
        mean = evaluation[key][descriptor["name"]]
        deviation, floor = known(mean["mean_deviation"]), known(mean["mean_floor_deviation"])
        times = deviation / floor if deviation is not None and floor is not None and floor > ROUNDING else None
        unit = _distance_unit(evaluation, descriptor["name"])
        cells = [
            Cell(percent(deviation), percent_interval(mean.get("mean_deviation_interval"))),
            Cell(percent(floor), percent_interval(mean.get("mean_floor_deviation_interval"))),
            Cell(number(times)),
            Cell(percent(mean["worst_deviation"])),
            Cell(_with_unit(mean["mean_distance"], unit), number_interval(mean.get("mean_distance_interval"))),
            Cell(_with_unit(mean["mean_floor"], unit), number_interval(mean.get("mean_floor_interval"))),
        ]
        if has_ks:
            cells += [Cell(number(mean.get("mean_ks"))), Cell(number(mean.get("mean_floor_ks")))]
        rows.append(Row(spoken(descriptor["name"]), cells))
    return rows


def score_tables(evaluation: dict[str, Any]) -> list[ScoreTable]:
    """A table a descriptor."""
    tables = []
    for descriptor in evaluation["descriptors"]:
        name = descriptor["name"]
        has_ks = any(known(one["scores"][name].get("ks")) is not None for one in evaluation["conditions"])
        means = [_mean_row("mean over conditions", evaluation["overall"][name], has_ks=has_ks)]
        if "overall_held_out" in evaluation:
            seen, unseen = evaluation["overall"][name], evaluation["overall_held_out"][name]
            means = [
                _mean_row("mean over conditions seen in training", seen, has_ks=has_ks),
                _mean_row("mean over held-out conditions", unseen, has_ks=has_ks),
            ]
        tables.append(
            ScoreTable(
                title=spoken(name),
                summary=descriptor["summary"] or "",
                unit=unit_text(descriptor["unit"]),
                distance_unit=unit_text(_distance_unit(evaluation, name)),
                columns=_COLUMNS + (_KS if has_ks else ()),
                rows=[_condition_row(one, one["scores"][name], has_ks=has_ks) for one in evaluation["conditions"]],
                means=means,
            )
        )
    return tables


def _condition_row(condition: dict[str, Any], score: dict[str, Any], *, has_ks: bool) -> Row:
    cells = [Cell(number(score[key])) for key in ("real", "generated", "training")]
    cells += [
        Cell(percent(score["deviation"]), percent_interval(score.get("deviation_interval"))),
        Cell(percent(score["floor_deviation"]), percent_interval(score.get("floor_deviation_interval"))),
        Cell(number(score["distance"]), number_interval(score.get("interval"))),
        Cell(number(score["floor"]), number_interval(score.get("floor_interval"))),
    ]
    if has_ks:
        cells += [Cell(number(score.get("ks"))), Cell(number(score.get("floor_ks")))]
    return Row(condition["text"], cells, score.get("note", ""), condition["held_out"])


def _mean_row(name: str, mean: dict[str, Any], *, has_ks: bool) -> Row:
    cells = [Cell("")] * 3
    cells += [
        Cell(percent(mean["mean_deviation"]), percent_interval(mean.get("mean_deviation_interval"))),
        Cell(percent(mean["mean_floor_deviation"]), percent_interval(mean.get("mean_floor_deviation_interval"))),
        Cell(number(mean["mean_distance"]), number_interval(mean.get("mean_distance_interval"))),
        Cell(number(mean["mean_floor"]), number_interval(mean.get("mean_floor_interval"))),
    ]
    if has_ks:
        cells += [Cell(number(mean.get("mean_ks"))), Cell(number(mean.get("mean_floor_ks")))]
    return Row(name, cells)


def _has_ks(evaluation: dict[str, Any]) -> bool:
    return any(known(mean.get("mean_ks")) is not None for mean in evaluation["overall"].values())


def _distance_unit(evaluation: dict[str, Any], name: str) -> str:
    return next((str(one["scores"][name]["distance_unit"]) for one in evaluation["conditions"]), "")


def _with_unit(value: Any, unit: str) -> str:
    return f"{number(value)} {unit_text(unit)}".strip() if known(value) is not None else number(value)
