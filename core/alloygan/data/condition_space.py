"""The space that conditions live in: columns with units and scales, and the table of conditions with an id each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from alloygan.data.values import parse_level, parse_number
from alloygan.errors import DataError, nearest
from alloygan.interfaces.condition import OFF_TABLE, Condition
from alloygan.specs.condition_columns import ColumnSpec

Value = float | str
Row = tuple[Value, ...]


@dataclass(frozen=True)
class Column:
    """A column with everything decided: levels of a category, or the bounds of a continuous column."""

    name: str
    unit: str
    scale: str
    levels: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0

    @property
    def width(self) -> int:
        """How many numbers the column takes in `Condition.values`."""
        return len(self.levels) if self.scale == "category" else 1

    def parse(self, text: Any) -> Value:
        """A value of this column from text or number. Raises DataError if it is missing, NaN, or not known."""
        if self.scale == "category":
            return parse_level(self.name, text, self.levels)
        return parse_number(self.name, text, self.scale)

    def scaled(self, value: Value) -> list[float]:
        """The value as numbers: one-hot, or scaled so that the bounds are 0 and 1."""
        if self.scale == "category":
            return [float(level == value) for level in self.levels]
        low, high, number = self.low, self.high, float(value)
        if self.scale == "log":
            low, high, number = math.log(low), math.log(high), math.log(number)
        return [(number - low) / (high - low)] if high > low else [number - low]

    def text(self, value: Value) -> str:
        """The value with its unit, for tables."""
        if isinstance(value, str):
            return value
        return f"{value:g} {self.unit}".strip()


@dataclass(frozen=True)
class ConditionSpace:
    """Columns, and the table of conditions: row i is the condition with id i. An empty table: continuous only.

    `held_out` has the ids that no training image may have.
    """

    columns: tuple[Column, ...]
    table: tuple[Row, ...] = ()
    held_out: frozenset[int] = frozenset()

    @classmethod
    def from_rows(
        cls, specs: Sequence[ColumnSpec], rows: Iterable[Mapping[str, Any]], *, tabulate: bool = True
    ) -> "ConditionSpace":
        """Take bounds and levels from the spec or else from all rows, and tabulate the distinct conditions, sorted."""
        rows = list(rows)
        columns = tuple(_column(spec, [row.get(spec.name) for row in rows]) for spec in specs)
        distinct = {tuple(column.parse(row.get(column.name)) for column in columns) for row in rows}

        def order(row: Row) -> list[float]:
            return [
                float(column.levels.index(str(value))) if column.scale == "category" else float(value)
                for column, value in zip(columns, row, strict=True)
            ]

        return cls(columns, tuple(sorted(distinct, key=order)) if tabulate else ())

    @property
    def width(self) -> int:
        """F, the width of `Condition.values`."""
        return sum(column.width for column in self.columns)

    @property
    def class_positions(self) -> frozenset[int]:
        """The positions in `Condition.values` of one-hot classes."""
        found: list[int] = []
        start = 0
        for column in self.columns:
            found += range(start, start + column.width) if column.scale == "category" else ()
            start += column.width
        return frozenset(found)

    @cached_property
    def _ids(self) -> dict[Row, int]:
        return {row: i for i, row in enumerate(self.table)}

    def row(self, values: Mapping[str, Any]) -> Row:
        """Check one condition given by column name. Raises DataError for an unknown, missing or bad value.

        A number that is printed as exactly one value of the table is that value: what a table or a message shows can be
        typed again, though it shows six digits.
        """
        names = [column.name for column in self.columns]
        for name in values:
            if name not in names:
                raise DataError(f"unknown condition {name!r}.{nearest(name, names)}")
        missing = [name for name in names if name not in values]
        if missing:
            raise DataError(f"the condition needs a value for {', '.join(missing)}")
        row = tuple(column.parse(values[column.name]) for column in self.columns)
        if row in self._ids:
            return row
        return tuple(self.as_in_table(position, value) for position, value in enumerate(row))

    def as_in_table(self, position: int, value: Value) -> Value:
        """A value of a column as the table has it, where exactly one of its values is printed alike; else as it is."""
        column = self.columns[position]
        known = {row[position] for row in self.table}
        if value in known or column.scale == "category":
            return value
        alike = [one for one in known if column.text(one) == column.text(value)]
        return alike[0] if len(alike) == 1 else value

    def label(self, row: Row) -> int:
        """The id of a condition, −1 off the table."""
        return self._ids.get(row, OFF_TABLE)

    def condition(self, rows: Sequence[Row]) -> Condition:
        """The conditions as tensors on the host."""
        values = [
            [number for column, value in zip(self.columns, row, strict=True) for number in column.scaled(value)]
            for row in rows
        ]
        scaled = torch.tensor(values, dtype=torch.float32).reshape(len(rows), self.width)
        for row, numbers in zip(rows, scaled, strict=True):
            if not bool(numbers.isfinite().all()):
                raise DataError(f"{self.text(row)}: too far outside the bounds to be scaled to a number")
        return Condition(
            scaled,
            torch.tensor([self.label(row) for row in rows], dtype=torch.int64),
        )

    def text(self, row: Row) -> str:
        """A condition for people: `exposure = 150 h, temperature = 1070 °C`."""
        return ", ".join(f"{c.name} = {c.text(v)}" for c, v in zip(self.columns, row, strict=True))

    def text_without(self, row: Row, position: int) -> str:
        """A condition for people, without one of its columns."""
        return ", ".join(
            f"{c.name} = {c.text(v)}" for i, (c, v) in enumerate(zip(self.columns, row, strict=True)) if i != position
        )

    def named(self, row: Row) -> dict[str, Value]:
        """A condition by column name, for JSON."""
        return {column.name: value for column, value in zip(self.columns, row, strict=True)}

    def nearest_row(self, row: Row) -> Row | None:
        """The condition of the table that lies nearest in scaled values."""
        if not self.table:
            return None
        distance = (self.condition(self.table).values - self.condition([row]).values).norm(dim=1)
        return self.table[int(distance.argmin())]

    def outside(self, row: Row) -> list[str]:
        """Names of the continuous columns in which a condition lies outside the bounds."""
        return [
            column.name
            for column, value in zip(self.columns, row, strict=True)
            if column.scale != "category" and not column.low <= float(value) <= column.high
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain values for model.json."""
        return {
            "columns": [vars(column) | {"levels": list(column.levels)} for column in self.columns],
            "table": [list(row) for row in self.table],
            "held_out": sorted(self.held_out),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ConditionSpace":
        """Inverse of `to_json`. Raises DataError if the values are not of that form."""
        try:
            columns = tuple(_stored_column(c) for c in values["columns"])
            table = tuple(
                tuple(column.parse(value) for column, value in zip(columns, row, strict=True))
                for row in values["table"]
            )
            return cls(columns, table, frozenset(map(int, values["held_out"])))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"the condition space is not complete: {type(error).__name__}: {error}") from None


def _stored_column(values: Mapping[str, Any]) -> Column:
    """A column from JSON, checked as one from a spec is."""
    category = values["scale"] == "category"
    low, high = float(values["low"]), float(values["high"])
    bounded = not category and low != high
    spec = ColumnSpec(
        name=values["name"],
        unit=values["unit"],
        scale=values["scale"],
        levels=tuple(values["levels"]) if category else None,
        low=low if bounded else None,
        high=high if bounded else None,
    )
    if not (math.isfinite(high - low) and (spec.scale != "log" or low > 0)):
        raise ValueError(f"{spec.name}: bounds {low:g} and {high:g}")
    return Column(spec.name, spec.unit, spec.scale, spec.levels or (), low, high)


def _column(spec: ColumnSpec, found: list[Any]) -> Column:
    if spec.scale == "category":
        names = {str(value).strip() for value in found if value is not None and str(value).strip()}
        levels = spec.levels if spec.levels is not None else tuple(sorted(names))
        return Column(spec.name, spec.unit, spec.scale, levels=levels)
    numbers = [parse_number(spec.name, value, spec.scale) for value in found]
    low = spec.low if spec.low is not None else min(numbers, default=0.0)
    high = spec.high if spec.high is not None else max(numbers, default=1.0)
    if low > high:
        raise DataError(f"{spec.name}: the bounds {low:g} and {high:g} are not in order")
    if not math.isfinite(high - low):
        raise DataError(f"{spec.name}: the bounds {low:g} and {high:g} are too far apart to scale between them")
    return Column(spec.name, spec.unit, spec.scale, low=low, high=high)
