"""The tables of the scores, each beside its floor."""

from collections.abc import Sequence
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
OVERALL_COLUMNS = ("deviation", "floor", "times floor", "worst deviation", "distance", "floor")
_KS = ("KS", "floor")
_R2 = ("R²", "floor")


@dataclass(frozen=True)
class Cell:
    """A value as text, and its 95 % interval below it where there is one."""

    text: str
    interval: str = ""


@dataclass(frozen=True)
class Row:
    """One line: what it is of, its cells, and why values are absent."""

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
    summary_name: str
    distance_unit: str
    note: str = ""
    columns: tuple[str, ...] = _COLUMNS
    rows: list[Row] = field(default_factory=list)
    means: list[Row] = field(default_factory=list)


def overall_rows(evaluation: dict[str, Any], key: str = "overall") -> list[Row]:
    """A row a descriptor: the means over the conditions seen (`overall`) or held out (`overall_held_out`)."""
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
        reasons = _reasons(mean, ["mean_deviation", "mean_floor_deviation", "mean_distance", "mean_floor"])
        if times is None and deviation is not None and floor is not None:
            reasons.append("the floor of the deviation is 0, which nothing is a multiple of")
        rows.append(Row(spoken(descriptor["name"]), cells, "; ".join(reasons)))
    return rows


def shape_columns(evaluation: dict[str, Any], key: str = "overall") -> tuple[str, ...]:
    """The columns of `shape_rows`: R², and Kolmogorov and Smirnov's statistic, where the evaluation has them."""
    return sum((columns for columns, _ in _shape(evaluation, key)), ())


def shape_rows(evaluation: dict[str, Any], key: str = "overall") -> list[Row]:
    """A row a descriptor: how well values follow the conditions, and distributions each other, beside their floors."""
    names = [name for _, names in _shape(evaluation, key) for name in names]
    rows = []
    for descriptor in evaluation["descriptors"] if names else []:
        mean = evaluation[key][descriptor["name"]]
        rows.append(Row(spoken(descriptor["name"]), _pair(mean, *names), "; ".join(_reasons(mean, names))))
    return rows


def _shape(evaluation: dict[str, Any], key: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    every = ((_R2, ("r2", "floor_r2")), (_KS, ("mean_ks", "mean_floor_ks")))
    return [(columns, names) for columns, names in every if _has(evaluation, key, names[0])]


def _reasons(mean: dict[str, Any], names: Sequence[str]) -> list[str]:
    absent = mean.get("absent") or {}
    return list(dict.fromkeys(str(absent[name]) for name in names if absent.get(name)))


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
                summary_name=descriptor.get("summary_name") or "",
                note=_table_note(evaluation, name),
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
        cells += _pair(score, "ks", "floor_ks")
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
        cells += _pair(mean, "mean_ks", "mean_floor_ks")
    return Row(name, cells)


def _has(evaluation: dict[str, Any], key: str, score: str) -> bool:
    return any(known(mean.get(score)) is not None for mean in evaluation[key].values())


def _pair(scores: dict[str, Any], *names: str) -> list[Cell]:
    return [Cell(number(scores.get(name)), number_interval(scores.get(f"{name}_interval"))) for name in names]


def _table_note(evaluation: dict[str, Any], name: str) -> str:
    """Why a descriptor has no deviation in any condition, where that is so by its nature."""
    descriptor = next(one for one in evaluation["descriptors"] if one["name"] == name)
    reason = (evaluation["overall"][name].get("absent") or {}).get("mean_deviation", "")
    return str(reason) if descriptor.get("ratio_scale") is False else ""


def _distance_unit(evaluation: dict[str, Any], name: str) -> str:
    return next((str(one["scores"][name]["distance_unit"]) for one in evaluation["conditions"]), "")


def _with_unit(value: Any, unit: str) -> str:
    return f"{number(value)} {unit_text(unit)}".strip() if known(value) is not None else number(value)
