"""Every score of an evaluation as one flat list, for tables over many runs and for searches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alloygan.specs.evaluation import EvaluationSpec

HELD_OUT = "held_out."
"""What the names of scores over held-out conditions begin with."""

MEAN_DEVIATION = "mean_deviation"
"""The mean of all descriptors' deviations."""

PARTS = ("interpolation", "extrapolation")
"""What the names of remainders begin with: 0 is as good as real images, 1 as the nearest known condition."""

ALONG = "along."
"""What the names of scores over a swept column begin with."""

_OF_SWEEPS = {"order": True, "error": False}

_OF_DESCRIPTORS = (
    ("mean_deviation", "mean_floor_deviation", False),
    ("mean_distance", "mean_floor", False),
    ("mean_ks", "mean_floor_ks", False),
    ("r2", "floor_r2", True),
)


_OF_EMBEDDING = {"pearson": True, "spearman": True, "triplets": True, "residual": False}
_DISTANCES = {"cosine": "embedding", "l2": "embedding_l2"}
"""What a loss trains may be either: a critic is looked at by both."""


@dataclass(frozen=True)
class ListedScore:
    """One number of an evaluation over all its conditions: its dotted name, value, floor, and which way is better.

    The floor is what real images score in the place of generated ones; None where there is no second set of them.
    """

    name: str
    value: float
    floor: float | None
    higher_is_better: bool


def listed_scores(evaluation: Mapping[str, Any]) -> tuple[ListedScore, ...]:
    """The scores over conditions in the content of an evaluation.json: of descriptors, comparisons, the judge of the
    condition, sweeps and memorising. What has no value is not listed.
    """
    return tuple(_all(evaluation))


def possible_scores(spec: EvaluationSpec, columns: Sequence[str]) -> dict[str, bool]:
    """The names of the scores that such an evaluation may list, and whether higher is better.

    Those of comparisons are not among them, since a comparison has to be built for that. `columns`: names of the
    condition columns.
    """
    found = {MEAN_DEVIATION: False}
    for name in spec.descriptor_names:
        found |= {f"{name}.{score.removeprefix('mean_')}": higher for score, _, higher in _OF_DESCRIPTORS}
    if spec.judge_images:
        found |= {"fidelity.accuracy": True} | {f"fidelity.{column}.error": False for column in columns}
    for distance in _DISTANCES.values():
        found |= {f"{distance}.{name}": higher for name, higher in _OF_EMBEDDING.items()}
    found |= {HELD_OUT + name: higher for name, higher in found.items()}
    found |= {f"{part}.{name}": False for part in PARTS for name in spec.descriptor_names}
    if spec.judge_images:
        found |= {f"{part}.fidelity.{column}": False for part in PARTS for column in columns}
    if spec.sweep_steps:
        found |= {
            f"{ALONG}{column}.{name}.{score}": higher
            for column in columns
            for name in spec.descriptor_names
            for score, higher in _OF_SWEEPS.items()
        }
    if spec.memorising_images:
        found |= {"memorising.closer": False, "memorising.alike": False}
    return found


def _all(evaluation: Mapping[str, Any]) -> Iterator[ListedScore]:
    for part, prefix in (("overall", ""), ("overall_held_out", HELD_OUT)):
        yield from _mean_deviation(evaluation, prefix, held_out=bool(prefix))
        for descriptor, means in evaluation.get(part, {}).items():
            for score, floor, higher in _OF_DESCRIPTORS:
                name = f"{prefix}{descriptor}.{score.removeprefix('mean_')}"
                yield from _one(name, means.get(score), means.get(floor), higher)
        for comparison in evaluation.get("comparisons", ()):
            for score, values in comparison.get(part, {}).items():
                higher = comparison["names"][score]["higher_is_better"]
                name = f"{prefix}{comparison['kind']}.{score}"
                yield from _one(name, values["generated"], values["floor"], higher)
    held_out = evaluation.get("interpolation") or {}
    for part in PARTS:
        for name, found in (held_out.get(part) or {}).items():
            yield from _one(f"{part}.{name}", found["remainder"], 0.0, False)
    yield from _of_sweeps(evaluation.get("condition_sweeps") or ())
    yield from _of_embedding(evaluation.get("embedding") or {})
    fidelity = evaluation.get("fidelity") or {}
    for prefix, key in (("", "accuracy"), (HELD_OUT, "accuracy_held_out")):
        accuracy = fidelity.get(key) or {}
        yield from _one(f"{prefix}fidelity.accuracy", accuracy.get("generated"), accuracy.get("real"), True)
    for column in fidelity.get("columns", ()):
        for prefix, scores in (("", column), (HELD_OUT, column.get("held_out") or {})):
            if scores:
                name = f"{prefix}fidelity.{column['name']}.error"
                yield from _one(name, scores["generated"]["error"], scores["real"]["error"], False)
    memorising = evaluation.get("memorising") or {}
    for name in ("closer", "alike"):
        share = memorising.get(name) or {}
        yield from _one(f"memorising.{name}", share.get("share"), share.get("expected"), False)


def _of_sweeps(sweeps: Sequence[Mapping[str, Any]]) -> Iterator[ListedScore]:
    """Means over the combinations of classes."""
    found: dict[tuple[str, bool], list[float]] = {}
    for one in sweeps:
        for descriptor, scores in one["descriptors"].items():
            for score, higher in _OF_SWEEPS.items():
                if scores[score] is not None:
                    found.setdefault((f"{ALONG}{one['column']}.{descriptor}.{score}", higher), []).append(scores[score])
    for (name, higher), values in found.items():
        yield from _one(name, sum(values) / len(values), None, higher)


def _of_embedding(embedding: Mapping[str, Any]) -> Iterator[ListedScore]:
    """Of distances 1 − cos, and of Euclidean ones, between images judged under one condition, so that the images alone
    can tell.
    """
    for row in embedding.get("rows", ()):
        if row["judged_under"] == "one condition for all":
            prefix = HELD_OUT if row["pairs"] == "held_out" else ""
            for name, higher in _OF_EMBEDDING.items():
                yield from _one(f"{prefix}{_DISTANCES[row['distance']]}.{name}", row[name], None, higher)


def _mean_deviation(evaluation: Mapping[str, Any], prefix: str, *, held_out: bool) -> Iterator[ListedScore]:
    """The mean of the descriptors' mean deviations over conditions, beside that of their floors.

    Where generated images have nothing to measure in a condition (no particle at all), the deviation there is 1: a
    descriptor must not get better by being lost.
    """
    conditions = [one["scores"] for one in evaluation.get("conditions", ()) if bool(one["held_out"]) == held_out]
    means = []
    for descriptor in evaluation.get("descriptors", ()):
        scores = [one[descriptor["name"]] for one in conditions]
        pairs = [(one["deviation"], one["floor_deviation"]) for one in scores if one["floor_deviation"] is not None]
        if pairs:
            lost_counted = [(1.0 if deviation is None else deviation, floor) for deviation, floor in pairs]
            means.append([sum(values) / len(pairs) for values in zip(*lost_counted, strict=True)])
    if means:
        deviation, floor = (sum(values) / len(means) for values in zip(*means, strict=True))
        yield ListedScore(f"{prefix}{MEAN_DEVIATION}", deviation, floor, False)


def _one(name: str, value: Any, floor: Any, higher: bool) -> Iterator[ListedScore]:
    if value is not None:
        yield ListedScore(name, float(value), None if floor is None else float(floor), higher)
