"""Distances of measurements."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from alloygan.evaluation.distances import (
    difference_of_mean_curves,
    difference_of_means,
    kolmogorov_smirnov,
    wasserstein,
)
from alloygan.interfaces.descriptor import Measurement


def values(*numbers: float, unit: str = "px") -> Measurement:
    return Measurement(np.array(numbers, dtype=np.float64), unit=unit)


def test_wasserstein_of_a_shift_is_the_shift() -> None:
    assert wasserstein(values(1, 2, 3), values(3, 4, 5)) == pytest.approx(2)
    assert wasserstein(values(1, 2), values(1, 1, 2, 2)) == 0
    assert wasserstein(values(), values(1)) is None
    with pytest.raises(ValueError, match="px and um"):
        wasserstein(values(1), values(1, unit="um"))


def test_difference_of_means() -> None:
    assert difference_of_means(values(1, 3), values(5)) == 3
    assert difference_of_means(values(1), values()) is None


def test_mean_curves() -> None:
    axis = np.arange(3.0)
    one = Measurement(np.array([[0.0, 0, 0], [2, 2, 2]]), axis=axis)
    other = Measurement(np.array([[1.0, 2, 4]]), axis=axis)
    assert difference_of_mean_curves(one, other) == pytest.approx((0 + 1 + 3) / 3)
    assert difference_of_mean_curves(one, Measurement(np.zeros((0, 3)), axis=axis)) is None
    with pytest.raises(ValueError, match="axes"):
        difference_of_mean_curves(one, Measurement(np.zeros((1, 3)), axis=axis * 2))


def test_kolmogorov_smirnov_is_scipys_statistic() -> None:
    random = np.random.default_rng(0)
    for one, other in (
        (random.normal(0, 1, 50), random.normal(0.5, 1, 80)),
        (random.poisson(3, 40), random.poisson(4, 40)),
    ):
        expected = ks_2samp(one, other).statistic
        found = kolmogorov_smirnov(Measurement(one.astype(float)), Measurement(other.astype(float)))
        assert found == pytest.approx(expected, abs=1e-12)


def test_kolmogorov_smirnov_of_curves_or_single_values_is_none() -> None:
    curves = Measurement(np.ones((3, 4)), axis=np.arange(4.0))
    assert kolmogorov_smirnov(curves, curves) is None
    assert kolmogorov_smirnov(Measurement(np.ones(1)), Measurement(np.ones(5))) is None
