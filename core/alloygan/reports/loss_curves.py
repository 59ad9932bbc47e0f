"""The terms of the objective, and what the losses only observe, over the images seen."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from alloygan.reports.style import SERIES, Panel, drawn, round_ticks
from alloygan.reports.wording import known

MOST_POINTS = 400
_STYLES = ("-", "--", ":", "-.")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl up to one that is broken (a kill leaves a half-written last one)."""
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            break
        if not isinstance(line, dict) or known(line.get("images")) is None:
            break
        lines.append(line)
    return lines


def loss_panels(lines: list[dict[str, Any]], kind: str) -> list[Panel]:
    """Panels of `terms` (one a loss: its critic's and generator's side share the axis) or `observed` (one a quantity:
    their scales have nothing in common).
    """
    names = sorted({name for line in lines for name in line.get(kind) or {}})
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.partition(".")[0] if kind == "terms" else name, []).append(name)
    return [_panel(f"{kind}{i}", title, members, lines, kind) for i, (title, members) in enumerate(groups.items())]


def _panel(identity: str, title: str, names: list[str], lines: list[dict[str, Any]], kind: str) -> Panel:
    found = {name: metric_points(lines, kind, name) for name in names}
    curves = {name: binned(points) for name, points in found.items() if len(points)}
    if not curves:
        return Panel(title, None, ["No value was recorded."])
    last = max(float(points[-1, 0]) for points in curves.values())

    def draw(axes: Axes) -> None:
        _draw(axes, title, curves)
        images_axis(axes, last)

    label = f"{title} over the images seen: {', '.join(_ends(curves))}"
    return Panel(title, drawn(draw, (3.1, 2.2), identity, label), draw=draw)


def _draw(axes: Axes, title: str, curves: dict[str, NDArray[np.float64]]) -> None:
    for i, (name, points) in enumerate(curves.items()):
        axes.plot(
            points[:, 0], points[:, 1], color=SERIES[i % len(SERIES)],
            linestyle=_STYLES[i // len(SERIES) % len(_STYLES)] if len(curves) > len(SERIES) else _STYLES[i % 2],
            linewidth=1.3, marker="o" if len(points) < 12 else "", markersize=3, label=_side(name, title),
        )  # fmt: skip
    if len(curves) > 1:
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 1), borderaxespad=0.2, ncols=2, frameon=False, fontsize="small"
        )
    round_ticks(axes.yaxis, 5)


def images_axis(axes: Axes, last: float) -> None:
    """An axis of images seen that ends at `last`, in millions where the numbers would not fit."""
    millions = last >= 2e6
    round_ticks(axes.xaxis, 4)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e6:g}" if millions else f"{value:,.0f}"))
    axes.set_xlabel("million images seen" if millions else "images seen")


def metric_points(lines: list[dict[str, Any]], kind: str, name: str) -> NDArray[np.float64]:
    """(images, value) of every line that has the value: a lazy loss (`every`) is not in all of them."""
    pairs = [(known(line["images"]), known((line.get(kind) or {}).get(name))) for line in lines]
    return np.array([pair for pair in pairs if None not in pair], dtype=np.float64)


def _side(name: str, loss: str) -> str:
    return name.removeprefix(f"{loss}.") or name


def _ends(curves: dict[str, NDArray[np.float64]]) -> Iterable[str]:
    for name, points in curves.items():
        yield f"{name} ends at {points[-1, 1]:.3g}"


def binned(points: NDArray[np.float64], most: int = MOST_POINTS) -> NDArray[np.float64]:
    """Means of equally many neighbours, so that a long training is a smaller file and a readable curve."""
    if len(points) <= most:
        return points
    return np.array([part.mean(axis=0) for part in np.array_split(points, most)])
