"""Distances of measurements."""

import numpy as np
import pytest

from alloygan.evaluation.distances import difference_of_mean_curves, difference_of_means, wasserstein
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
