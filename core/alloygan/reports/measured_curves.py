"""Curves measured on images, such as the two-point correlation, condition by condition."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from alloygan.reports.style import SETS, Draw, Panel, drawn, round_ticks
from alloygan.reports.wording import known, spoken, with_unit


def curve_names(evaluation: dict[str, Any], samples: dict[str, Any]) -> list[str]:
    """The descriptors whose values are curves."""
    names = [descriptor["name"] for descriptor in evaluation["descriptors"]]
    return [name for name in names if any("axis" in one for one in samples.get(name, {}).values())]


def curve_panels(
    evaluation: dict[str, Any], samples: dict[str, Any], name: str, shown: Sequence[int], identity: str
) -> list[Panel]:
    """A panel a condition with the mean curves; `shown` are positions in the evaluation's conditions.

    All panels share their axes, so that conditions can be compared by eye.
    """
    sets = samples[name]
    curves = [_curves(sets.get(str(evaluation["conditions"][i]["label"]), {})) for i in shown]
    everything = [values for one in curves for _, values in one.values()]
    low, high = (min(map(np.min, everything)), max(map(np.max, everything))) if everything else (0.0, 1.0)
    margin = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
    panels = []
    for i, one in zip(shown, curves, strict=True):
        condition = evaluation["conditions"][i]
        title = condition["text"] + (" (held out)" if condition["held_out"] else "")
        note = condition["scores"][name].get("note")
        notes = [note] if note else []
        if not one:
            panels.append(Panel(title, None, notes or ["Nothing to measure."], condition["label"]))
            continue
        sample = sets[str(condition["label"])]
        draw = _drawing(one, (low - margin, high + margin), spoken(name), sample)
        svg = drawn(draw, (3.1, 2.2), f"{identity}-{i}", f"{spoken(name)} at {condition['text']}")
        panels.append(Panel(title, svg, notes, condition["label"], draw))
    return panels


def _drawing(
    curves: dict[str, tuple[Any, Any]], limits: tuple[float, float], title: str, sample: dict[str, Any]
) -> Draw:
    def draw(axes: Axes) -> None:
        for key, (at, values) in curves.items():
            axes.plot(at, values, **SETS[key])
        axes.set_ylim(*limits)
        axes.set_xlabel(with_unit("distance", sample.get("axis_unit", "")))
        axes.set_ylabel(with_unit(title, sample.get("unit", "")))
        round_ticks(axes.xaxis, 5)
        round_ticks(axes.yaxis, 4)

    return draw


def _curves(sample: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Set → (axis, values), without the sets that have no curve."""
    axis = sample.get("axis", [])
    found = {}
    for key in SETS:
        values = sample.get(key, [])
        pairs = [(a, v) for a, v in zip(axis, values, strict=False) if known(a) is not None and known(v) is not None]
        if pairs:
            found[key] = (np.array([a for a, _ in pairs]), np.array([v for _, v in pairs]))
    return found
