"""Parity plots: a descriptor's mean in real and generated images, condition by condition (the paper's Figure 3)."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from alloygan.reports.style import INK, VERMILLION, Panel, drawn, round_ticks
from alloygan.reports.wording import known, number, number_interval, spoken, with_unit

MOST_NUMBERED = 10
"""With more conditions than this, points carry no numbers: they would cover one another."""

# The corner that R² is written in, as parts of the axes.
_WORDS_WIDE, _WORDS_HIGH = 0.62, 0.17

Point = tuple[dict[str, Any], float, float, float]
"""A condition with its real and its generated value, and how far a second set of real images lies from the first."""


def parity_panels(evaluation: dict[str, Any], samples: dict[str, Any]) -> list[Panel]:
    """A panel for each descriptor whose values are numbers rather than curves."""
    panels = []
    for i, descriptor in enumerate(evaluation["descriptors"]):
        name = descriptor["name"]
        if any("axis" in sample for sample in samples.get(name, {}).values()):
            continue
        if not has_values(evaluation, name):
            continue
        panels.append(
            _panel(f"parity{i}", name, descriptor["unit"], evaluation["conditions"], evaluation["overall"][name])
        )
    return panels


def has_values(evaluation: dict[str, Any], name: str) -> bool:
    """Whether a descriptor has values of its own, rather than only a distance between two sets of images."""
    scores = [condition["scores"][name] for condition in evaluation["conditions"]]
    measured = any(known(score[key]) is not None for score in scores for key in ("real", "generated", "training"))
    return measured or not any(known(score["distance"]) is not None for score in scores)


def r2_words(overall: dict[str, Any]) -> list[str]:
    """R² of generated against real, and of the second set of real images, with their intervals: a line each."""
    lines = []
    for words, key in (("R²", "r2"), ("floor", "floor_r2")):
        if known(overall.get(key)) is not None:
            lines.append(f"{words} {number(overall[key])} {number_interval(overall.get(f'{key}_interval'))}".rstrip())
    return lines


def _panel(identity: str, name: str, unit: str, conditions: list[dict[str, Any]], overall: dict[str, Any]) -> Panel:
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
    r2 = r2_words(overall) if points else []
    if r2 and any(condition["held_out"] for condition, *_ in points):
        notes.append("R² is of the conditions seen in training.")
    if undrawn:
        text = "; ".join(undrawn) if len(undrawn) <= 3 else f"{len(undrawn)} of {len(conditions)} conditions"
        notes.append(f"Without a value in real or generated images: {text}.")
    if not points:
        return Panel(title, None, notes)
    label = "; ".join([f"{title}: generated against real in {len(points)} conditions", *r2])

    def draw(axes: Axes) -> None:
        _draw(axes, points, unit)
        upper = _upper_is_free(points, axes.get_xlim())
        # Below points and bars, so that words never hide a value.
        axes.text(
            0.03 if upper else 0.97, 0.97 if upper else 0.03, "\n".join(r2), transform=axes.transAxes, zorder=1.5,
            ha="left" if upper else "right", va="top" if upper else "bottom", fontsize=7.5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0} if r2 else None,
        )  # fmt: skip

    return Panel(title, drawn(draw, (3.1, 2.9), identity, label), notes, draw=draw)


def _upper_is_free(points: Sequence[Point], limits: tuple[float, float]) -> bool:
    """Whether the words meet fewer points and bars in the corner above the line than in the one below it."""
    low, high = limits
    places = [
        ((real - low) / (high - low), (value - low) / (high - low))
        for _, real, generated, floor in points
        for value in (generated, real - floor, real + floor)
    ]
    above = sum(x < _WORDS_WIDE and y > 1 - _WORDS_HIGH for x, y in places)
    below = sum(x > 1 - _WORDS_WIDE and y < _WORDS_HIGH for x, y in places)
    return above <= below


def _draw(axes: Axes, points: Sequence[Point], unit: str) -> None:
    ends = [value for _, real, generated, floor in points for value in (real, generated, real - floor, real + floor)]
    margin = 0.09 * (max(ends) - min(ends)) or 0.1 * abs(ends[0]) or 1.0
    low, high = min(ends) - margin, max(ends) + margin
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, zorder=1)
    numbered = len(points) <= MOST_NUMBERED
    # Many points lie upon each other: small ones that show through each other still show how many there are.
    size, alpha, wide = (9.0, 0.9, 5.0) if numbered else (4.5, 0.6, 2.5) if len(points) <= 40 else (3.0, 0.4, 1.0)
    for condition, real, generated, floor in points:
        axes.plot(
            [real, real], [real - floor, real + floor], color="#BDBDBD", linewidth=wide, solid_capstyle="butt",
            zorder=2,
        )  # fmt: skip
        axes.plot(
            [real], [generated], "o", markersize=size, zorder=3,
            markerfacecolor="white" if condition["held_out"] else VERMILLION,
            markeredgecolor=VERMILLION, markeredgewidth=1.2 if numbered else 0.5,
            alpha=alpha,
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
