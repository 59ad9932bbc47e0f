"""Mean absolute deviation of each descriptor over all conditions, beside its floor (the paper's Figure 3d)."""

from typing import Any

from alloygan.reports.style import GREY, VERMILLION, Panel, drawing, to_svg
from alloygan.reports.wording import known, percent, spoken


def deviation_panel(evaluation: dict[str, Any]) -> Panel | None:
    """A line a descriptor: its mean deviation, and that of two sets of real images; None if none has a value."""
    rows = []
    for descriptor in evaluation["descriptors"]:
        overall = evaluation["overall"][descriptor["name"]]
        deviation, floor = known(overall["mean_deviation"]), known(overall["mean_floor_deviation"])
        if deviation is not None or floor is not None:
            rows.append((spoken(descriptor["name"]), deviation, floor))
    if not rows:
        return None
    with drawing(4.6, 0.75 + 0.3 * len(rows)) as (figure, axes):
        for i, (_, deviation, floor) in enumerate(rows):
            if deviation is not None and floor is not None:
                axes.plot([100 * floor, 100 * deviation], [i, i], color="#BDBDBD", linewidth=1.5, zorder=1)
            if floor is not None:
                axes.plot(
                    [100 * floor], [i], "|", color=GREY, markersize=13, markeredgewidth=3, zorder=2, clip_on=False
                )
            if deviation is not None:
                axes.plot([100 * deviation], [i], "o", color=VERMILLION, markersize=7, zorder=3, clip_on=False)
        axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.margins(x=0.08)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("mean absolute deviation (%)")
        label = "; ".join(f"{name} {percent(deviation)}, floor {percent(floor)}" for name, deviation, floor in rows)
        svg = to_svg(figure, "deviations", f"Mean absolute deviation: {label}")
    return Panel("Mean deviation", svg)
