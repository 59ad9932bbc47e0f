"""What a generator does along a condition: the same noise, one column swept over its range, all others held.

A law of the material shows here that no single condition has: lengths that grow with time, an area fraction that
follows the lever rule. Real images are there at the conditions of the table only; between them their mean values are
interpolated in the scaled column.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace, Row
from alloygan.data.training_hull import trained_rows
from alloygan.data.unscaling import unscaled
from alloygan.evaluation.segmentation import segment
from alloygan.evaluation.subjects import host
from alloygan.interfaces.descriptor import Descriptor, Specimens
from alloygan.specs.evaluation import EvaluationSpec

MOST_IMAGES = 32
"""At most this many noises a step."""

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
) -> list[dict[str, Any]]:
    """Sweep each continuous column over the range of the table, at its middle; for each combination of classes.

    `sample(row, count, seed)` gives images (count, C, H, W) uint8, with the same noises for every row. `evaluation` is
    what `measure` found. `between`: whether the generator can be asked for conditions that are not in the table;
    otherwise the steps are those of the table. Each entry, ready for JSON: `column`, `unit`, `scale`, what is `held`,
    the `values` of the steps, and for each descriptor the mean values `generated`; `real`, those of real images with
    their `value` and whether it is `held_out`; `error`, the mean difference of generated and interpolated real values
    over the steps, in parts of the range of the real ones over the whole table; and `order`, Spearman's correlation of
    both over the steps, 1 where they rise and fall together. They are None where real values are too few or do not
    vary, `order` also where they hardly do along this column.
    """
    descriptors = {n: d.build() for n, d in zip(spec.descriptor_names, spec.descriptors, strict=True)}
    found = []
    for centre in _centres(space) if spec.sweep_steps else ():
        for position, column in enumerate(space.columns):
            line = [row for row in space.table if _same(row, centre, position)]
            if column.scale == "category" or len({row[position] for row in line}) < 2:
                continue
            steps = list(_steps(space, line, position, spec.sweep_steps)) if between else line
            found.append(
                {
                    "column": column.name,
                    "unit": column.unit,
                    "scale": column.scale,
                    "held": space.text_without(centre, position),
                    "values": [row[position] for row in steps],
                    "descriptors": _along(
                        spec, space, sample, evaluation, um_per_px, descriptors, position, line, steps
                    ),
                }
            )
    return found


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


def _steps(space: ConditionSpace, line: Sequence[Row], position: int, count: int) -> Iterator[Row]:
    """Conditions evenly spaced in the scaled column, from the first to the last of a line."""
    start = sum(column.width for column in space.columns[:position])
    values = space.condition(line).values.double()
    low, high = values[:, start].min().item(), values[:, start].max().item()
    for value in np.linspace(low, high, count):
        scaled = values[0].tolist()
        scaled[start] = float(value)
        # Only the swept value goes through the scale and back.
        yield (*line[0][:position], unscaled(space, scaled)[position], *line[0][position + 1 :])


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
    bright = known[space.label(line[len(line) // 2])]["primary"] == "bright"
    generated: dict[str, list[float | None]] = {name: [] for name in descriptors}
    for row in steps:
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
    made = [(column.scaled(row[position])[0], value) for row, value in zip(steps, generated, strict=True)]
    made = [(at, value) for at, value in made if value is not None]
    if len(known) < 2 or len(made) < 2 or whole <= 0:
        return {"order": None, "error": None}
    at, values = (np.array(part, dtype=np.float64) for part in zip(*made, strict=True))
    nodes, means = (np.array(part, dtype=np.float64) for part in zip(*known, strict=True))
    expected: FloatArray = np.interp(at, nodes, means)
    ordered = np.ptp(expected) > _HARDLY * whole and np.ptp(values) > 0
    return {
        "order": float(spearmanr(values, expected).statistic) if ordered else None,
        "error": float(np.abs(values - expected).mean() / whole),
    }


def _range_of(name: str, conditions: Iterable[Mapping[str, Any]]) -> float:
    """From the least to the largest mean value of real images of any condition."""
    means = [one["scores"][name]["real"] for one in conditions if one["scores"][name]["real"] is not None]
    return max(means) - min(means) if means else 0.0
