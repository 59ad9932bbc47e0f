"""Each score beside its floor, and where the second set of real images comes from."""

from typing import Any

import pytest

from alloygan.data.held_out import hold_out
from alloygan.data.patches import Data
from alloygan.evaluation.evaluate import measure
from alloygan.evaluation.subjects import evaluation_is_training
from alloygan.specs.held_out import HeldOutSpec
from alloygan_plugins.phase_statistics.specs import AreaFraction


def test_images_of_the_same_law_score_at_the_floor_and_others_far_above(squares: Any) -> None:
    good, bad = (
        squares.plain(measure(squares.spec(), squares.data(), squares.right)),
        squares.plain(measure(squares.spec(), squares.data(), squares.wrong)),
    )
    for name in ("equivalent_diameter", "area_fraction", "interface_density", "two_point"):
        for entry, other in zip(good["conditions"], bad["conditions"], strict=True):
            score, far = entry["scores"][name], other["scores"][name]
            assert score["deviation"] < 0.08, name
            assert far["distance"] > 3 * max(score["floor"], score["distance"]), name
            # The floor belongs to the data alone.
            assert far["floor"] == score["floor"]
        assert good["overall"][name]["mean_distance"] < 2 * good["overall"][name]["mean_floor"], name
        assert good["overall"][name]["mean_deviation"] < 0.05 < bad["overall"][name]["mean_deviation"]


def test_held_out_condition_takes_its_floor_from_its_evaluation_images(squares: Any) -> None:
    given = squares.data(train=[40, 0, 40], held_out=frozenset({1}), sources=4)
    result = squares.plain(measure(squares.spec(AreaFraction()), given, squares.right))
    entry = result["conditions"][1]
    assert entry["held_out"]
    assert entry["images"] == 20
    assert entry["floor_from"] == "other evaluation images"
    score = entry["scores"]["area_fraction"]
    assert score["training"] is None
    assert score["floor"] is not None
    assert score["floor_deviation"] is not None
    assert "two halves of the evaluation images" in score["note"]
    # Unseen conditions have their own means.
    assert result["overall_held_out"]["area_fraction"]["mean_deviation"] == score["deviation"]
    seen = [result["conditions"][i]["scores"]["area_fraction"]["deviation"] for i in (0, 2)]
    assert result["overall"]["area_fraction"]["worst_deviation"] == max(seen)


def test_held_out_condition_takes_its_floor_from_what_was_kept_out_of_training(squares: Any) -> None:
    spec = HeldOutSpec.model_validate({"conditions": [{"size": squares.SIZES[1]}]})
    given = hold_out(squares.data(), spec)
    result = squares.plain(measure(squares.spec(AreaFraction()), given, squares.right))
    entry = result["conditions"][1]
    assert (entry["held_out"], entry["images"]) == (True, 32)
    assert entry["floor_from"] == "real images kept out of training"
    score = entry["scores"]["area_fraction"]
    assert score["training"] is None
    assert not score.get("note")
    assert [one["held_out"] for one in result["conditions"]] == [False, True, False]
    # The floor is that of the same images without the word.
    whole = squares.plain(measure(squares.spec(AreaFraction()), squares.data(), squares.right))
    assert score["floor"] == pytest.approx(whole["conditions"][1]["scores"]["area_fraction"]["floor"], rel=0.05)


def test_nothing_kept_for_evaluation_is_told_also_with_held_out_conditions(squares: Any) -> None:
    data = squares.data()
    whole = Data(data.space, data.train, data.train)
    assert evaluation_is_training(whole)
    spec = HeldOutSpec.model_validate({"conditions": [{"size": squares.SIZES[1]}]})
    assert evaluation_is_training(hold_out(whole, spec))
    assert not evaluation_is_training(hold_out(data, spec))


def test_held_out_condition_with_one_source_has_no_floor(squares: Any) -> None:
    given = squares.data(train=[40, 0, 40], held_out=frozenset({1}), sources=1)
    score = squares.plain(measure(squares.spec(AreaFraction()), given, squares.right))["conditions"][1]["scores"][
        "area_fraction"
    ]
    assert score["floor"] is None
    assert score["distance"] is not None
    assert "no floor" in score["note"]


@pytest.mark.parametrize("phase", ["bright", "minority"])
def test_condition_without_evaluation_images(squares: Any, phase: str) -> None:
    result = squares.plain(
        measure(squares.spec(phase=phase), squares.data(train=[40, 0, 40], evaluation=[40, 0, 0]), squares.right)
    )
    for label, training in ((1, False), (2, True)):
        entry = result["conditions"][label]
        assert entry["floor_from"] is None
        for name, score in entry["scores"].items():
            assert score["real"] is score["distance"] is score["floor"] is score["deviation"] is None
            assert score["generated"] is not None, name
            assert (score["training"] is not None) == training
            assert "no evaluation images" in score["note"]
    assert result["overall"]["area_fraction"]["mean_deviation"] is not None


def test_evaluation_on_training_images_says_so_and_calls_nothing_memorised_or_not(squares: Any) -> None:
    given = squares.data()
    given = Data(given.space, given.train, given.train)
    result = squares.plain(
        measure(squares.spec(AreaFraction(), judge_images=64, memorising_images=8), given, squares.right)
    )
    assert "keeps nothing for evaluation" in result["note"]
    assert all("keeps nothing" in entry["scores"]["area_fraction"]["note"] for entry in result["conditions"])
    assert result["memorising"]["closer"] is None
    assert "keeps nothing" in result["memorising"]["note"]
    assert "keeps nothing" in result["fidelity"]["note"]
    assert "note" not in squares.plain(measure(squares.spec(AreaFraction()), squares.data(), squares.right))


def test_it_says_what_the_intervals_are_drawn_from_and_how_many_values_there_were(squares: Any) -> None:
    few, many = (
        measure(squares.spec(), squares.data(sources=2), squares.right),
        measure(squares.spec(), squares.data(sources=8), squares.right),
    )
    assert squares.plain(few)["conditions"][0]["intervals_from"] == "32 images of 2 sources"
    assert squares.plain(many)["conditions"][0]["intervals_from"] == "8 sources"
    assert few.samples["area_fraction"]["0"]["counts"] == {"real": 32, "generated": 32, "training": 32}
