"""Whether the asked condition can be read from a generated image: what a judge trained on real images says."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from alloygan.reports.score_tables import Cell, Row
from alloygan.reports.style import BLUE, INK, SETS, Draw, Panel, drawn, round_ticks
from alloygan.reports.wording import known, number, percent, percent_interval, unit_text

COLUMNS = ("real: error", "generated: error", "real: R²", "generated: R²")

FEWEST_JUDGED = 2
"""A panel of the mean judged over what was asked says nothing with fewer conditions."""

MOST_WRITTEN = 12
"""With more classes than this, cells carry no numbers and axes no tick for every class."""

_SETS = ("real", "generated")


@dataclass(frozen=True)
class Fidelity:
    """What the page shows of the judge.

    `sentence`: the result in words. `confusion`: the matrices of real and generated images. `columns`: a row a
    continuous column, of its error and R² in both sets; `judged`: a panel for each, the mean of what is judged over
    what was asked.
    """

    sentence: str
    confusion: list[Panel] = field(default_factory=list)
    columns: list[Row] = field(default_factory=list)
    judged: list[Panel] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def fidelity(evaluation: dict[str, Any]) -> Fidelity | None:
    """The judge's verdict of an evaluation, None where it holds none."""
    found = evaluation.get("fidelity")
    if not isinstance(found, dict):
        return None
    columns = found.get("columns") or []
    return Fidelity(
        sentence=_sentence(found.get("accuracy") or {}, has_columns=bool(columns)) + _of_held_out(found),
        confusion=_confusion(found),
        columns=[row for column in columns for row in _column_rows(column)],
        judged=[panel for i, column in enumerate(columns) if (panel := _judged(found, i, column)) is not None],
        notes=[str(found["note"])] if found.get("note") else [],
    )


def _sentence(accuracy: dict[str, Any], *, has_columns: bool) -> str:
    if known(accuracy.get("generated")) is None and known(accuracy.get("real")) is None:
        return "" if has_columns else "Nothing could be judged."
    shares = {key: percent(accuracy.get(key)) for key in _SETS}
    for key in _SETS:
        if interval := percent_interval(accuracy.get(f"{key}_interval")):
            shares[key] += f" {interval}"
    chance = known(accuracy.get("chance"))
    by_chance = f" By chance it would be {percent(chance)}." if chance is not None else ""
    return (
        f"The judge reads the right condition from {shares['generated']} of the generated images, and from "
        f"{shares['real']} of real ones that it had not seen.{by_chance}"
    )


def _of_held_out(found: dict[str, Any]) -> str:
    """The same of conditions that the generator was not trained on; the judge was."""
    accuracy = found.get("accuracy_held_out")
    if not isinstance(accuracy, dict) or known(accuracy.get("generated")) is None:
        return ""
    return (
        f" For conditions that the generator was not trained on these are {percent(accuracy['generated'])} and "
        f"{percent(accuracy.get('real'))}."
    )


def _column_rows(column: dict[str, Any]) -> Iterable[Row]:
    unit = f" ({unit_text(column['unit'])})" if column.get("unit") else ""
    name = f"{column.get('name', '')}{unit}"
    yield Row(name, _column_cells(column))
    if isinstance(column.get("held_out"), dict):
        yield Row(name, _column_cells(column["held_out"]), held_out=True)


def _column_cells(scores: dict[str, Any]) -> list[Cell]:
    errors = [
        Cell(percent((scores.get(key) or {}).get("error")), percent_interval(scores.get(f"{key}_interval")))
        for key in _SETS
    ]
    return [*errors, *(Cell(number((scores.get(key) or {}).get("r2"))) for key in _SETS)]


def _judged(found: dict[str, Any], position: int, column: dict[str, Any]) -> Panel | None:
    """The mean of what is judged over what was asked, a point a condition and set; both scaled."""
    points: dict[str, list[tuple[float, float]]] = {key: [] for key in _SETS}
    for one in found.get("conditions") or []:
        for key in _SETS:
            pair = [known(_item(one.get(which), position)) for which in ("asked", key)]
            if pair[0] is not None and pair[1] is not None:
                points[key].append((pair[0], pair[1]))
    if max(map(len, points.values())) < FEWEST_JUDGED:
        return None

    def draw(axes: Axes) -> None:
        ends = [value for pairs in points.values() for pair in pairs for value in pair]
        margin = 0.08 * (max(ends) - min(ends)) or 1.0
        limits = (min(ends) - margin, max(ends) + margin)
        axes.plot(limits, limits, color=INK, linewidth=0.8, zorder=1)
        for key, marker in (("real", "s"), ("generated", "o")):
            line = SETS[key]
            axes.plot(
                [x for x, _ in points[key]], [y for _, y in points[key]], marker, markersize=6, zorder=line["zorder"],
                markerfacecolor="none" if key == "real" else line["color"], markeredgecolor=line["color"],
                markeredgewidth=1.3, label=key,
            )  # fmt: skip
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 1), borderaxespad=0.2, ncols=2, frameon=False, fontsize="small",
            handletextpad=0.2,
        )  # fmt: skip
        axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel="asked, of the range", ylabel="judged, of the range")
        for axis in (axes.xaxis, axes.yaxis):
            round_ticks(axis, 4)

    title = str(column.get("name", ""))
    label = f"{title}: judged against asked in {len(points['generated'])} conditions"
    return Panel(title, drawn(draw, (3.1, 2.9), f"judged{position}", label), draw=draw)


def _item(values: Any, position: int) -> Any:
    return values[position] if isinstance(values, list) and position < len(values) else None


def _confusion(found: dict[str, Any]) -> list[Panel]:
    classes = found.get("classes") or []
    panels = []
    for which in _SETS:
        counts = _counts((found.get("confusion") or {}).get(which), len(classes))
        if counts is None:
            continue
        draw = _drawing(counts, [str(label) for label in classes])
        right = int(np.trace(counts))
        label = f"Confusion matrix of {which} images: {right} of {int(counts.sum())} on the diagonal"
        note = f"{right} of {int(counts.sum())} images on the diagonal"
        svg = drawn(draw, (3.4, 3.0), f"confusion-{which}", label)
        panels.append(Panel(f"{which} images", svg, [note], draw=draw))
    return panels


def _counts(rows: Any, classes: int) -> NDArray[np.float64] | None:
    """The matrix, or None where it is not one of as many rows and columns as there are classes."""
    if not classes or not isinstance(rows, list) or len(rows) != classes:
        return None
    if not all(isinstance(row, list) and len(row) == classes for row in rows):
        return None
    if not all(known(value) is not None and value >= 0 for row in rows for value in row):
        return None
    return np.array(rows, dtype=np.float64)


def _drawing(counts: NDArray[np.float64], names: list[str]) -> Draw:
    def draw(axes: Axes) -> None:
        _draw(axes, counts, names)

    return draw


def _draw(axes: Axes, counts: NDArray[np.float64], names: list[str]) -> None:
    asked = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, asked, out=np.zeros_like(counts), where=asked > 0)
    # Light to dark in one hue: read the same in grey and with any colour vision.
    axes.pcolormesh(
        shares,
        cmap=LinearSegmentedColormap.from_list("shares", ["#FFFFFF", BLUE]),
        vmin=0,
        vmax=1,
        edgecolors="#E6E6E6",
        linewidth=0.5,
    )
    size = len(names)
    if size <= MOST_WRITTEN:
        for i, j in zip(*np.nonzero(counts), strict=True):
            axes.text(
                j + 0.5, i + 0.5, f"{100 * shares[i, j]:.0f}", ha="center", va="center", fontsize=7.5,
                color="white" if shares[i, j] > 0.85 else INK,
            )  # fmt: skip
    step = max(1, -(-size // MOST_WRITTEN))
    places = np.arange(0, size, step)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(places + 0.5, [names[i] for i in places])
        axis.set_tick_params(length=0)
    axes.set(xlim=(0, size), ylim=(size, 0), aspect="equal", xlabel="condition judged (%)", ylabel="condition asked")
    axes.grid(visible=False)
