"""The data of a spec, with the conditions that it holds out kept away from training."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from alloygan.data.condition_space import Column, ConditionSpace, Row, Value
from alloygan.data.patches import Data
from alloygan.data.training_hull import place
from alloygan.errors import DataError, nearest
from alloygan.specs.gan import GanSpec
from alloygan.specs.held_out import BandSpec, HeldOutSpec, RandomSpec


def load_data(spec: GanSpec) -> Data:
    """Read or simulate the images of a spec; those of held-out conditions are no training patches.

    What they would have trained with is in `Data.held_back`. Raises DataError.
    """
    return hold_out(spec.data.build(spec.conditions), spec.data.held_out)


def condition_space_of(spec: GanSpec) -> ConditionSpace:
    """The condition space of `load_data`, found without reading or simulating images. Raises DataError."""
    space = spec.data.condition_space(spec.conditions)
    return replace(space, held_out=space.held_out | held_out_labels(spec.data.held_out, space))


def hold_out(data: Data, spec: HeldOutSpec | None) -> Data:
    """Take the training patches of held-out conditions away from training."""
    labels = held_out_labels(spec, data.space)
    if not labels:
        return data
    space = replace(data.space, held_out=data.space.held_out | labels)
    of_held_out = torch.isin(data.train.condition.label, torch.tensor(sorted(labels)))
    train = data.train.where(~of_held_out)
    if not len(train):
        raise DataError("data.held_out: every training patch is of a held-out condition; leave some to train on")
    return replace(data, space=space, train=train, held_back=data.train.where(of_held_out))


def held_out_labels(spec: HeldOutSpec | None, space: ConditionSpace) -> frozenset[int]:
    """The ids of the conditions that a spec holds out. Raises DataError where it names what is not there."""
    if spec is None:
        return frozenset()
    if not space.table:
        raise DataError(
            "data.held_out: the conditions of this data set form no table (they are drawn at random); give it a grid"
        )
    labels = frozenset(_labels(spec, space))
    if spec.random is not None:
        labels |= _drawn(spec.random, space, labels)
    if len(labels) == len(space.table):
        raise DataError(f"data.held_out: all {len(labels)} conditions are held out; leave some to train on")
    return labels


def _labels(spec: HeldOutSpec, space: ConditionSpace) -> Iterator[int]:
    for i, wanted in enumerate(spec.conditions):
        where = f"data.held_out.conditions.{i}"
        parsed = {
            p: space.as_in_table(p, _parsed(space.columns[p], v, where)) for p, v in _by_position(space, wanted, where)
        }
        found = [label for label, row in enumerate(space.table) if all(_same(row[p], v) for p, v in parsed.items())]
        if not found:
            raise DataError(f"{where}: {_absent(space, parsed)}")
        yield from found
    for i, band in enumerate(spec.bands):
        yield from _in_band(band, space, f"data.held_out.bands.{i}")
    for i, corner in enumerate(spec.corners):
        yield from _in_corner(corner, space, f"data.held_out.corners.{i}")


def _in_band(band: BandSpec, space: ConditionSpace, where: str) -> list[int]:
    position = _continuous(space, band.column, where)
    nodes = _nodes(space, position)
    start = (len(nodes) - band.width) // 2 if band.start is None else band.start
    if not 0 <= start <= len(nodes) - band.width:
        raise DataError(
            f"{where}: nodes {max(start, 0)} to {max(start, 0) + band.width - 1} of {band.column}, which has "
            f"{len(nodes)} (0 to {len(nodes) - 1})"
        )
    held = set(nodes[start : start + band.width])
    return [label for label, row in enumerate(space.table) if row[position] in held]


def _in_corner(corner: Mapping[str, str], space: ConditionSpace, where: str) -> list[int]:
    ends: dict[int, Value] = {}
    for name, end in corner.items():
        position = _continuous(space, name, where)
        ends[position] = _nodes(space, position)[0 if end == "low" else -1]
    found = [label for label, row in enumerate(space.table) if all(row[p] == value for p, value in ends.items())]
    if not found:
        raise DataError(f"{where}: {_absent(space, ends)}")
    return found


def _drawn(spec: RandomSpec, space: ConditionSpace, taken: frozenset[int]) -> frozenset[int]:
    """So many of the conditions that are left, in a random order."""
    random = np.random.default_rng([spec.seed, len(space.table)])
    order = [int(label) for label in random.permutation(len(space.table)) if label not in taken]
    drawn: list[int] = []
    for label in order:
        if len(drawn) == spec.count:
            break
        if not spec.interior or _interior([*drawn, label], space, taken):
            drawn.append(label)
    if len(drawn) < spec.count:
        left = f"{len(order)} conditions that are not held out already"
        if spec.interior:
            raise DataError(
                f"data.held_out.random: {spec.count} are to be drawn, but of {left} only {len(drawn)} can be held out "
                "with trained ones around each; draw fewer, or set interior: false"
            )
        raise DataError(f"data.held_out.random: {spec.count} are to be drawn of {left}; draw fewer")
    return frozenset(drawn)


def _interior(labels: Sequence[int], space: ConditionSpace, taken: frozenset[int]) -> bool:
    """Whether none of these is at an end of a continuous column, among the conditions of its classes, and all would lie
    between conditions that are trained on if they were held out together.
    """
    after = replace(space, held_out=space.held_out | taken | frozenset(labels))
    rows = [space.table[label] for label in labels]
    return not any(_at_an_end(space, row) for row in rows) and all(place(after, row) == "between" for row in rows)


def _at_an_end(space: ConditionSpace, row: Row) -> bool:
    categories = [p for p, column in enumerate(space.columns) if column.scale == "category"]
    alike = [one for one in space.table if all(one[p] == row[p] for p in categories)]
    for position in range(len(row)):
        if position not in categories:
            values = {float(one[position]) for one in alike}
            if len(values) > 1 and float(row[position]) in (min(values), max(values)):
                return True
    return False


def _nodes(space: ConditionSpace, position: int) -> list[float]:
    """The distinct values of a continuous column, rising."""
    return sorted({float(row[position]) for row in space.table})


def _by_position(space: ConditionSpace, wanted: Mapping[str, Value], where: str) -> Iterator[tuple[int, Value]]:
    for name, value in wanted.items():
        yield _position(space, name, where), value


def _position(space: ConditionSpace, name: str, where: str) -> int:
    names = [column.name for column in space.columns]
    if name not in names:
        raise DataError(f"{where}: unknown condition {name!r}.{nearest(name, names)}")
    return names.index(name)


def _continuous(space: ConditionSpace, name: str, where: str) -> int:
    position = _position(space, name, where)
    if space.columns[position].scale == "category":
        raise DataError(f"{where}: {name} has classes, which are in no order; name them under conditions")
    return position


def _parsed(column: Column, value: Value, where: str) -> Value:
    try:
        return column.parse(value)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return math.isclose(one, other, rel_tol=1e-9)


def _absent(space: ConditionSpace, wanted: Mapping[int, Value]) -> str:
    """That no condition has these values, and which values there are."""
    said = ", ".join(f"{space.columns[p].name} = {space.columns[p].text(value)}" for p, value in wanted.items())
    known = []
    for position in wanted:
        column = space.columns[position]
        values: Sequence[Value] = column.levels if column.scale == "category" else _nodes(space, position)
        known.append(f"{column.name}: {', '.join(column.text(value) for value in values)}")
    return f"no condition of the data has {said}. There are {'; '.join(known)}"
