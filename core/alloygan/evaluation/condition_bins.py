"""Bins of conditions, where a data set has no table of them: images of alike conditions are compared with each other.

All images in one pool would hide what is generated at the wrong condition, and the floor would have the scatter of the
conditions in it. Continuous columns are cut at quantiles of the evaluation images, one column within the bins of the
one before, so that the bins have about as many images each. Categories are not cut.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data, Patches
from alloygan.data.unscaling import unscaled
from alloygan.interfaces.condition import OFF_TABLE

FEWEST_IMAGES = 16
"""Each bin has so many evaluation images, and so many training images."""

MOST_BINS = 12
MOST_CUTS = 4
"""A column is cut into at most so many parts."""

Values = NDArray[np.float32]
_Edges = tuple[tuple[int, float, float], ...]


@dataclass(frozen=True)
class ConditionBin:
    """Conditions whose scaled value at `position` is at least `low` and below `high`, for each of `edges`.

    Labels are −1, −2, …: all of them off the table. A bin without edges holds everything.
    """

    label: int = OFF_TABLE
    edges: _Edges = ()

    def holds(self, patches: Patches) -> NDArray[np.bool_]:
        """Which of N patches have a condition of this bin."""
        return _within(scaled_values(patches), self.edges)

    def ranges(self, space: ConditionSpace, values: Values) -> dict[str, list[float]]:
        """For each column that was cut, the least and the greatest of the conditions `values` (n, F)."""
        names = _continuous(space)
        found = {}
        for position in (position for position, _, _ in self.edges):
            index = [column.name for column in space.columns].index(names[position])
            ends = [unscaled(space, values[i].tolist())[index] for i in _ends(values[:, position])]
            found[names[position]] = [float(end) for end in ends]
        return found


def condition_bins(data: Data) -> list[ConditionBin]:
    """The bins of a data set without a table: as many as its images allow, at most 12; one of all if they are few."""
    evaluation, training = scaled_values(data.evaluation), scaled_values(data.train)
    cuts = dict.fromkeys(_continuous(data.space), 1)
    bins: list[_Edges] = [()]
    # Every column in turn, the one cut least first, as long as the images suffice.
    open_columns = list(cuts)
    while open_columns:
        position = min(open_columns, key=cuts.__getitem__)
        finer = cuts | {position: cuts[position] + 1}
        found = list(_split(evaluation, [(p, count) for p, count in finer.items() if count > 1]))
        enough = all(
            _within(values, edges).sum() >= FEWEST_IMAGES for values in (evaluation, training) for edges in found
        )
        if enough and len(bins) < len(found) <= MOST_BINS and finer[position] <= MOST_CUTS:
            bins, cuts = found, finer
        else:
            open_columns.remove(position)
    return [ConditionBin(OFF_TABLE - number, edges) for number, edges in enumerate(bins)]


def scaled_values(patches: Patches) -> Values:
    """The scaled conditions (N, F)."""
    values: Values = patches.condition.values.cpu().numpy()
    return values


def _continuous(space: ConditionSpace) -> dict[int, str]:
    """Position in the scaled values → name of each continuous column."""
    found, start = {}, 0
    for column in space.columns:
        if column.scale != "category":
            found[start] = column.name
        start += column.width
    return found


def _split(values: Values, columns: Sequence[tuple[int, int]]) -> Iterator[_Edges]:
    if not columns:
        yield ()
        return
    (position, count), *others = columns
    for low, high in pairwise([-np.inf, *_quantiles(values[:, position], count), np.inf]):
        edge = (position, float(low), float(high))
        for edges in _split(values[_within(values, (edge,))], others):
            yield (edge, *edges)


def _quantiles(values: NDArray[np.float32], count: int) -> list[float]:
    """At most count − 1 cuts, between values that differ, nearest to the quantiles: images of one condition, such as
    those of one simulation, stay together.
    """
    distinct, counts = np.unique(values.astype(np.float64), return_counts=True)
    if len(distinct) < 2:
        return []
    below = np.cumsum(counts)[:-1]
    chosen = {int(np.abs(below - len(values) * part / count).argmin()) for part in range(1, count)}
    return [float(distinct[i] + distinct[i + 1]) / 2 for i in sorted(chosen)]


def _within(values: Values, edges: _Edges) -> NDArray[np.bool_]:
    inside = np.ones(len(values), dtype=np.bool_)
    for position, low, high in edges:
        inside &= (values[:, position] >= low) & (values[:, position] < high)
    return inside


def _ends(values: NDArray[np.float32]) -> tuple[int, int]:
    return int(values.argmin()), int(values.argmax())
