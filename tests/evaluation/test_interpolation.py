"""Held-out conditions beside both references: what real images, the nearest ones and a blend of them score."""

import dataclasses
from typing import Any

import pytest
import torch

from alloygan.data.held_out import hold_out
from alloygan.data.patches import Data
from alloygan.evaluation.evaluate import measure
from alloygan.evaluation.interpolation import nearest_images, sources_note
from alloygan.evaluation.score_list import listed_scores
from alloygan.specs.held_out import HeldOutSpec


def evaluated(squares: Any, generate: Any, held_out: dict[str, Any], **spec: Any) -> dict[str, Any]:
    given: Data = hold_out(squares.data(), HeldOutSpec.model_validate(held_out))
    result: dict[str, Any] = squares.plain(measure(squares.spec(**spec), given, generate))
    return result


@pytest.fixture
def middle(squares: Any) -> dict[str, Any]:
    return {"conditions": [{"size": squares.SIZES[1]}]}


def test_a_generator_that_is_right_leaves_nothing(squares: Any, middle: dict[str, Any]) -> None:
    found = evaluated(squares, squares.right, middle)["interpolation"]
    for name in ("area_fraction", "equivalent_diameter", "interface_density"):
        remainder = found["interpolation"][name]
        assert remainder["conditions"] == 1, name
        assert remainder["not_told_apart"] == []
        assert abs(remainder["remainder"]) < 0.15, name
    assert found["extrapolation"] == {}
    (one,) = found["conditions"]
    assert (one["label"], one["place"], one["gap"]) == (1, "between", pytest.approx(0.5))
    assert one["nearest"] in ("size = 6 px", "size = 12 px")


def test_the_nearest_condition_in_its_place_leaves_everything(squares: Any, middle: dict[str, Any]) -> None:
    given = hold_out(squares.data(), HeldOutSpec.model_validate(middle))

    def nearest(label: int, count: int) -> Any:
        return nearest_images(given, label, count, 0) if label == 1 else squares.right(label, count)

    found = squares.plain(measure(squares.spec(), given, nearest))["interpolation"]["interpolation"]
    for name in ("area_fraction", "equivalent_diameter", "two_point"):
        assert found[name]["remainder"] == pytest.approx(1.0), name


def test_worse_than_the_nearest_is_above_one(squares: Any, middle: dict[str, Any]) -> None:
    # Asked for the middle, squares of 14 px.
    found = evaluated(squares, squares.wrong, middle)["interpolation"]["interpolation"]
    assert found["area_fraction"]["remainder"] > 1.2


def test_an_end_is_extrapolated_to(squares: Any) -> None:
    result = evaluated(squares, squares.right, {"corners": [{"size": "high"}]})
    found = result["interpolation"]
    assert found["interpolation"] == {}
    assert found["extrapolation"]["area_fraction"]["conditions"] == 1
    assert found["conditions"][0]["nearest"] == "size = 9 px"
    scores = {one.name: one for one in listed_scores(result)}
    assert scores["extrapolation.area_fraction"].value == found["extrapolation"]["area_fraction"]["remainder"]
    assert not scores["extrapolation.area_fraction"].higher_is_better
    assert "interpolation.area_fraction" not in scores


def test_the_blend_mixes_the_neighbours_in_proportion(squares: Any, middle: dict[str, Any]) -> None:
    result = evaluated(squares, squares.right, middle)
    low, real, high = (one["scores"]["area_fraction"]["real"] for one in result["conditions"])
    score = result["interpolation"]["conditions"][0]["scores"]["area_fraction"]
    # Areas go by the square of the size, so the mean of both neighbours is off.
    assert score["blend_deviation"] == pytest.approx(abs((low + high) / 2 - real) / real)
    assert 0.05 < score["blend_deviation"] < score["nearest_deviation"]


def test_where_nearest_and_floor_are_alike_nothing_is_divided(squares: Any, middle: dict[str, Any]) -> None:
    found = evaluated(squares, squares.right, middle)["interpolation"]["interpolation"]
    # There is one square an image in every condition.
    assert found["number_density"]["not_told_apart"] == [1]
    assert found["number_density"]["remainder"] is None


def test_the_judge_reads_all_three(squares: Any, middle: dict[str, Any]) -> None:
    found = evaluated(squares, squares.right, middle, judge_images=3000)
    (column,) = found["interpolation"]["judge"]
    assert column["name"] == "size"
    assert column["floor"] < 0.15
    assert column["score"] < 0.2
    assert column["nearest"] > 0.35
    assert found["fidelity"]["accuracy_held_out"]["generated"] > 0.7


def test_nothing_is_said_without_held_out_conditions(squares: Any) -> None:
    assert "interpolation" not in measure(squares.spec(), squares.data(), squares.right).scores


def test_single_micrographs_are_named_and_several_are_not(squares: Any, middle: dict[str, Any]) -> None:
    several = hold_out(squares.data(), HeldOutSpec.model_validate(middle))
    assert sources_note(several, [1]) is None
    single = dataclasses.replace(
        several,
        train=dataclasses.replace(
            several.train, source=torch.where(several.train.condition.label == 0, 7, several.train.source)
        ),
        evaluation=dataclasses.replace(
            several.evaluation,
            source=torch.where(several.evaluation.condition.label == 0, 7, several.evaluation.source),
        ),
    )
    note = sources_note(single, [1])
    assert note is not None
    assert "floor" not in note, "the held-out condition itself has several"
    assert "The blend mixes single micrographs or simulations of size = 6 px." in note or "of size = 6 px" in note
