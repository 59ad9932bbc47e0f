"""Which conditions the atlas draws: those of the data, and a regular grid between the bounds of every column."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from alloygan.data.condition_space import Column, ConditionSpace, Row, Value
from alloygan.reports.spread import spread_out
from alloygan.sharing import SharedGenerator, needs_label

MOST_OF_TABLE = 60
"""Of a longer table, conditions that lie far apart are taken."""

_MOST_LEVELS = 17
_FEW_VALUES = 9


@dataclass(frozen=True)
class AtlasPoints:
    """Conditions (rows), and for each column the levels that a slider or a menu goes through.

    `places`: for each row and column the position of the level that is nearest; `on_grid`: whether all are met exactly.
    """

    rows: list[Row]
    levels: list[list[Value]]
    places: list[list[int]]
    on_grid: list[bool]


def atlas_points(model: SharedGenerator, asked: Sequence[Row], most: int, most_known: int) -> AtlasPoints:
    """The conditions `asked`, which must be there; then at most `most_known` of the data's; then a grid, as long as all
    are at most `most`.

    A generator that knows only the conditions of its table is asked for no other. With more columns than a grid has
    room for, only conditions of the data are taken.
    """
    space = model.space
    rows = list(dict.fromkeys(asked))
    free = not needs_label(model.spec)
    # The data's conditions may be no grid themselves; the room is then better spent on one.
    if space.table and (not free or _factorial(space.table)):
        table = spread_out(space.condition(space.table).values, max(1, min(MOST_OF_TABLE, most_known)))
        rows = list(dict.fromkeys([*rows, *(space.table[i] for i in table)]))
        rows.sort(key=space.label)
    levels = [_distinct(space, rows, column) for column in range(len(space.columns))]
    if free:
        if _factorial(rows):
            finer = _grid_levels(space, levels, most)
        else:
            finer = _grid_levels(space, [[] for _ in levels], most - len(rows))
        if finer is not None:
            levels = finer
            known = set(rows)
            rows += [row for row in product(*levels) if row not in known]
    places = [
        [_nearest(column, steps, value) for column, steps, value in zip(space.columns, levels, row, strict=True)]
        for row in rows
    ]
    on_grid = [
        all(steps[place] == value for steps, place, value in zip(levels, spots, row, strict=True))
        for row, spots in zip(rows, places, strict=True)
    ]
    return AtlasPoints(rows, levels, places, on_grid)


def _factorial(rows: Sequence[Row]) -> bool:
    """Whether the rows are every combination of their columns' values."""
    return bool(rows) and math.prod(len(set(values)) for values in zip(*rows, strict=True)) == len(rows)


def _distinct(space: ConditionSpace, rows: Sequence[Row], number: int) -> list[Value]:
    column = space.columns[number]
    found = {row[number] for row in rows}
    return sorted(found, key=lambda value: _position(column, value))


def _grid_levels(space: ConditionSpace, known: Sequence[list[Value]], most: int) -> list[list[Value]] | None:
    """Levels whose every combination together are at most `most`, or None if not even the bounds are.

    It starts from the bounds and the values that are `known` where these are few, and halves the widest gap as long as
    there is room, so that no slider has steps much coarser than another's.
    """
    bounds: list[list[Value]] = [
        list(column.levels) if column.scale == "category" else _between_bounds(column) for column in space.columns
    ]
    few = [
        start if column.scale == "category" else _merged(column, start, values)
        for column, start, values in zip(space.columns, bounds, known, strict=True)
    ]
    start = next((one for one in (few, bounds) if math.prod(map(len, one)) <= most), None)
    if start is None:
        return None
    levels = [list(one) for one in start]
    while True:
        finer = _finer(space.columns, levels)
        if finer is None or math.prod(map(len, finer)) > most:
            return levels
        levels = finer


def _between_bounds(column: Column) -> list[Value]:
    """The bounds, or where they have many digits, what lies just between them with three."""
    low, high = _short(column.low, math.ceil), _short(column.high, math.floor)
    if low < high:
        return [low, high]
    return [column.low, column.high] if column.high > column.low else [column.low]


def _short(value: float, towards: Callable[[float], int]) -> float:
    if value == 0 or float(f"{value:.3g}") == value:
        return value
    digits = 2 - math.floor(math.log10(abs(value)))
    return float(f"{towards(value * 10.0**digits) / 10.0**digits:.3g}")


def _merged(column: Column, bounds: list[Value], values: Sequence[Value]) -> list[Value]:
    if len(values) > _FEW_VALUES:
        return bounds
    inside = {value for value in values if column.low <= float(value) <= column.high}
    return sorted({*bounds, *inside}, key=float)


def _finer(columns: Sequence[Column], levels: Sequence[list[Value]]) -> list[list[Value]] | None:
    """The same levels with the widest gap of all columns halved, and all gaps of that column that are about as wide."""
    widest = [
        max((b - a for a, b in _gaps(column, steps)), default=0.0) if len(steps) < _MOST_LEVELS else 0.0
        for column, steps in zip(columns, levels, strict=True)
    ]
    number = max(range(len(widest)), key=widest.__getitem__, default=0)
    if not widest or widest[number] <= 0:
        return None
    column = columns[number]
    steps: list[Value] = []
    for value, (low, high) in zip(levels[number], _gaps(column, levels[number]), strict=False):
        steps.append(value)
        if high - low > 0.6 * widest[number]:
            steps.append(_between(column, low, high))
    steps.append(levels[number][-1])
    return [steps if i == number else list(one) for i, one in enumerate(levels)]


def _gaps(column: Column, steps: Sequence[Value]) -> list[tuple[float, float]]:
    """Pairs of neighbouring levels of a continuous column, scaled."""
    if column.scale == "category":
        return []
    places = [_position(column, value) for value in steps]
    return list(pairwise(places))


def _between(column: Column, low: float, high: float) -> float:
    """A value about half way between two scaled ones, short where it can be."""
    middle = (low + high) / 2
    start, end = column.low, column.high
    if column.scale == "log":
        start, end = math.log(start), math.log(end)
    value = start + middle * (end - start)
    value = math.exp(value) if column.scale == "log" else value
    for digits in (2, 3, 4):
        short = float(f"{value:.{digits}g}")
        # Steps that look even matter more than a digit.
        if abs(_position(column, short) - middle) <= 0.06 * (high - low):
            return short
    return value


def _position(column: Column, value: Value) -> float:
    """The scaled value, or the number of the level."""
    if column.scale == "category":
        return float(column.levels.index(str(value)))
    return column.scaled(value)[0]


def _nearest(column: Column, steps: Sequence[Value], value: Value) -> int:
    if value in steps:
        return steps.index(value)
    at = _position(column, value)
    return min(range(len(steps)), key=lambda i: abs(_position(column, steps[i]) - at))
