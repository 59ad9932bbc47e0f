"""The scores of comparisons: of each condition, over conditions, and of all conditions' images together.

Intervals are by the delete-half jackknife (J. Shao and C. F. J. Wu, Ann. Statist. 17 (1989) 1176): the spread of the
score over halves, drawn without replacement, is the standard error of the score. An image drawn twice, as in a
bootstrap, would be its own nearest neighbour and bias a kernel distance. Images of one micrograph or simulation are
alike, so halves of the sources are drawn of real images where there are enough of them; generated images are
independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.errors import DataError
from alloygan.evaluation.bootstrap import drawn_from
from alloygan.evaluation.overall_scores import mean
from alloygan.evaluation.subjects import Images, Subject
from alloygan.interfaces.comparison import Comparison, Features
from alloygan.specs.components import ComparisonSpec

HALVES = 20
MOST_POOLED = 1000
"""So many images of each set are compared where those of all conditions are taken together."""

FEWEST_SOURCES = 8
"""Halves are drawn of the sources from so many on; below, of the images."""

_FEWEST_FOR_INTERVAL = 16
_STANDARD_ERRORS = 1.96


IntArray = NDArray[np.int64]
Halves = Sequence[tuple[Mapping[str, float | None], Mapping[str, float | None]]]
"""For each draw, the scores of generated and of other real images against real ones."""


@dataclass(frozen=True)
class FeatureSets:
    """Features of one condition's images: evaluation, generated, and the second set of real ones; and the micrograph or
    simulation of each real one.
    """

    real: Features
    generated: Features
    other: Features
    real_source: IntArray
    other_source: IntArray


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
        self.halves: list[Halves] = []
        self.conditions: list[dict[str, Any]] = []

    def add(self, subject: Subject, generated: Images) -> None:
        """Take the images of a condition."""
        if self.comparison is None:
            return
        features = self.comparison.features
        sets = FeatureSets(
            features(subject.real),
            features(generated),
            features(subject.other),
            subject.real_source,
            subject.other_source,
        )
        self.sets.append(sets)
        halves = _all_halves(self.comparison, sets, [abs(subject.label + 1)])
        self.halves.append(halves)
        self.conditions.append(
            {
                "label": subject.label,
                "held_out": subject.held_out,
                "intervals_from": _intervals_from(sets),
                "scores": _scores(self.comparison, sets, halves),
            }
        )

    def result(self) -> dict[str, Any]:
        """Ready for JSON: `{kind, spec, notes, names: {name: {higher_is_better}}, conditions, overall, pooled,
        pooled_intervals_from}`; or `{kind, spec, missing}` where it could not be made.
        """
        about: dict[str, Any] = {"kind": self.spec.kind, "spec": self.spec.model_dump(mode="json")}
        if self.comparison is None:
            return about | {"missing": self.missing}
        names = {name: {"higher_is_better": higher} for name, higher in self.comparison.higher_is_better.items()}
        every = self._pooled()
        any_held_out = any(one["held_out"] for one in self.conditions)
        result = about | {
            "notes": list(self.comparison.notes),
            "names": names,
            "conditions": self.conditions,
            "overall": self._means(self.comparison, held_out=False),
            "pooled": _scores(self.comparison, every, _all_halves(self.comparison, every, [0])),
            "pooled_intervals_from": _intervals_from(every),
        }
        return result | ({"overall_held_out": self._means(self.comparison, held_out=True)} if any_held_out else {})

    def _means(self, comparison: Comparison, *, held_out: bool) -> dict[str, dict[str, Any]]:
        chosen = [
            (one["scores"], halves)
            for one, halves in zip(self.conditions, self.halves, strict=True)
            if one["held_out"] == held_out
        ]
        return {name: _mean_over(chosen, name, name in comparison.shares) for name in comparison.higher_is_better}

    def _pooled(self) -> FeatureSets:
        def all_of(key: str, count: int) -> NDArray[Any]:
            found = np.concatenate([getattr(one, key) for one in self.sets])
            return found[np.linspace(0, count - 1, min(count, MOST_POOLED)).round().astype(np.int64)]

        real, generated, other = (
            sum(len(getattr(one, key)) for one in self.sets) for key in ("real", "generated", "other")
        )
        return FeatureSets(
            all_of("real", real),
            all_of("generated", generated),
            all_of("other", other),
            all_of("real_source", real),
            all_of("other_source", other),
        )


def _scores(comparison: Comparison, sets: FeatureSets, halves: Halves) -> dict[str, dict[str, Any]]:
    generated = comparison.scores(sets.generated, sets.real)
    floor = comparison.scores(sets.other, sets.real)
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


def _all_halves(comparison: Comparison, sets: FeatureSets, seed: Sequence[int]) -> Halves:
    if not _enough(sets):
        return []
    random = np.random.default_rng(seed)
    found = []
    for _ in range(HALVES):
        real = sets.real[_half(sets.real_source, random)]
        generated = sets.generated[_half(None, random, len(sets.generated))]
        other = sets.other[_half(sets.other_source, random)]
        found.append((comparison.scores(generated, real), comparison.scores(other, real)))
    return found


def _half(source: IntArray | None, random: np.random.Generator, images: int = 0) -> IntArray:
    """Positions of half of the sources' images, where there are eight sources; else of half of the images."""
    if source is None:
        return random.permutation(images)[: images // 2]
    sources = np.unique(source)
    if len(sources) < FEWEST_SOURCES:
        return random.permutation(len(source))[: len(source) // 2]
    return np.flatnonzero(np.isin(source, random.permutation(sources)[: len(sources) // 2]))


def _intervals_from(sets: FeatureSets) -> str | None:
    """What halves are drawn of, such as `24 images of 2 sources`; None where there are too few images for intervals."""
    return drawn_from(sets.real_source, len(sets.real), FEWEST_SOURCES) if _enough(sets) else None


def _interval(score: float | None, halves: Sequence[float | None], share: bool) -> list[float] | None:
    known = [value for value in halves if value is not None]
    if score is None or len(known) < 2:
        return None
    reach = _STANDARD_ERRORS * float(np.std(known, ddof=1))
    low, high = score - reach, score + reach
    return [max(0.0, low), min(1.0, high)] if share else [low, high]


def _mean_over(
    conditions: Sequence[tuple[Mapping[str, Any], Halves]], name: str, share: bool
) -> dict[str, float | list[float] | None]:
    """Means over conditions; a score and its floor are averaged over the same ones, those that have both."""
    known = [(scores[name], halves) for scores, halves in conditions if scores[name]["generated"] is not None]
    both = [(score, halves) for score, halves in known if score["floor"] is not None]
    result: dict[str, float | list[float] | None] = {}
    for key, number, some in (("generated", 0, both or known), ("floor", 1, both)):
        found = mean([score[key] for score, _ in some])
        # Draw by draw over all conditions; those of different conditions are independent.
        draws = zip(*([draw[number][name] for draw in halves] for _, halves in some), strict=False)
        means = [mean([value for value in draw if value is not None]) for draw in draws if None not in draw]
        interval = "interval" if key == "generated" else "floor_interval"
        result |= {key: found, interval: _interval(found, means, share)}
    return result
