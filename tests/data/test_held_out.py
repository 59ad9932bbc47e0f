"""Conditions that a spec keeps out of training: which ones, what is left, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from alloygan.data.condition_space import ConditionSpace, Row
from alloygan.data.held_out import held_out_labels, hold_out
from alloygan.data.patches import Data, Patches
from alloygan.data.training_hull import place
from alloygan.errors import DataError
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.held_out import HeldOutSpec

COMPOSITIONS, TIMES = (0.3, 0.4, 0.5, 0.6, 0.7), (10, 100, 1000, 10000)
COLUMNS = (ColumnSpec(name="composition"), ColumnSpec(name="time", scale="log"))


def grid() -> ConditionSpace:
    return ConditionSpace.from_rows(COLUMNS, [{"composition": c, "time": t} for c in COMPOSITIONS for t in TIMES])


def held(space: ConditionSpace | None = None, **fields: Any) -> set[Row]:
    space = space or grid()
    return {space.table[label] for label in held_out_labels(HeldOutSpec.model_validate(fields), space)}


def test_by_list() -> None:
    assert held(conditions=[{"composition": 0.5, "time": 100}]) == {(0.5, 100)}
    assert held(conditions=[{"time": 100.0000000000001}]) == {(c, 100) for c in COMPOSITIONS}


def test_by_band_in_grid_nodes() -> None:
    assert held(bands=[{"column": "time", "width": 2}]) == {(c, t) for c in COMPOSITIONS for t in (100, 1000)}
    assert held(bands=[{"column": "composition"}]) == {(0.5, t) for t in TIMES}
    assert held(bands=[{"column": "composition", "width": 2, "start": 3}]) == {
        (c, t) for c in (0.6, 0.7) for t in TIMES
    }


def test_by_corner() -> None:
    assert held(corners=[{"composition": "high", "time": "low"}]) == {(0.7, 10)}


def test_at_random_by_seed() -> None:
    first = held(random={"count": 4, "seed": 1})
    assert len(first) == 4
    assert first == held(random={"count": 4, "seed": 1})
    assert len({frozenset(held(random={"count": 4, "seed": seed})) for seed in range(8)}) > 1
    assert all(c in COMPOSITIONS[1:-1] and t in TIMES[1:-1] for c, t in held(random={"count": 6}))
    assert any(c in (0.3, 0.7) or t in (10, 10000) for c, t in held(random={"count": 15, "interior": False}))


def test_what_is_drawn_comes_on_top_and_can_be_interpolated() -> None:
    named = {"conditions": [{"composition": 0.5, "time": 100}]}
    for seed in range(8):
        assert len(held(**named, random={"count": 2, "seed": seed})) == 3
    scattered = [(0.0, 0.0), (1.0, 0.1), (0.2, 1.0), (0.5, 0.4), (0.9, 0.95), (0.35, 0.3)]
    columns = (ColumnSpec(name="a"), ColumnSpec(name="b"))
    space = ConditionSpace.from_rows(columns, [{"a": a, "b": b} for a, b in scattered])
    for seed in range(5):
        labels = held_out_labels(HeldOutSpec.model_validate({"random": {"count": 2, "seed": seed}}), space)
        after = replace(space, held_out=labels)
        assert {place(after, space.table[label]) for label in labels} == {"between"}


def test_of_a_class_with_a_shorter_range_the_ends_are_its_own() -> None:
    columns = (ColumnSpec(name="grade", scale="category", levels=("x", "y")), ColumnSpec(name="time", scale="log"))
    rows = [("x", t) for t in TIMES] + [("y", t) for t in TIMES[:3]]
    space = ConditionSpace.from_rows(columns, [{"grade": g, "time": t} for g, t in rows])
    drawn = {row for seed in range(12) for row in held(space, random={"count": 1, "seed": seed})}
    assert drawn == {("x", 100), ("x", 1000), ("y", 100)}


def test_a_condition_is_named_as_it_is_printed() -> None:
    columns = (ColumnSpec(name="t"),)
    space = ConditionSpace.from_rows(columns, [{"t": t} for t in (1 / 3, 2 / 3, 1.0)])
    assert held(space, conditions=[{"t": 0.666667}]) == {(2 / 3,)}
    assert space.label(space.row({"t": 0.666667})) == 1
    assert space.label(space.row({"t": 0.66666})) == -1


def test_names_of_classes_may_be_numbers() -> None:
    columns = (ColumnSpec(name="grade", scale="category", levels=("304", "316")), ColumnSpec(name="time"))
    rows = [{"grade": g, "time": t} for g in ("304", "316") for t in (1, 2)]
    space = ConditionSpace.from_rows(columns, rows)
    assert held(space, conditions=[{"grade": 316, "time": 2}]) == {("316", 2.0)}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"conditions": [{"t": float("nan")}]}, "nan is no value of a condition"),
        ({"conditions": [{"t": True}]}, "expected a number, or the name of a class"),
        ({"random": 3}, r"expected fields, such as \{count: 3, seed: 0\}"),
    ],
)
def test_what_is_no_condition_is_told_once(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as error:
        HeldOutSpec.model_validate(fields)
    assert len(error.value.errors()) == 1


def test_the_ways_add_up() -> None:
    both = held(conditions=[{"composition": 0.5, "time": 100}], corners=[{"composition": "low", "time": "low"}])
    assert both == {(0.5, 100), (0.3, 10)}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"conditions": [{"compositoin": 0.5}]}, "conditions.0: unknown condition 'compositoin'. Did you mean"),
        (
            {"conditions": [{"time": 70}]},
            "no condition of the data has time = 70. There are time: 10, 100",
        ),
        ({"conditions": [{"time": "late"}]}, "conditions.0: time: 'late' is not a number"),
        ({"bands": [{"column": "time", "width": 5}]}, "bands.0: nodes 0 to 4 of time, which has 4 .0 to 3."),
        ({"bands": [{"column": "time", "width": 2, "start": 3}]}, "bands.0: nodes 3 to 4 of time"),
        ({"bands": [{"column": "time", "width": 4}]}, "all 20 conditions are held out"),
        (
            {"random": {"count": 7}},
            "only 6 can be held out with trained ones around each; draw fewer, or set interior: false",
        ),
        (
            {"random": {"count": 20, "interior": False}, "conditions": [{"time": 10}]},
            "20 are to be drawn of 15 conditions that are not held out already; draw fewer",
        ),
    ],
)
def test_what_is_not_there_is_told(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        held(**fields)


def test_classes_have_no_order() -> None:
    columns = (ColumnSpec(name="alloy", scale="category"), ColumnSpec(name="time", scale="log"))
    space = ConditionSpace.from_rows(columns, [{"alloy": a, "time": t} for a in "ab" for t in (1, 10, 100)])
    assert held(space, conditions=[{"alloy": "b", "time": 10}]) == {("b", 10)}
    assert held(space, random={"count": 2}) == {("a", 10), ("b", 10)}
    with pytest.raises(DataError, match="alloy has classes"):
        held(space, bands=[{"column": "alloy"}])
    with pytest.raises(DataError, match="unknown level 'c'"):
        held(space, conditions=[{"alloy": "c"}])


def test_conditions_without_a_table_cannot_be_held_out() -> None:
    space = ConditionSpace.from_rows(COLUMNS, [{"composition": 0.5, "time": 3}], tabulate=False)
    with pytest.raises(DataError, match="form no table"):
        held(space, random={"count": 1})


def patches(space: ConditionSpace, each: int, start: int) -> Patches:
    labels = [label for label in range(len(space.table)) for _ in range(each)]
    images = torch.arange(len(labels), dtype=torch.uint8).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2) + start
    return Patches(images, space.condition([space.table[i] for i in labels]), torch.arange(len(labels)) + 1000 * start)


def test_what_is_held_out_leaves_training_and_nothing_else() -> None:
    space = grid()
    data = Data(space, patches(space, 3, 0), patches(space, 2, 100), um_per_px=0.5)
    apart = hold_out(data, HeldOutSpec.model_validate({"bands": [{"column": "time", "width": 2}]}))
    assert apart.space.held_out == frozenset(i for i, (_, t) in enumerate(space.table) if t in (100, 1000))
    assert not set(apart.train.condition.label.tolist()) & apart.space.held_out
    assert apart.held_back is not None
    assert set(apart.held_back.condition.label.tolist()) == apart.space.held_out
    together = torch.cat([apart.train.images, apart.held_back.images]).flatten(1)[:, 0]
    assert sorted(together.tolist()) == list(range(60))
    assert torch.equal(apart.evaluation.images, data.evaluation.images)
    assert (apart.um_per_px, apart.space.table) == (0.5, space.table)
    assert hold_out(data, None) is data
