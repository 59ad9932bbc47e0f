"""What cannot be measured has no value, and the result says why."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan.evaluation.descriptor_scores import MOST_VALUES
from alloygan.evaluation.evaluate import measure
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan.specs.components import DescriptorSpec
from alloygan_plugins.imagej_particles.specs import NumberDensity
from alloygan_plugins.orientation.specs import OrientationAnisotropy


@pytest.mark.parametrize("level", [0, 255])
def test_blank_generated_images_give_none_and_a_reason(squares: Any, level: int) -> None:
    def blank(label: int, count: int) -> Tensor:
        return torch.full((count, *squares.SHAPE), level, dtype=torch.uint8)

    result = squares.plain(measure(squares.spec(), squares.data(), blank))
    scores = result["conditions"][0]["scores"]
    for name in ("equivalent_diameter", "aspect_ratio", "characteristic_length"):
        assert scores[name]["generated"] is scores[name]["distance"] is scores[name]["deviation"] is None
        assert "generated: 32 of 32 images" in scores[name]["note"]
        assert scores[name]["floor"] is not None
    assert scores["two_point"]["generated"] is None
    assert "generated: " in scores["two_point"]["note"]
    assert scores["area_fraction"]["generated"] == level / 255
    assert scores["number_density"]["deviation"] == 1
    assert result["overall"]["equivalent_diameter"]["mean_deviation"] is None


def test_real_value_of_zero_has_no_deviation(squares: Any) -> None:
    result = squares.plain(measure(squares.spec(NumberDensity(min_area=500)), squares.data(), squares.right))
    score = result["conditions"][0]["scores"]["number_density"]
    assert score["real"] == score["generated"] == score["distance"] == 0
    assert score["deviation"] is score["floor_deviation"] is None
    assert "real is 0" in score["note"]


class _Strange(Descriptor):
    """Third-party code that breaks the rule about NaN, and gives many values."""

    def measure(self, specimens: Specimens) -> Measurement:
        return Measurement(np.append(np.arange(5000.0), np.nan))

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        return math.inf


class _StrangeSpec(DescriptorSpec):
    """A strange descriptor."""

    kind: str = "strange"

    def build(self) -> Descriptor:
        return _Strange()


def test_what_is_not_finite_does_not_get_through(squares: Any) -> None:
    evaluation = measure(squares.spec(_StrangeSpec()), squares.data(), squares.right)
    score = squares.plain(evaluation)["conditions"][0]["scores"]["strange"]
    assert score["real"] is score["distance"] is None
    assert "not finite" in score["note"]
    assert len(evaluation.samples["strange"]["0"]["real"]) <= MOST_VALUES


@pytest.mark.parametrize(("value", "has_deviation"), [("cosine", False), ("strength", True)])
def test_a_value_of_two_signs_has_a_distance_and_no_deviation(squares: Any, value: str, has_deviation: bool) -> None:
    result = squares.plain(
        measure(squares.spec(OrientationAnisotropy(value=value)), squares.data(), squares.right)  # type: ignore[arg-type]
    )
    score, overall = (
        result["conditions"][0]["scores"]["orientation_anisotropy"],
        result["overall"]["orientation_anisotropy"],
    )
    assert result["descriptors"][0]["ratio_scale"] == has_deviation
    assert score["distance"] is not None
    assert overall["mean_distance_interval"] is not None
    for key in ("deviation", "floor_deviation"):
        assert (score[key] is not None) == (overall[f"mean_{key}"] is not None) == has_deviation
        assert ("0 does not mean none of it" in overall["absent"].get(f"mean_{key}", "")) != has_deviation


def test_a_mean_that_is_missing_says_what_the_conditions_say(squares: Any) -> None:
    def blank(label: int, count: int) -> Tensor:
        return torch.zeros((count, *squares.SHAPE), dtype=torch.uint8)

    overall = squares.plain(measure(squares.spec(), squares.data(), blank))["overall"]["equivalent_diameter"]
    assert "generated: 32 of 32 images" in overall["absent"]["mean_deviation"]
    missing = {name for name, value in overall.items() if value is None and not name.endswith("interval")}
    assert overall["absent"].keys() == missing - {"worst_deviation"}
