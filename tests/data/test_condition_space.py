"""Condition spaces: scaling, tables, classes and continuous columns together, refusals."""

import json

import pytest
import torch

from alloygan.data.condition_space import ConditionSpace
from alloygan.errors import DataError
from alloygan.specs.condition_columns import ColumnSpec

TEMPERATURE = ColumnSpec(name="temperature", unit="°C")
RATE = ColumnSpec(name="rate", unit="1/s", scale="log")
STATE = ColumnSpec(name="state", scale="category")
ROWS = [
    {"temperature": t, "rate": rate, "state": state}
    for t, rate, state in [(1000, 0.1, "cast"), (800, 0.001, "cast"), (900, 0.01, "forged"), (800, 0.001, "cast")]
]


@pytest.fixture
def space() -> ConditionSpace:
    return ConditionSpace.from_rows([TEMPERATURE, RATE, STATE], ROWS)


def test_bounds_become_0_and_1_on_each_scale(space: ConditionSpace) -> None:
    assert space.width == 4
    rows = [space.row(row) for row in ROWS]
    values = space.condition(rows).values
    expected = [[1, 1, 1, 0], [0, 0, 1, 0], [0.5, 0.5, 0, 1], [0, 0, 1, 0]]
    assert torch.allclose(values, torch.tensor(expected, dtype=torch.float32), atol=1e-6)


def test_the_table_has_each_condition_once_in_order(space: ConditionSpace) -> None:
    assert space.table == ((800.0, 0.001, "cast"), (900.0, 0.01, "forged"), (1000.0, 0.1, "cast"))
    labels = space.condition([space.row(row) for row in ROWS]).label
    assert labels.tolist() == [2, 0, 1, 0]


def test_off_the_table_and_outside_the_bounds(space: ConditionSpace) -> None:
    row = space.row({"temperature": "1100", "rate": "1", "state": "cast"})
    condition = space.condition([row])
    assert condition.label.tolist() == [-1]
    assert condition.values[0, 0].item() == pytest.approx(1.5)
    assert condition.values[0, 1].item() == pytest.approx(1.5)
    assert space.nearest_row(row) == (1000.0, 0.1, "cast")


def test_bounds_and_levels_from_the_spec() -> None:
    columns = [
        ColumnSpec(name="temperature", low=0, high=1000),
        ColumnSpec(name="state", scale="category", levels=("forged", "cast", "rolled")),
    ]
    space = ConditionSpace.from_rows(columns, [{"temperature": 500, "state": "cast"}])
    assert space.condition(space.table).values.tolist() == [[0.5, 0, 1, 0]]


def test_one_value_alone_is_no_division_by_zero() -> None:
    space = ConditionSpace.from_rows([TEMPERATURE], [{"temperature": 700}])
    assert space.condition(space.table).values.tolist() == [[0.0]]


def test_without_a_table_nothing_has_an_id() -> None:
    space = ConditionSpace.from_rows([TEMPERATURE], [{"temperature": 700}], tabulate=False)
    assert space.table == ()
    assert space.condition([(700.0,)]).label.tolist() == [-1]
    assert space.nearest_row((700.0,)) is None


def test_json_round_trip(space: ConditionSpace) -> None:
    again = ConditionSpace.from_json(json.loads(json.dumps(space.to_json())))
    assert again == space


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"temperature": 800, "rate": 0.1}, "needs a value for state"),
        ({"temperature": 800, "rate": 0.1, "state": "cast", "presure": 1}, "unknown condition 'presure'"),
        ({"temperature": "hot", "rate": 0.1, "state": "cast"}, "not a number"),
        ({"temperature": float("nan"), "rate": 0.1, "state": "cast"}, "finite"),
        ({"temperature": 800, "rate": 0, "state": "cast"}, "no logarithm"),
        ({"temperature": 800, "rate": 0.1, "state": "casted"}, "Did you mean 'cast'"),
    ],
)
def test_conditions_that_are_none(space: ConditionSpace, values: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        space.row(values)


@pytest.mark.parametrize(
    "fields",
    [
        {"scale": "log", "low": 0},
        {"low": 2, "high": 1},
        {"levels": ("a",)},
        {"scale": "category", "levels": ("a", "a")},
        {"scale": "category", "low": 1},
    ],
)
def test_columns_that_contradict_themselves(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"log|below|category|twice|levels"):
        ColumnSpec.model_validate({"name": "x", **fields})


def test_numbers_too_large_to_scale_are_refused(space: ConditionSpace) -> None:
    with pytest.raises(DataError, match="too far"):
        space.condition([space.row({"temperature": 1e308, "rate": 1, "state": "cast"})])
    with pytest.raises(DataError, match="too far apart"):
        ConditionSpace.from_rows([TEMPERATURE], [{"temperature": 1e308}, {"temperature": -1e308}])


@pytest.mark.parametrize("broken", [{}, {"columns": [{}], "table": [], "held_out": []}, {"columns": 3}])
def test_broken_json_is_told_in_words(broken: dict[str, object]) -> None:
    with pytest.raises(DataError, match="not complete"):
        ConditionSpace.from_json(broken)
