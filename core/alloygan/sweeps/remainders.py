"""How much of the way from real images to the nearest known ones is left, over held-out conditions and seeds.

The remainder is Σ (score − floor) / Σ (nearest − floor): a ratio of sums, so that conditions in which nearest and floor
are close do not decide it. Its interval is a bootstrap in which conditions and seeds are drawn again, both; a
difference from the baseline is taken of the same draws.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from alloygan.sweeps.held_out_scores import HeldOutScore

RESAMPLES = 4_000
FEWEST_SEEDS = 3
CONFIDENCE = 0.95

FloatArray = NDArray[np.float64]
Interval = tuple[float, float]
Name = TypeVar("Name", str, int)


@dataclass(frozen=True)
class Remainder:
    """The remainder of one score of one cell: 0 is as good as real images, 1 as good as the nearest known ones.

    `difference`: from the baseline, over the conditions and the `shared_seeds` that both have. Intervals are None where
    there is one condition and one seed. `not_told_apart`: conditions that are left out, since nearest and floor are too
    close there; `lost`: those in which some run had nothing to measure, which counts as a remainder of 2.
    """

    value: float | None
    interval: Interval | None
    difference: float | None
    difference_interval: Interval | None
    conditions: int
    seeds: int
    shared_seeds: int
    not_told_apart: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def better(self) -> bool | None:
        """Whether it is lower than the baseline's; None where the interval of the difference has 0 in it, and with less
        than three seeds: with two, every second to fourth score would be marked by chance.
        """
        if self.difference_interval is None or self.shared_seeds < FEWEST_SEEDS:
            return None
        if self.difference_interval[0] <= 0 <= self.difference_interval[1]:
            return None
        return self.difference_interval[1] < 0


def remainders(scores: Sequence[HeldOutScore], score: str, place: str) -> dict[str, Remainder]:
    """The remainder of a score by cell, over the conditions of a place (`between`, `beyond`)."""
    of_score = [one for one in scores if one.score == score and one.place == place]
    cells = {one.cell: one.baseline for one in of_score}
    sums = {cell: _Sums.of([one for one in of_score if one.cell == cell]) for cell in cells}
    found = {}
    for cell, baseline in cells.items():
        mine, other = sums[cell], sums.get(baseline)
        difference, bounds, seeds = None, None, 0
        if other is not None:
            shared, theirs = mine.shared(other), other.shared(mine)
            difference, bounds = _estimate(_less(shared, theirs), shared)
            seeds = len(shared.seeds)
        value, interval = _estimate(mine.drawn, mine)
        found[cell] = Remainder(
            value,
            interval,
            difference,
            bounds,
            len(mine.conditions),
            len(mine.seeds),
            seeds,
            _conditions(one for one in of_score if one.cell == cell and not one.told_apart),
            _conditions(one for one in of_score if one.cell == cell and one.counts and one.value is None),
        )
    return found


def _conditions(scores: Iterable[HeldOutScore]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.condition for one in scores))


def blend_remainder(scores: Sequence[HeldOutScore], score: str, place: str) -> float | None:
    """The remainder of the neighbours' mean values mixed in proportion; `scores` of cells with the same data."""
    chosen = {
        one.condition: one
        for one in scores
        if one.score == score and one.place == place and one.counts and one.blend is not None
    }
    above = sum(one.blend - one.floor for one in chosen.values() if one.blend is not None and one.floor is not None)
    whole = sum(one.way for one in chosen.values())
    return above / whole if whole > 0 else None


def remainder_by_gap(scores: Sequence[HeldOutScore], cell: str, score: str) -> dict[float, float]:
    """The remainder over the conditions between those trained on, by the width of the gap that they lie in."""
    chosen = [
        one for one in scores if one.cell == cell and one.score == score and one.place == "between" and one.counts
    ]
    found = {}
    for gap in sorted({round(one.gap, 3) for one in chosen}):
        here = [one for one in chosen if round(one.gap, 3) == gap]
        whole = sum(one.way for one in here)
        if whole > 0:
            found[gap] = sum(one.way_left for one in here) / whole
    return found


@dataclass(frozen=True)
class _Draws:
    """How often each condition and each seed is drawn, by name: (B,) each."""

    conditions: Mapping[str, FloatArray]
    seeds: Mapping[int, FloatArray]


@dataclass(frozen=True)
class _Sums:
    """score − floor and nearest − floor (S, K) of S seeds and K conditions; both 0 where a run has no such score."""

    seeds: tuple[int, ...]
    conditions: tuple[str, ...]
    above: FloatArray
    whole: FloatArray

    @classmethod
    def of(cls, scores: Sequence[HeldOutScore]) -> "_Sums":
        counting = [one for one in scores if one.counts]
        seeds = tuple(sorted({one.seed for one in counting}))
        conditions = tuple(dict.fromkeys(one.condition for one in counting))
        above, whole = np.zeros((2, len(seeds), len(conditions)))
        for one in counting:
            place = seeds.index(one.seed), conditions.index(one.condition)
            above[place], whole[place] = one.way_left, one.way
        return cls(seeds, conditions, above, whole)

    def shared(self, other: "_Sums") -> "_Sums":
        """What both have, entry by entry: the sums of both are then over the same conditions of the same seeds."""
        seeds = tuple(seed for seed in self.seeds if seed in other.seeds)
        conditions = tuple(one for one in self.conditions if one in other.conditions)
        picked = np.ix_([self.seeds.index(seed) for seed in seeds], [self.conditions.index(one) for one in conditions])
        theirs = np.ix_([other.seeds.index(one) for one in seeds], [other.conditions.index(one) for one in conditions])
        both = (self.whole[picked] > 0) & (other.whole[theirs] > 0)
        return _Sums(seeds, conditions, self.above[picked] * both, self.whole[picked] * both)

    def drawn(self, draws: _Draws) -> FloatArray:
        """The remainder (B,) of each draw; NaN where nothing is left to divide by."""
        by_seed = np.stack([draws.seeds[seed] for seed in self.seeds], axis=1)
        by_condition = np.stack([draws.conditions[one] for one in self.conditions], axis=1)
        above = np.einsum("bs,bk,sk->b", by_seed, by_condition, self.above)
        whole = np.einsum("bs,bk,sk->b", by_seed, by_condition, self.whole)
        found: FloatArray = np.divide(above, whole, out=np.full_like(above, np.nan), where=whole > 0)
        return found


def _estimate(remainder: Callable[[_Draws], FloatArray], of: _Sums) -> tuple[float | None, Interval | None]:
    """What it is, and its interval over draws of the conditions and seeds."""
    if not of.seeds or not of.conditions:
        return None, None
    once = _Draws(
        dict.fromkeys(of.conditions, np.ones(1)),
        dict.fromkeys(of.seeds, np.ones(1)),
    )
    value = float(remainder(once)[0])
    if not np.isfinite(value):
        return None, None
    if len(of.seeds) == len(of.conditions) == 1:
        return value, None
    random = np.random.default_rng(0)
    drawn = remainder(_Draws(_again(of.conditions, random), _again(of.seeds, random)))
    drawn = drawn[np.isfinite(drawn)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return value, (float(low), float(high))


def _less(one: _Sums, other: _Sums) -> Callable[[_Draws], FloatArray]:
    return lambda draws: one.drawn(draws) - other.drawn(draws)


def _again(names: Sequence[Name], random: np.random.Generator) -> dict[Name, FloatArray]:
    """How often each is drawn, of as many draws with replacement as there are names."""
    counts = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
    return {name: counts[:, i].astype(np.float64) for i, name in enumerate(names)}
