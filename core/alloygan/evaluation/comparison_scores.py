"""The scores of comparisons: of each condition, over conditions, and of all conditions' images together.

Intervals are by the delete-half jackknife (J. Shao and C. F. J. Wu, Ann. Statist. 17 (1989) 1176): the spread of the
score over halves of the images, drawn without replacement, is the standard error of the score. An image drawn twice, as
in a bootstrap, would be its own nearest neighbour and bias a kernel distance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alloygan.errors import DataError
from alloygan.evaluation.descriptor_scores import mean
from alloygan.evaluation.subjects import Images, Subject
from alloygan.interfaces.comparison import Comparison, Features
from alloygan.specs.components import ComparisonSpec

HALVES = 20
MOST_POOLED = 1000
"""So many images of each set are compared where those of all conditions are taken together."""

_FEWEST_FOR_INTERVAL = 16
_STANDARD_ERRORS = 1.96


@dataclass(frozen=True)
class FeatureSets:
    """Features of one condition's images: evaluation, generated, and the second set of real ones."""

    real: Features
    generated: Features
    other: Features


class ComparisonRun:
    """One comparison, at work on one condition after another; or the reason why it cannot be made."""

    def __init__(self, spec: ComparisonSpec) -> None:
        self.spec = spec
        self.missing: str | None = None
        self.comparison: Comparison | None = None
        try:
            self.comparison = spec.build()
        except DataError as error:
            self.missing = str(error)
        self.sets: list[FeatureSets] = []
        self.conditions: list[dict[str, Any]] = []

    def add(self, subject: Subject, generated: Images) -> None:
        """Take the images of a condition."""
        if self.comparison is None:
            return
        features = self.comparison.features
        sets = FeatureSets(features(subject.real), features(generated), features(subject.other))
        self.sets.append(sets)
        scores = _scores(self.comparison, sets, [subject.label + 1])
        self.conditions.append({"label": subject.label, "held_out": subject.held_out, "scores": scores})

    def result(self) -> dict[str, Any]:
        """Ready for JSON: `{kind, spec, notes, names: {name: {higher_is_better}}, conditions, overall, pooled}`; or
        `{kind, spec, missing}` where it could not be made.
        """
        about: dict[str, Any] = {"kind": self.spec.kind, "spec": self.spec.model_dump(mode="json")}
        if self.comparison is None:
            return about | {"missing": self.missing}
        names = {name: {"higher_is_better": higher} for name, higher in self.comparison.higher_is_better.items()}
        seen = [one["scores"] for one in self.conditions if not one["held_out"]]
        held_out = [one["scores"] for one in self.conditions if one["held_out"]]
        every = FeatureSets(*(self._pooled(key) for key in ("real", "generated", "other")))
        result = about | {
            "notes": list(self.comparison.notes),
            "names": names,
            "conditions": self.conditions,
            "overall": {name: _mean_over(seen, name) for name in names},
            "pooled": _scores(self.comparison, every, [0]),
        }
        return result | ({"overall_held_out": {name: _mean_over(held_out, name) for name in names}} if held_out else {})

    def _pooled(self, key: str) -> Features:
        features: Features = np.concatenate([getattr(one, key) for one in self.sets])
        if len(features) <= MOST_POOLED:
            return features
        return features[np.linspace(0, len(features) - 1, MOST_POOLED).round().astype(np.int64)]


def _scores(comparison: Comparison, sets: FeatureSets, seed: Sequence[int]) -> dict[str, dict[str, Any]]:
    generated = comparison.scores(sets.generated, sets.real)
    floor = comparison.scores(sets.other, sets.real)
    random = np.random.default_rng(seed)
    halves = [_halves(comparison, sets, random) for _ in range(HALVES)] if _enough(sets) else []
    return {
        name: {
            "generated": generated[name],
            "floor": floor[name],
            "interval": _interval(generated[name], [one[name] for one, _ in halves], name in comparison.shares),
            "floor_interval": _interval(floor[name], [other[name] for _, other in halves], name in comparison.shares),
        }
        for name in comparison.higher_is_better
    }


def _enough(sets: FeatureSets) -> bool:
    return min(len(sets.real), len(sets.generated)) >= _FEWEST_FOR_INTERVAL


def _halves(
    comparison: Comparison, sets: FeatureSets, random: np.random.Generator
) -> tuple[Mapping[str, float | None], Mapping[str, float | None]]:
    real, generated, other = (
        features[random.permutation(len(features))[: len(features) // 2]]
        for features in (sets.real, sets.generated, sets.other)
    )
    return comparison.scores(generated, real), comparison.scores(other, real)


def _interval(score: float | None, halves: Sequence[float | None], share: bool) -> list[float] | None:
    known = [value for value in halves if value is not None]
    if score is None or len(known) < 2:
        return None
    reach = _STANDARD_ERRORS * float(np.std(known, ddof=1))
    low, high = score - reach, score + reach
    return [max(0.0, low), min(1.0, high)] if share else [low, high]


def _mean_over(conditions: Sequence[Mapping[str, Any]], name: str) -> dict[str, float | None]:
    both = [c[name] for c in conditions if c[name]["generated"] is not None and c[name]["floor"] is not None]
    known = both or [c[name] for c in conditions if c[name]["generated"] is not None]
    return {"generated": mean([c["generated"] for c in known]), "floor": mean([c["floor"] for c in both])}
