"""From scaled values back to conditions."""

import math
from collections.abc import Sequence

from alloygan.data.condition_space import Column, ConditionSpace, Row, Value


def unscaled(space: ConditionSpace, values: Sequence[float]) -> Row:
    """A condition from its scaled values (F,), to four digits: scaled values are float32, more would be rounding."""
    row: list[Value] = []
    start = 0
    for column in space.columns:
        row.append(_value(column, values[start : start + column.width]))
        start += column.width
    return tuple(row)


def _value(column: Column, values: Sequence[float]) -> Value:
    if column.scale == "category":
        return column.levels[max(range(len(values)), key=values.__getitem__)]
    low, high = column.low, column.high
    if column.scale == "log":
        low, high = math.log(low), math.log(high)
    value = low + values[0] * ((high - low) if high > low else 1.0)
    return float(f"{math.exp(value) if column.scale == 'log' else value:.4g}")
