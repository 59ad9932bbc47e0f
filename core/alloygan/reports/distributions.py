"""Distributions of what is measured on single particles, condition by condition (the paper's Figure 4)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.stats import gaussian_kde

from alloygan.reports.style import SETS, Draw, Panel, drawn, round_ticks
from alloygan.reports.wording import known, number, probability, spoken, unit_text, with_unit

FEWEST_FOR_CURVE = 8
"""A density through fewer distinct values would show the kernel rather than the data."""

PER_PARTICLE = frozenset({"equivalent_diameter", "aspect_ratio"})
_POINTS = 160


def per_particle(evaluation: dict[str, Any], samples: dict[str, Any]) -> list[str]:
    """The descriptors with one value a particle: those known to be so, and any that has more values than images."""
    images = {str(condition["label"]): condition["images"] for condition in evaluation["conditions"]}
    return [
        descriptor["name"]
        for descriptor in evaluation["descriptors"]
        if (sets := samples.get(descriptor["name"]))
        and not any("axis" in one for one in sets.values())
        and (
            descriptor["name"] in PER_PARTICLE
            or any(len(one.get(key, [])) > images.get(label, 0) for label, one in sets.items() for key in SETS)
        )
    ]


def distribution_panels(
    evaluation: dict[str, Any], samples: dict[str, Any], name: str, shown: Sequence[int]
) -> list[Panel]:
    """A panel a condition; `shown` are positions in the evaluation's conditions. All share the axis of values."""
    conditions = [evaluation["conditions"][i] for i in shown]
    sets = [_sets(samples[name].get(str(condition["label"]), {})) for condition in conditions]
    pool = np.concatenate([values for one in sets for values in one.values()])
    limits = _limits(pool)
    panels = []
    for i, condition, one in zip(shown, conditions, sets, strict=True):
        score = condition["scores"][name]
        # At most 1,000 values of a set are kept for drawing.
        counts = samples[name].get(str(condition["label"]), {}).get("counts") or {}
        notes = ["n = " + ", ".join(f"{counts.get(key, len(one[key]))} {key}" for key in SETS)]
        if limits is not None and (beyond := sum(int((values > limits[1]).sum()) for values in one.values())):
            notes[0] += f"; {beyond} beyond the axis"
        notes += [words for words in (_ks_words(score), _peaks_words(score)) if words]
        missing = any(not len(one[key]) for key in SETS)
        if missing and score.get("note"):
            notes.append(score["note"])
        svg = draw = None
        if limits is not None and any(map(len, one.values())):
            unit = samples[name][str(condition["label"])].get("unit", "")
            draw = _drawing(spoken(name), unit, one, limits)
            label = f"Distribution of {spoken(name)} at {condition['text']}"
            svg = drawn(draw, (3.1, 2.2), f"{_identity(name)}{i}", label)
        elif not score.get("note"):
            notes.append("Nothing to measure.")
        title = condition["text"] + (" (held out)" if condition["held_out"] else "")
        panels.append(Panel(title, svg, notes, condition["label"], draw))
    return panels


def _ks_words(score: dict[str, Any]) -> str:
    """Kolmogorov and Smirnov's statistic, the largest gap between two cumulative distributions, 0 to 1."""
    if known(score.get("ks")) is None:
        return ""
    floor = f", floor {number(score['floor_ks'])}" if known(score.get("floor_ks")) is not None else ""
    return f"KS {number(score['ks'])}{floor}"


def _peaks_words(score: dict[str, Any]) -> str:
    """How many peaks each set has, where the evaluation counted them."""
    peaks = score.get("peaks")
    if not isinstance(peaks, dict):
        return ""
    parts = []
    for key, one in peaks.items():
        if isinstance(one, dict) and known(one.get("count")) is not None:
            p = f" (p = {probability(one['p'])})" if known(one.get("p")) is not None else ""
            parts.append(f"{key} {one['count']:.0f}{p}")
    return f"peaks: {', '.join(parts)}" if parts else ""


def density(values: NDArray[np.float64], at: NDArray[np.float64], low: float) -> NDArray[np.float64] | None:
    """Gaussian kernel density of the values, None where they are too few or too alike to draw one.

    What the kernel would put below `low`, where no value can lie (an aspect ratio below 1), is reflected.
    """
    if len(np.unique(values)) < FEWEST_FOR_CURVE:
        return None
    try:
        kernel = gaussian_kde(values)
        found: NDArray[np.float64] = kernel(at) + kernel(2 * low - at)
    except np.linalg.LinAlgError:
        return None
    return found if np.isfinite(found).all() else None


def _drawing(title: str, unit: str, sets: dict[str, NDArray[np.float64]], limits: tuple[float, float]) -> Draw:
    def draw(axes: Axes) -> None:
        _draw(axes, title, unit, sets, limits)

    return draw


def _draw(axes: Axes, title: str, unit: str, sets: dict[str, NDArray[np.float64]], limits: tuple[float, float]) -> None:
    low, high = limits
    at = np.linspace(low, high, _POINTS)
    rugs = []
    for key, line in SETS.items():
        curve = density(sets[key], at, low) if len(sets[key]) else None
        if curve is not None:
            axes.plot(at, curve, **line)
        elif len(sets[key]):
            rugs.append(key)
    alone = not any(map(len, (sets[key] for key in SETS if key not in rugs)))
    axes.set_ylim(bottom=0)
    _rugs(axes, sets, rugs, alone=alone)
    pad = 0.02 * (high - low)
    axes.set_xlim(low - pad, high + pad)
    round_ticks(axes.xaxis, 5)
    round_ticks(axes.yaxis, 3)
    axes.set_xlabel(with_unit(title, unit))
    axes.set_ylabel(with_unit("density", f"1/{unit_text(unit)}" if unit else ""))
    if alone:
        axes.set_yticks([])
        axes.set_ylabel("single values")


def _rugs(axes: Axes, sets: dict[str, NDArray[np.float64]], keys: list[str], *, alone: bool) -> None:
    """Single values as ticks, a row a set: at the bottom below curves, over the whole height without any."""
    for row, key in enumerate(keys):
        line = SETS[key]
        height = (row + 1) / (len(keys) + 1) if alone else 0.08 + 0.15 * row
        axes.plot(
            sets[key], np.full(len(sets[key]), height), "|", transform=axes.get_xaxis_transform(),
            color=line["color"], markersize=11, markeredgewidth=line["linewidth"], zorder=line["zorder"],
        )  # fmt: skip


def _sets(sample: dict[str, Any]) -> dict[str, NDArray[np.float64]]:
    found = {key: np.asarray(sample.get(key, []), dtype=np.float64).ravel() for key in SETS}
    return {key: values[np.isfinite(values)] for key, values in found.items()}


def _limits(pool: NDArray[np.float64]) -> tuple[float, float] | None:
    """From the smallest value to the largest, unless few values lie far out: they would press the rest together."""
    if not len(pool):
        return None
    low, most, high = (float(value) for value in np.quantile(pool, [0, 0.99, 1]))
    high = min(high, most + 0.5 * (most - low)) if most > low else high
    if high <= low:
        margin = 0.1 * abs(low) or 1.0
        return low - margin, high + margin
    return low, high + 0.12 * (high - low)  # room for the tail of a density


def _identity(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
