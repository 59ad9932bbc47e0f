"""Parity plots: which points and words there are."""

from typing import Any

import pytest

from alloygan.reports.parity import parity_panels


def panels_of(evaluation: dict[str, Any], samples: dict[str, Any]) -> dict[str, Any]:
    return {panel.title: panel for panel in parity_panels(evaluation, samples)}


def test_parity_panels(evaluation: dict[str, Any], samples: dict[str, Any], make_score: Any) -> None:
    evaluation["conditions"][1]["scores"]["area_fraction"] = make_score(0.2, None, 0.2, note="generated: nothing")
    evaluation["overall"]["area_fraction"]["r2"] = None
    panels = panels_of(evaluation, samples)
    assert list(panels) == ["equivalent diameter", "area fraction"], "a curve has no parity plot"
    assert panels["area fraction"].notes == ["Without a value in real or generated images: c = 2."]
    svg = panels["equivalent diameter"].svg
    assert svg is not None
    assert "generated (µm)" in svg
    assert panels["area fraction"].svg is not None
    assert "R²" not in panels["area fraction"].svg


def test_r2_stands_in_the_figure_with_its_interval_and_its_floor(
    evaluation: dict[str, Any], samples: dict[str, Any]
) -> None:
    evaluation["overall"]["equivalent_diameter"] |= {
        "r2": 0.912, "r2_interval": [0.85, 0.95], "floor_r2": 0.991, "floor_r2_interval": [0.98, 0.995],
    }  # fmt: skip
    panel = panels_of(evaluation, samples)["equivalent diameter"]
    assert ">R² 0.912 [0.850, 0.950]</text>" in panel.svg
    assert ">floor 0.991 [0.980, 0.995]</text>" in panel.svg
    assert "R² 0.912" in panel.svg[: panel.svg.index(">")], "read aloud too"
    assert panel.notes == []
    evaluation["conditions"][0]["held_out"] = True
    assert panels_of(evaluation, samples)["equivalent diameter"].notes == ["R² is of the conditions seen in training."]


def test_parity_without_any_value_is_words(
    evaluation: dict[str, Any], samples: dict[str, Any], make_score: Any
) -> None:
    for condition in evaluation["conditions"]:
        condition["scores"]["area_fraction"] = make_score(None, None, None)
    panel = panels_of(evaluation, samples)["area fraction"]
    assert panel.svg is None
    assert panel.notes == ["Without a value in real or generated images: c = 1; c = 2; c = 3."]


@pytest.mark.parametrize(("count", "numbered"), [(10, True), (11, False), (60, False)])
def test_many_points_are_small_and_carry_no_numbers(
    make_evaluation: Any, samples: dict[str, Any], count: int, numbered: bool
) -> None:
    evaluation = make_evaluation([f"c = {i}" for i in range(count)])
    svg = panels_of(evaluation, samples)["equivalent diameter"].svg
    assert (">9</text>" in svg) == numbered
    assert ("opacity: 0.9" in svg) == numbered
