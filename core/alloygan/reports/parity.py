"""Parity plots: a descriptor's mean in real and generated images, condition by condition (the paper's Figure 3)."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from alloygan.reports.style import INK, VERMILLION, Panel, drawn, round_ticks
from alloygan.reports.wording import known, number, spoken, with_unit

FEWEST_FOR_R2 = 3
MOST_NUMBERED = 12
"""With more conditions than this, points carry no numbers: they would cover one another."""


def parity_panels(evaluation: dict[str, Any], samples: dict[str, Any]) -> list[Panel]:
    """A panel for each descriptor whose values are numbers rather than curves."""
    panels = []
    for i, descriptor in enumerate(evaluation["descriptors"]):
        name = descriptor["name"]
        if any("axis" in sample for sample in samples.get(name, {}).values()):
            continue
        if not has_values(evaluation, name):
            continue
        panels.append(_panel(f"parity{i}", name, descriptor["unit"], evaluation["conditions"]))
    return panels


def has_values(evaluation: dict[str, Any], name: str) -> bool:
    """Whether a descriptor has values of its own, rather than only a distance between two sets of images."""
    scores = [condition["scores"][name] for condition in evaluation["conditions"]]
    measured = any(known(score[key]) is not None for score in scores for key in ("real", "generated", "training"))
    return measured or not any(known(score["distance"]) is not None for score in scores)


def r_squared(real: Sequence[float], generated: Sequence[float]) -> float | None:
    """Share of the variance between conditions that the line generated = real explains; None for fewer than three
    conditions or none that differ.
    """
    if len(real) < FEWEST_FOR_R2:
        return None
    mean = sum(real) / len(real)
    spread = sum((r - mean) ** 2 for r in real)
    if spread <= 0:
        return None
    return 1 - sum((g - r) ** 2 for r, g in zip(real, generated, strict=True)) / spread


def _panel(identity: str, name: str, unit: str, conditions: list[dict[str, Any]]) -> Panel:
    points = []
    undrawn = []
    for condition in conditions:
        score = condition["scores"][name]
        real, generated = known(score["real"]), known(score["generated"])
        if real is None or generated is None:
            undrawn.append(condition["text"] or "all conditions")
            continue
        points.append((condition, real, generated, _floor(score, real)))
    title = spoken(name)
    notes = []
    if points:
        seen = [(real, generated) for condition, real, generated, _ in points if not condition["held_out"]]
        r2 = r_squared([real for real, _ in seen], [generated for _, generated in seen])
        if r2 is not None:
            of = " of the conditions seen in training" if len(seen) < len(points) else ""
            notes.append(f"R² = {number(r2)}{of}")
    if undrawn:
        text = "; ".join(undrawn) if len(undrawn) <= 3 else f"{len(undrawn)} of {len(conditions)} conditions"
        notes.append(f"Without a value in real or generated images: {text}.")
    if not points:
        return Panel(title, None, notes)
    label = f"{title}: generated against real in {len(points)} conditions"

    def draw(axes: Axes) -> None:
        _draw(axes, points, unit)

    return Panel(title, drawn(draw, (3.1, 2.9), identity, label), notes, draw=draw)


def _draw(axes: Axes, points: list[tuple[dict[str, Any], float, float, float]], unit: str) -> None:
    ends = [value for _, real, generated, floor in points for value in (real, generated, real - floor, real + floor)]
    margin = 0.09 * (max(ends) - min(ends)) or 0.1 * abs(ends[0]) or 1.0
    low, high = min(ends) - margin, max(ends) + margin
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, zorder=1)
    numbered = len(points) <= MOST_NUMBERED
    for condition, real, generated, floor in points:
        axes.plot(
            [real, real], [real - floor, real + floor], color="#BDBDBD", linewidth=5, solid_capstyle="butt", zorder=2
        )
        axes.plot(
            [real], [generated], "o", markersize=9 if numbered else 4.5, zorder=3,
            markerfacecolor="white" if condition["held_out"] else VERMILLION,
            markeredgecolor=VERMILLION, markeredgewidth=1.2, alpha=0.9,
        )  # fmt: skip
        if numbered and condition["label"] >= 0:
            axes.annotate(
                str(condition["label"]), (real, generated), ha="center", va="center", fontsize=6.5, zorder=4,
                color=INK if condition["held_out"] else "white", fontweight="bold",
            )  # fmt: skip
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel(with_unit("real", unit))
    axes.set_ylabel(with_unit("generated", unit))
    for axis in (axes.xaxis, axes.yaxis):
        round_ticks(axis, 4)


def _floor(score: dict[str, Any], real: float) -> float:
    """How far the second set of real images lies from the first, in the descriptor's unit."""
    training, relative = known(score["training"]), known(score["floor_deviation"])
    if training is not None:
        return abs(training - real)
    return relative * abs(real) if relative is not None else 0.0
