"""Mean absolute deviation of each descriptor over all conditions, beside its floor (the paper's Figure 3d)."""

from typing import Any

from matplotlib.axes import Axes

from alloygan.reports.style import GREY, VERMILLION, Panel, drawn
from alloygan.reports.wording import known, percent, spoken


def deviation_panel(evaluation: dict[str, Any]) -> Panel | None:
    """A line a descriptor: its mean deviation, and that of two sets of real images; None if none has a value.

    A descriptor without a ratio scale has no relative deviation, and no line.
    """
    rows = []
    for descriptor in evaluation["descriptors"]:
        overall = evaluation["overall"][descriptor["name"]]
        deviation, floor = known(overall["mean_deviation"]), known(overall["mean_floor_deviation"])
        if deviation is not None or floor is not None:
            interval = overall.get("mean_deviation_interval") or ()
            ends = [known(end) for end in interval]
            rows.append((spoken(descriptor["name"]), deviation, floor, [end for end in ends if end is not None]))
    if not rows:
        return None
    label = "; ".join(f"{name} {percent(deviation)}, floor {percent(floor)}" for name, deviation, floor, _ in rows)

    def draw(axes: Axes) -> None:
        _draw(axes, rows)

    size = (4.6, 0.75 + 0.3 * len(rows))
    return Panel("Mean deviation", drawn(draw, size, "deviations", f"Mean absolute deviation: {label}"), draw=draw)


def _draw(axes: Axes, rows: list[tuple[str, float | None, float | None, list[float]]]) -> None:
    for i, (_, deviation, floor, interval) in enumerate(rows):
        if deviation is not None and floor is not None:
            axes.plot([100 * floor, 100 * deviation], [i, i], color="#BDBDBD", linewidth=1.5, zorder=1)
        if floor is not None:
            axes.plot([100 * floor], [i], "|", color=GREY, markersize=13, markeredgewidth=3, zorder=2, clip_on=False)
        if len(interval) == 2:
            axes.plot([100 * end for end in interval], [i, i], color=VERMILLION, linewidth=2.5, zorder=2)
        if deviation is not None:
            axes.plot([100 * deviation], [i], "o", color=VERMILLION, markersize=7, zorder=3, clip_on=False)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.margins(x=0.08)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("mean absolute deviation (%)")
