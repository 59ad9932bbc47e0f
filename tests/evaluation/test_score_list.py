"""The flat list of an evaluation's scores."""

from typing import Any

import pytest

from alloygan.evaluation.score_list import ListedScore, listed_scores, possible_scores
from alloygan.specs.evaluation import EvaluationSpec
from alloygan.zoo import load_zoo


def evaluation(*conditions: dict[str, tuple[float | None, float | None]], held_out: int = 0) -> dict[str, Any]:
    """Deviation and floor of descriptors by condition, the last `held_out` of them held out."""
    names = list(conditions[0])
    return {
        "descriptors": [{"name": name} for name in names],
        "conditions": [
            {
                "held_out": i >= len(conditions) - held_out,
                "scores": {name: {"deviation": one[0], "floor_deviation": one[1]} for name, one in scores.items()},
            }
            for i, scores in enumerate(conditions)
        ],
    }


def mean_deviation(found: dict[str, Any], name: str = "mean_deviation") -> ListedScore:
    return {one.name: one for one in listed_scores(found)}[name]


def test_the_mean_deviation_is_over_descriptors_of_means_over_conditions() -> None:
    found = mean_deviation(
        evaluation({"size": (0.2, 0.1), "share": (0.1, 0.02)}, {"size": (0.4, 0.1), "share": (0.1, 0.04)})
    )
    assert found.value == pytest.approx((0.3 + 0.1) / 2)
    assert found.floor == pytest.approx((0.1 + 0.03) / 2)
    assert not found.higher_is_better


def test_a_descriptor_does_not_get_better_by_being_lost() -> None:
    some = mean_deviation(evaluation({"size": (0.2, 0.1)}, {"size": (0.06, 0.1)})).value
    lost_in_one = mean_deviation(evaluation({"size": (None, 0.1)}, {"size": (0.06, 0.1)})).value
    lost = mean_deviation(evaluation({"size": (None, 0.1)}, {"size": (None, 0.1)})).value
    assert lost_in_one == pytest.approx((1 + 0.06) / 2)
    assert some < lost_in_one < lost == 1


def test_what_real_images_do_not_have_does_not_count() -> None:
    found = mean_deviation(evaluation({"size": (None, None), "share": (0.1, 0.02)}))
    assert found.value == 0.1


def test_held_out_conditions_are_apart() -> None:
    both = evaluation({"size": (0.1, 0.1)}, {"size": (0.5, 0.1)}, held_out=1)
    assert mean_deviation(both).value == 0.1
    assert mean_deviation(both, "held_out.mean_deviation").value == 0.5


def test_what_may_be_listed_says_which_way_is_better() -> None:
    values = {"descriptors": ["area_fraction", "area_fraction"], "comparisons": []}
    spec = EvaluationSpec.model_validate(values, context=load_zoo().registries)
    known = possible_scores(spec, ["exposure"])
    assert known["area_fraction_2.r2"] is True
    assert known["held_out.fidelity.exposure.error"] is False
    assert known["fidelity.accuracy"] is known["held_out.fidelity.accuracy"] is True
