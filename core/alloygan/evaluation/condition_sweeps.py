"""What a generator does along a condition: the same noise, one column swept over its range, all others held.

A law of the material shows here that no single condition has: lengths that grow with time, an area fraction that
follows the lever rule. Real images are there at the conditions of the table only, and beside the curve at those that
have the held values; between them their mean values are interpolated in the scaled column.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from alloygan.data.condition_space import Column, ConditionSpace, Row, Value
from alloygan.data.training_hull import trained_rows
from alloygan.evaluation.measuring import Progress
from alloygan.evaluation.segmentation import segment
from alloygan.evaluation.subjects import host
from alloygan.interfaces.descriptor import Descriptor, Specimens
from alloygan.specs.evaluation import EvaluationSpec

MOST_IMAGES = 32
"""At most this many noises a step."""

MOST_CLASSES = 8
"""At most this many combinations of classes are swept."""

_HARDLY = 0.1
"""Real values that vary along a column by less of their range over the table are in no order."""

Sample = Callable[[Row, int, int], Tensor]
FloatArray = NDArray[np.float64]


def condition_sweeps(
    spec: EvaluationSpec,
    space: ConditionSpace,
    sample: Sample,
    evaluation: Mapping[str, Any],
    um_per_px: float | None,
    *,
    between: bool = True,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Sweep each continuous column over the range of the table, at its middle; for each combination of classes (at most
    8 of them). A space without a table is not swept.

    `sample(row, count, seed)` gives images (count, C, H, W) uint8, with the same noises for every row. `evaluation` is
    what `measure` found. `between`: whether the generator can be asked for conditions that are not in the table;
    otherwise the steps are those of the table. Each entry, ready for JSON: `column`, `unit`, `scale`, what is `held`,
    the `values` of the steps, and for each descriptor the mean values `generated`; `real`, those of real images with
    their `value` and whether it is `held_out`; `error`, the mean difference of generated and interpolated real values
    over the steps, in parts of the range of the real ones over the whole table; and `order`, Spearman's correlation of
    both over the steps, 1 where they rise and fall together. They are None where real values are too few or do not
    vary, `order` also where they hardly do along this column. A generated value that does not vary has the order 0, and
    a step at which there is nothing to measure counts as a difference of the whole range.
    """
    descriptors = {n: d.build() for n, d in zip(spec.descriptor_names, spec.descriptors, strict=True)}
    lines = list(_lines(space, spec.sweep_steps, between=between)) if spec.sweep_steps else []
    found = []
    for done, (position, line, steps) in enumerate(lines):
        if progress is not None:
            progress("sweep", done, len(lines))
        column = space.columns[position]
        found.append(
            {
                "column": column.name,
                "unit": column.unit,
                "scale": column.scale,
                "held": space.text_without(steps[0], position),
                "values": [row[position] for row in steps],
                "descriptors": _along(spec, space, sample, evaluation, um_per_px, descriptors, position, line, steps),
            }
        )
    if progress is not None and lines:
        progress("sweep", len(lines), len(lines))
    return found


def _lines(space: ConditionSpace, count: int, *, between: bool) -> Iterator[tuple[int, list[Row], list[Row]]]:
    """For each sweep the position of its column, the conditions of the table on it, and the steps."""
    for centre in islice(_centres(space), MOST_CLASSES):
        for position, column in enumerate(space.columns):
            if column.scale == "category":
                continue
            line = [row for row in space.table if _same(row, centre, position)]
            values = [float(row[position]) for row in trained_rows(space, centre)] + [float(r[position]) for r in line]
            if min(values) == max(values) or (not between and len(line) < 2):
                continue
            steps = [
                (*centre[:position], value, *centre[position + 1 :])
                for value in (
                    _spaced(column, min(values), max(values), count) if between else [r[position] for r in line]
                )
            ]
            yield position, line, steps


def _centres(space: ConditionSpace) -> Iterator[Row]:
    """For each combination of classes the condition trained on that is nearest to the middle of all of them."""
    classes = [i for i, column in enumerate(space.columns) if column.scale == "category"]
    for one in dict.fromkeys(tuple(row[i] for i in classes) for row in space.table):
        rows = [row for row in trained_rows(space) if tuple(row[i] for i in classes) == one]
        if not rows:
            continue
        values = space.condition(rows).values
        middle = (values.amin(dim=0) + values.amax(dim=0)) / 2
        yield rows[int((values - middle).norm(dim=1).argmin())]


def _same(row: Row, other: Row, but: int) -> bool:
    return all(i == but or value == other[i] for i, value in enumerate(row))


def _spaced(column: Column, low: float, high: float, count: int) -> list[Value]:
    """Values evenly spaced in the scaled column, from the lowest to the highest, which are kept as they are."""
    ends = (math.log(low), math.log(high)) if column.scale == "log" else (low, high)
    inner = np.linspace(*ends, count)[1:-1]
    return [low, *(float(f"{math.exp(one) if column.scale == 'log' else one:.10g}") for one in inner), high]


def _along(
    spec: EvaluationSpec,
    space: ConditionSpace,
    sample: Sample,
    evaluation: Mapping[str, Any],
    um_per_px: float | None,
    descriptors: Mapping[str, Descriptor],
    position: int,
    line: Sequence[Row],
    steps: Sequence[Row],
) -> dict[str, dict[str, Any]]:
    threshold, known = evaluation["segmentation"]["threshold"], {one["label"]: one for one in evaluation["conditions"]}
    generated: dict[str, list[float | None]] = {name: [] for name in descriptors}
    for row in steps:
        # The phase that is the primary one may be another at the other end; real images have that of their condition.
        near = space.nearest_row(row)
        assert near is not None  # there is a table
        bright = known[space.label(near)]["primary"] == "bright"
        images = host(sample(row, min(spec.images, MOST_IMAGES), spec.seed))
        specimens = Specimens(images, segment(images, threshold, spec.smooth, bright, spec.specks), um_per_px)
        for name, descriptor in descriptors.items():
            value = descriptor.summary(descriptor.measure(specimens))
            generated[name].append(None if value is None or not np.isfinite(value) else float(value))
    found = {}
    for name in descriptors:
        real = [
            {
                "value": row[position],
                "held_out": space.label(row) in space.held_out,
                "mean": known[space.label(row)]["scores"][name]["real"],
            }
            for row in line
        ]
        found[name] = {
            "generated": generated[name],
            "real": real,
            **_agreement(space, position, steps, generated[name], real, _range_of(name, known.values())),
        }
    return found


def _agreement(
    space: ConditionSpace,
    position: int,
    steps: Sequence[Row],
    generated: Sequence[float | None],
    real: Sequence[Mapping[str, Any]],
    whole: float,
) -> dict[str, float | None]:
    column = space.columns[position]
    known = sorted((column.scaled(one["value"])[0], one["mean"]) for one in real if one["mean"] is not None)
    if len(known) < 2 or whole <= 0:
        return {"order": None, "error": None}
    nodes, means = (np.array(part, dtype=np.float64) for part in zip(*known, strict=True))
    made = [(column.scaled(row[position])[0], value) for row, value in zip(steps, generated, strict=True)]
    # Beyond the outermost real values there is nothing to compare with; ends are float32 values scaled.
    made = [(at, value) for at, value in made if nodes[0] - 1e-6 <= at <= nodes[-1] + 1e-6]
    there = [(at, value) for at, value in made if value is not None]
    if not there:
        return {"order": None, "error": 1.0 if made else None}
    at, values = (np.array(part, dtype=np.float64) for part in zip(*there, strict=True))
    expected: FloatArray = np.interp(at, nodes, means)
    differences = [*np.abs(values - expected) / whole, *[1.0] * (len(made) - len(there))]
    order = None
    if np.ptp(expected) > _HARDLY * whole:
        order = float(spearmanr(values, expected).statistic) if np.ptp(values) > 0 else 0.0
    return {"order": order, "error": float(np.mean(differences))}


def _range_of(name: str, conditions: Iterable[Mapping[str, Any]]) -> float:
    """From the least to the largest mean value of real images of any condition."""
    means = [one["scores"][name]["real"] for one in conditions if one["scores"][name]["real"] is not None]
    return max(means) - min(means) if means else 0.0
