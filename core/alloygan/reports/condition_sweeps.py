"""What a generator does along each condition, beside real images: a panel a descriptor and swept column."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

from alloygan.reports.style import BLUE, VERMILLION, Panel, drawn, round_ticks
from alloygan.reports.wording import known, number, spoken, with_unit


def sweep_panels(evaluation: Mapping[str, Any]) -> list[tuple[str, list[Panel]]]:
    """For each swept column (and each combination of classes) what is held, and a panel a descriptor."""
    sections = []
    limits = _limits(evaluation)
    units = {one["name"]: one["unit"] for one in evaluation["descriptors"]}
    for i, sweep in enumerate(evaluation.get("condition_sweeps") or ()):
        held = f", at {sweep['held']}" if sweep["held"] else ""
        panels = [
            _panel(sweep, name, found, units.get(name, ""), limits.get(name), f"sweep{i}-{j}")
            for j, (name, found) in enumerate(sweep["descriptors"].items())
        ]
        sections.append((f"Along {sweep['column']}{held}", panels))
    return sections


def _panel(
    sweep: Mapping[str, Any],
    name: str,
    found: Mapping[str, Any],
    unit: str,
    limits: tuple[float, float] | None,
    identity: str,
) -> Panel:
    generated = [
        (at, value) for at, value in zip(sweep["values"], found["generated"], strict=True) if known(value) is not None
    ]
    real = [one for one in found["real"] if known(one["mean"]) is not None]
    if not generated:
        return Panel(spoken(name), None, ["Nothing to measure in generated images."])

    def draw(axes: Axes) -> None:
        axes.plot(*zip(*generated, strict=True), color=VERMILLION, linewidth=1.6, marker=".", markersize=5, zorder=3)
        for held_out in (False, True):
            points = [(one["value"], one["mean"]) for one in real if bool(one["held_out"]) == held_out]
            if points:
                axes.plot(
                    *zip(*points, strict=True), "o", color=BLUE, fillstyle="none" if held_out else "full", markersize=5,
                    zorder=4,
                )  # fmt: skip
        axes.set_xlabel(with_unit(sweep["column"], sweep["unit"]))
        axes.set_ylabel(with_unit(spoken(name), unit))
        if limits is not None:
            axes.set_ylim(*limits)
        round_ticks(axes.yaxis, 4)
        if sweep["scale"] == "log":
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_formatter(NullFormatter())
        else:
            round_ticks(axes.xaxis, 5)

    order, error = known(found["order"]), known(found["error"])
    notes = [f"Error {number(error)} of the range of the real values."] if error is not None else []
    if order is not None:
        notes.append(f"Rank correlation with the real values {number(order)}.")
    ends = f"from {number(generated[0][1])} to {number(generated[-1][1])}"
    return Panel(
        spoken(name),
        drawn(draw, (3.1, 2.2), identity, f"{spoken(name)} along {sweep['column']}, generated: {ends}"),
        notes,
    )


def _limits(evaluation: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """The range of each descriptor over all sweeps, so that what hardly changes along one of them looks it."""
    found: dict[str, list[float]] = {}
    for sweep in evaluation.get("condition_sweeps") or ():
        for name, one in sweep["descriptors"].items():
            values = [*one["generated"], *(node["mean"] for node in one["real"])]
            found.setdefault(name, []).extend(value for value in map(known, values) if value is not None)
    ranges = {name: (min(values), max(values)) for name, values in found.items() if values}
    return {
        name: (low - 0.06 * (high - low), high + 0.06 * (high - low))
        for name, (low, high) in ranges.items()
        if high > low
    }
