"""The measuring chain, proven before it is used: on an alloy whose truth is known, from micrographs to scores.

Held-out real images in the place of generated ones must score at the floor, images of another condition far from it.
"""

import math
from functools import cache
from typing import Any

import pytest
from torch import Tensor

from alloygan import Data, load_zoo
from alloygan.evaluation.evaluate import measure
from alloygan.specs.evaluation import EvaluationSpec
from alloygan_plugins.synthetic_alloy.law import truth_at

ZOO = load_zoo()
CONDITIONS = {"temperature": [900, 1100], "strain_rate": [0.001, 0.1]}
COUNT = 4
DISTRIBUTIONS = ("equivalent_diameter", "aspect_ratio", "interface_density", "characteristic_length", "two_point")
S4 = 1
"""The condition of the paper's Figure S-4: 900 °C, 0.1 1/s."""


@cache
def alloy(seed: int) -> Data:
    values = {"kind": "synthetic_alloy", "seed": seed, "training_micrographs": 1, "evaluation_micrographs": 1}
    built: Data = ZOO.spec_from_values(values | CONDITIONS | {"size": 640}, "dataset").build(())
    return built


@cache
def evaluated(shift: int) -> dict[str, Any]:
    """Scores with images of another, independent data set in the place of generated ones: of the right condition
    (shift 0), or of another one.
    """
    spec = EvaluationSpec.model_validate(
        {
            "phase": "dark", "smooth": 1.0, "images": 25, "bootstrap": 100, "judge_images": 6400,
            "descriptors": [*DISTRIBUTIONS, "number_density", "area_fraction"],
            "comparisons": [{"kind": "lite0_features", "side": 128}],
        },
        context=ZOO.registries,
    )  # fmt: skip

    def generate(label: int, count: int) -> Tensor:
        return alloy(1).evaluation.of_condition((label + shift) % COUNT)[:count]

    return measure(spec, alloy(0), generate).scores


def test_measured_means_agree_with_the_truth() -> None:
    """Within 10 % for 25 patches of 128 px a condition, segmented by one grey level and measured as always."""
    for condition in evaluated(0)["conditions"]:
        truth = truth_at(condition["condition"]["temperature"], condition["condition"]["strain_rate"])
        scores = condition["scores"]
        expected = {
            "area_fraction": truth.area_fraction,
            "number_density": truth.number_density,
            "aspect_ratio": truth.mean_aspect_ratio,
            # Of grains clear of the border, which a patch has fewer large ones of.
            "equivalent_diameter": truth.mean_diameter,
        }
        for name, value in expected.items():
            assert scores[name]["real"] == pytest.approx(value, rel=0.1), (condition["text"], name)


def test_held_out_real_images_score_at_the_floor() -> None:
    overall = evaluated(0)["overall"]
    for name in DISTRIBUTIONS:
        assert overall[name]["mean_distance"] < 1.6 * overall[name]["mean_floor"], name
        assert overall[name]["mean_deviation"] < 0.06, name
    kid = evaluated(0)["comparisons"][0]["overall"]["kid_lite0"]
    assert abs(kid["generated"]) < 0.05
    assert abs(kid["floor"]) < 0.05


def test_another_condition_scores_far_from_the_floor() -> None:
    right, wrong = evaluated(0), evaluated(1)
    for name in DISTRIBUTIONS:
        assert wrong["overall"][name]["mean_distance"] > 3 * wrong["overall"][name]["mean_floor"], name
        assert (
            wrong["overall"][name]["mean_distance_interval"][0] > right["overall"][name]["mean_distance_interval"][1]
        ), name
    kid = wrong["comparisons"][0]["overall"]["kid_lite0"]
    assert kid["generated"] > 0.3
    # Together the conditions are the same images: only what looks at each condition can see that they are swapped.
    assert abs(wrong["comparisons"][0]["pooled"]["kid_lite0"]["generated"]) < 0.05


def test_the_judge_tells_right_from_wrong() -> None:
    right, wrong = evaluated(0)["fidelity"], evaluated(1)["fidelity"]
    assert right["accuracy"]["real"] > 0.85
    assert right["accuracy"]["generated"] > right["accuracy"]["real"] - 0.12
    assert wrong["accuracy"]["generated"] < 0.15
    # All images of a row are judged to be of the condition that they were taken from.
    for row, counts in enumerate(wrong["confusion"]["generated"]):
        assert max(range(COUNT), key=counts.__getitem__) == (row + 1) % COUNT


def test_independent_images_are_not_called_memorised() -> None:
    closer = evaluated(0)["memorising"]["closer"]
    assert closer["share"] < closer["expected"] + 0.1


def test_several_peaks_of_the_aspect_ratio_are_found_where_the_truth_has_them() -> None:
    peaks = [condition["scores"]["aspect_ratio"]["peaks"] for condition in evaluated(0)["conditions"]]
    assert peaks[S4]["real"]["count"] == peaks[S4]["generated"]["count"] == 2
    assert [one["real"]["count"] for i, one in enumerate(peaks) if i != S4] == [1] * (COUNT - 1)
    assert math.isclose(peaks[S4]["real"]["p"], 0, abs_tol=0.01)
