"""Scores over conditions: R² with its floor and intervals, and why a score is missing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from alloygan.evaluation.descriptor_scores import RESAMPLED, ConditionScore
from alloygan.evaluation.evaluate import measure
from alloygan.evaluation.overall_scores import overall
from alloygan.interfaces.descriptor import Specimens
from alloygan.testing.stand_in_data import StandInDescriptor
from alloygan_plugins.phase_statistics.specs import AreaFraction, PixelStd
from alloygan_plugins.spatial_correlation.specs import TwoPoint


def scores(real: Sequence[float | None], generated: Sequence[float | None], other: Sequence[float | None]) -> Any:
    """Conditions with these summaries, no resample of them, and no other score."""
    return [
        ConditionScore(
            dict.fromkeys(RESAMPLED), {"real": r, "generated": g, "other": o},
            {name: [] for name in (*RESAMPLED, "real", "generated", "other")},
        )
        for r, g, o in zip(real, generated, other, strict=True)
    ]  # fmt: skip


def test_r2_and_its_floor_are_of_the_same_conditions() -> None:
    found = overall(StandInDescriptor(), scores([1, 2, 3, 9], [1, 2, 4, 0], [1, 1, 3, None]))
    assert found["r2"] == pytest.approx(1 - 1 / 2)
    assert found["floor_r2"] == pytest.approx(1 - 1 / 2)
    assert found["r2_interval"] is None


def test_r2_without_a_second_set_of_real_images() -> None:
    found = overall(StandInDescriptor(), scores([1, 2, 3], [1, 2, 4], [None] * 3))
    assert found["r2"] == pytest.approx(1 - 1 / 2)
    assert found["floor_r2"] is None
    assert found["absent"]["floor_r2"] == "R² needs 3 conditions with values, and there are 0"


def test_it_says_why_there_is_no_r2() -> None:
    few = overall(StandInDescriptor(), scores([1, 2, None], [1, 2, 3], [1, 2, 3]))
    assert few["r2"] is None
    assert few["absent"]["r2"] == "R² needs 3 conditions with values, and there are 2"
    alike = overall(StandInDescriptor(), scores([2, 2, 2], [1, 2, 3], [1, 2, 3]))
    assert "do not differ between conditions" in alike["absent"]["r2"]
    assert overall(StandInDescriptor(), [])["absent"]["r2"] == "there is no such condition"


def test_r2_lies_in_its_interval_which_images_of_the_wrong_condition_leave(squares: Any) -> None:
    specs = (AreaFraction(), TwoPoint(), PixelStd())
    right, wrong = (
        squares.plain(measure(squares.spec(*specs, bootstrap=60), squares.data(sources=8), generate))["overall"]
        for generate in (squares.right, squares.wrong)
    )
    for name in ("area_fraction", "two_point", "pixel_std"):
        found = right[name]
        for key in ("r2", "floor_r2"):
            low, high = found[f"{key}_interval"]
            assert low <= found[key] <= high <= 1, name
    assert right["area_fraction"]["r2"] > 0.95
    assert wrong["area_fraction"]["r2"] < 0 < right["area_fraction"]["r2_interval"][0]
    assert wrong["area_fraction"]["floor_r2"] == right["area_fraction"]["floor_r2"]


def test_a_score_of_the_whole_set_has_an_interval(squares: Any) -> None:
    given = squares.data(sources=8)
    result = squares.plain(measure(squares.spec(PixelStd(), bootstrap=100), given, squares.right))
    score = result["conditions"][0]["scores"]["pixel_std"]
    for key in ("interval", "floor_interval", "deviation_interval", "floor_deviation_interval"):
        low, high = score[key]
        assert 0 <= low < high
    assert result["overall"]["pixel_std"]["mean_distance_interval"] is not None
    assert "no distribution of single values" in result["overall"]["pixel_std"]["absent"]["mean_ks"]


def test_intervals_of_the_spread_of_a_set_cover_it() -> None:
    """On images whose every pixel has the same law, the standard error of the spread is known."""
    descriptor = PixelStd().build()
    random = np.random.default_rng(0)
    images = np.clip(random.normal(128, 20, (100, 1, 4, 4)), 0, 255).astype(np.uint8)
    specimens = Specimens(images, np.zeros((100, 4, 4), bool))
    weights = np.stack([np.bincount(random.integers(0, 100, 100), minlength=100) for _ in range(400)])
    again = descriptor.redrawn(specimens, weights)
    assert again is not None
    spreads = np.array([one.values[0] for one in again])
    # A mean over 16 independent pixels, each with the standard error σ / √(2 (n − 1)).
    assert spreads.std() == pytest.approx(20 * 2 / 255 / np.sqrt(2 * 99 * 16), rel=0.15)
    drawn = Specimens(np.repeat(images, weights[0], axis=0), np.zeros((100, 4, 4), bool))
    assert again[0].values[0] == pytest.approx(descriptor.measure(drawn).values[0], rel=1e-4)
