"""Learning curves of all cells in one panel a term: a line a cell, told apart by style, colour and a letter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from alloygan.reports.loss_curves import binned, images_axis, metric_points, read_metrics
from alloygan.reports.style import SERIES, Panel, drawn, round_ticks
from alloygan.reports.wording import listed
from alloygan.sweeps.cell_folder import CELLS, CellFolder, Status
from alloygan.sweeps.grid import Ablation

SEEDS_UP_TO = 4
"""With more cells than these, lines of single seeds would hide the means."""

_MOST_POINTS = 150  # of a line; with many cells fewer, which are smoother
_MOST_POINTS_OF_MANY = 60
_LABELS_UP_TO = 14
_DASHES = {"-": "", "--": "7 4", ":": "2 3", "-.": "8 3 2 3"}
_FAR = 20.0  # times the range that most values span

Points = NDArray[np.float64]


@dataclass(frozen=True)
class LineStyle:
    """How the line of a cell looks: in a figure, and as dashes of an SVG line in the page's key."""

    color: str
    linestyle: str

    @property
    def dashes(self) -> str:
        """For `stroke-dasharray`; nothing for a solid line."""
        return _DASHES[self.linestyle]


def line_style(number: int) -> LineStyle:
    """Of 24 cells, no two look alike; of four, no two have the same dashes."""
    styles = tuple(_DASHES)
    return LineStyle(SERIES[number % len(SERIES)], styles[(number + number // 12) % len(styles)])


@dataclass(frozen=True)
class _Cell:
    letter: str
    style: LineStyle
    mean: Points
    seeds: Sequence[Points]


def curve_panels(
    ablation: Ablation, out: Path, statuses: Mapping[str, Status], letters: Mapping[str, str], kind: str
) -> list[Panel]:
    """A panel for each of the `terms`, or of what is `observed`, that any run has recorded."""
    lines = {run.key: read_metrics(CellFolder(out / CELLS / run.key).run / "metrics.jsonl") for run in ablation.runs}
    names = sorted({name for some in lines.values() for line in some for name in line.get(kind) or {}})
    return [_panel(ablation, lines, statuses, letters, kind, name, f"{kind}{i}") for i, name in enumerate(names)]


def _panel(
    ablation: Ablation,
    lines: Mapping[str, list[dict[str, Any]]],
    statuses: Mapping[str, Status],
    letters: Mapping[str, str],
    kind: str,
    name: str,
    identity: str,
) -> Panel:
    cells, without = [], []
    most = _MOST_POINTS if len(ablation.cells) <= SEEDS_UP_TO else _MOST_POINTS_OF_MANY
    for number, cell in enumerate(ablation.cells):
        curves = {run.key: metric_points(lines[run.key], kind, name) for run in cell.runs}
        curves = {key: points for key, points in curves.items() if len(points)}
        if not curves:
            without.append(letters[cell.name])
            continue
        # One that failed early would cut the mean off.
        whole = [points for key, points in curves.items() if statuses[key].state == "done"] or list(curves.values())
        seeds = [binned(points, most) for points in curves.values()] if len(curves) > 1 else []
        cells.append(_Cell(letters[cell.name], line_style(number), binned(_mean(whole), most), seeds))
    if not cells:
        return Panel(name, None, ["No value was recorded."])
    notes = [f"Not in {listed(without)}."] if without else []
    limits = _limits(cells)
    if limits is not None:
        notes.append("Far outlying values are cut off.")

    def draw(axes: Axes) -> None:
        _draw(axes, cells, limits, seeds=len(ablation.cells) <= SEEDS_UP_TO)

    ends = ", ".join(f"{cell.letter} ends at {cell.mean[-1, 1]:.3g}" for cell in cells)
    return Panel(name, drawn(draw, (3.1, 2.2), identity, f"{name} over the images seen: {ends}"), notes)


def _draw(axes: Axes, cells: Sequence[_Cell], limits: tuple[float, float] | None, *, seeds: bool) -> None:
    for cell in cells:
        for points in cell.seeds if seeds else ():
            axes.plot(points[:, 0], points[:, 1], color=cell.style.color, linewidth=0.5, alpha=0.55, zorder=1.5)
        marker = "o" if len(cell.mean) < 2 else ""
        axes.plot(
            cell.mean[:, 0], cell.mean[:, 1], color=cell.style.color, linestyle=cell.style.linestyle, linewidth=1.4,
            marker=marker, markersize=3,
        )  # fmt: skip
    if limits is not None:
        axes.set_ylim(*limits)
    round_ticks(axes.yaxis, 5)
    images_axis(axes, max(float(cell.mean[-1, 0]) for cell in cells))
    if len(cells) <= _LABELS_UP_TO:
        _label_ends(axes, cells)


def _label_ends(axes: Axes, cells: Sequence[_Cell]) -> None:
    """Letters beside the ends of the lines, pushed apart where they would overlap."""
    low, high = axes.get_ylim()
    order = sorted(cells, key=lambda cell: cell.mean[-1, 1])
    wanted = [float(np.clip((cell.mean[-1, 1] - low) / (high - low), 0, 1)) if high > low else 0.5 for cell in order]
    heights = _apart(wanted, min(0.1, 1 / len(order)))
    for cell, height in zip(order, heights, strict=True):
        axes.text(
            1.02, height, cell.letter, transform=axes.transAxes, color=cell.style.color, va="center", size="small",
            weight="bold",
        )  # fmt: skip


def _apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Rising heights between 0 and 1, moved as little as leaves the gap between any two."""
    heights = list(wanted)
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + gap)
    # They were pushed up only; in the mean they stay where they were.
    down = (sum(heights) - sum(wanted)) / len(heights)
    heights = [height - down for height in heights]
    for i in range(len(heights) - 1, -1, -1):
        heights[i] = min(heights[i], 1.0 if i == len(heights) - 1 else heights[i + 1] - gap)
    for i in range(len(heights)):
        heights[i] = max(heights[i], 0.0 if i == 0 else heights[i - 1] + gap)
    return heights


def _mean(curves: Sequence[Points]) -> Points:
    """The mean of curves over what all of them cover, at the points of the first."""
    start, end = max(points[0, 0] for points in curves), min(points[-1, 0] for points in curves)
    at = curves[0][(curves[0][:, 0] >= start) & (curves[0][:, 0] <= end), 0]
    if not len(at):
        return curves[0]
    return np.stack([at, np.mean([np.interp(at, points[:, 0], points[:, 1]) for points in curves], axis=0)], axis=1)


def _limits(cells: Sequence[_Cell]) -> tuple[float, float] | None:
    """Limits of the axis where a few values would press all others into one line, None where none does."""
    values = np.concatenate([points[:, 1] for cell in cells for points in (cell.mean, *cell.seeds)])
    low, high = np.quantile(values, [0.02, 0.98])
    # Two numbers that are both finite may be farther apart than floats reach.
    with np.errstate(over="ignore"):
        if high <= low or values.max() - values.min() <= _FAR * (high - low):
            return None
    margin = 0.1 * (high - low)
    return float(low - margin), float(high + margin)
