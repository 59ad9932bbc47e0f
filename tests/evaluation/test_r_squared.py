"""R² about the line other = real."""

import pytest

from alloygan.evaluation.r_squared import r_squared


def test_r_squared_is_about_the_line_and_nothing_is_fitted() -> None:
    assert r_squared([1, 2, 3], [1, 2, 3]) == 1
    assert r_squared([1, 2, 3], [2, 2, 2]) == 0
    # A fitted line would go through all points, and call this 1.
    assert r_squared([1, 2, 3], [2, 4, 6]) == pytest.approx(1 - 14 / 2)


def test_there_is_none_of_too_few_conditions_or_of_alike_ones() -> None:
    assert r_squared([1, 2], [1, 2]) is None
    assert r_squared([2, 2, 2], [1, 2, 3]) is None
    assert r_squared([0.1 + 0.2, 0.3, 0.3], [1, 2, 3]) is None, "they differ by rounding"
