"""Intervals cover what they should, and images are drawn with all that is in them."""

import numpy as np
import pytest

from alloygan.evaluation.bootstrap import Resampler, interval, redrawn, thinned
from alloygan.interfaces.descriptor import Measurement


def test_images_are_drawn_with_all_their_values() -> None:
    measurement = Measurement(np.array([1.0, 2.0, 3.0, 4.0]), image=np.array([0, 0, 2, 3]))
    drawn = redrawn(measurement, np.array([2, 1, 0, 1]))
    assert drawn is not None
    assert drawn.values.tolist() == [1.0, 1.0, 2.0, 2.0, 4.0]
    curves = Measurement(np.arange(6.0).reshape(3, 2), axis=np.arange(2.0), image=np.arange(3))
    again = redrawn(curves, np.array([0, 3, 0]))
    assert again is not None
    assert again.values.tolist() == [[2.0, 3.0]] * 3


def test_values_of_no_image_cannot_be_drawn_again() -> None:
    assert redrawn(Measurement(np.array([1.0])), np.array([1, 1, 1])) is None


def test_many_sources_are_the_units_and_few_are_not() -> None:
    random = np.random.default_rng(0)
    source = np.repeat(np.arange(6), 4)
    for _ in range(10):
        weights = Resampler(source, 24).weights(random).reshape(6, 4)
        assert (weights == weights[:, :1]).all()
        assert weights[:, 0].sum() == 6
    few = Resampler(np.repeat([3, 9], 12), 24)
    assert few.units == 24
    assert few.weights(random).sum() == 24
    assert Resampler(None, 0).weights(random).shape == (0,)


def test_intervals_of_a_mean_cover_it_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        values = random.exponential(1.0, 60)
        measurement = Measurement(values, image=np.arange(60))
        resampler = Resampler(None, 60)
        means = [redrawn(measurement, resampler.weights(random)).values.mean() for _ in range(200)]  # type: ignore[union-attr]
        low, high = interval(values.mean(), means)  # type: ignore[misc]
        covered += low <= 1.0 <= high
    assert 0.88 < covered / 300 < 0.98


def test_a_score_lies_in_its_interval_though_resamples_lie_above_it() -> None:
    low, high = interval(0.1, list(np.linspace(0.15, 0.35, 101)))  # type: ignore[misc]
    assert (low, high) == (pytest.approx(0.005), pytest.approx(0.195))
    assert interval(0.01, list(np.linspace(0.1, 0.3, 101)))[0] == 0.0  # type: ignore[index]


def test_a_score_with_a_greatest_value_has_an_interval_within_it() -> None:
    low, high = interval(0.99, list(np.linspace(0.5, 0.9, 101)), (-np.inf, 1.0))  # type: ignore[misc]
    assert (low, high) == (pytest.approx(0.8), 1.0)
    assert interval(-3.0, list(np.linspace(-5, -4, 101)), (-np.inf, 1.0))[0] < -3  # type: ignore[index]


def test_without_enough_there_is_no_interval() -> None:
    assert interval(None, [1.0, 2.0]) is None
    assert interval(1.0, []) is None
    assert interval(1.0, [None, 1.0]) is None


def test_thinning_keeps_whole_ranges() -> None:
    measurement = Measurement(np.arange(10_000.0), image=np.arange(10_000) // 10)
    few = thinned(measurement)
    assert len(few.values) == 4000
    assert (few.image == few.values // 10).all()
    assert thinned(few) is few
