"""Every score of an evaluation as one flat list, for tables over many runs and for searches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

HELD_OUT = "held_out."
"""What the names of scores over held-out conditions begin with."""

_OF_DESCRIPTORS = (
    ("mean_deviation", "mean_floor_deviation", False),
    ("mean_distance", "mean_floor", False),
    ("mean_ks", "mean_floor_ks", False),
    ("r2", "floor_r2", True),
)


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
    condition, and memorising. What has no value is not listed.
    """
    return tuple(_all(evaluation))


def _all(evaluation: Mapping[str, Any]) -> Iterator[ListedScore]:
    for part, prefix in (("overall", ""), ("overall_held_out", HELD_OUT)):
        yield from _mean_deviation(evaluation.get(part, {}), prefix)
        for descriptor, means in evaluation.get(part, {}).items():
            for score, floor, higher in _OF_DESCRIPTORS:
                name = f"{prefix}{descriptor}.{score.removeprefix('mean_')}"
                yield from _one(name, means.get(score), means.get(floor), higher)
        for comparison in evaluation.get("comparisons", ()):
            for score, values in comparison.get(part, {}).items():
                higher = comparison["names"][score]["higher_is_better"]
                name = f"{prefix}{comparison['kind']}.{score}"
                yield from _one(name, values["generated"], values["floor"], higher)
    fidelity = evaluation.get("fidelity") or {}
    accuracy = fidelity.get("accuracy") or {}
    yield from _one("fidelity.accuracy", accuracy.get("generated"), accuracy.get("real"), True)
    for column in fidelity.get("columns", ()):
        for prefix, scores in (("", column), (HELD_OUT, column.get("held_out") or {})):
            if scores:
                name = f"{prefix}fidelity.{column['name']}.error"
                yield from _one(name, scores["generated"]["error"], scores["real"]["error"], False)
    memorising = evaluation.get("memorising") or {}
    for name in ("closer", "alike"):
        share = memorising.get(name) or {}
        yield from _one(f"memorising.{name}", share.get("share"), share.get("expected"), False)


def _mean_deviation(means: Mapping[str, Any], prefix: str) -> Iterator[ListedScore]:
    """The mean of the descriptors' deviations, beside that of their floors.

    Where generated images have nothing to measure (no particle at all), the deviation is 1: a descriptor must not get
    better by being lost.
    """
    pairs = [(one.get("mean_deviation"), one.get("mean_floor_deviation")) for one in means.values()]
    both = [(1.0 if deviation is None else deviation, floor) for deviation, floor in pairs if floor is not None]
    if both:
        deviation, floor = (sum(values) / len(both) for values in zip(*both, strict=True))
        yield ListedScore(f"{prefix}mean_deviation", deviation, floor, False)


def _one(name: str, value: Any, floor: Any, higher: bool) -> Iterator[ListedScore]:
    if value is not None:
        yield ListedScore(name, float(value), None if floor is None else float(floor), higher)
