"""Silverman's test finds several peaks where there are, and none where there are none."""

import numpy as np
import pytest

from alloygan.evaluation.modality import peaks


def lognormal(count: int, seed: int) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0.5, 0.3, count))


def two_populations(count: int, seed: int, apart: float = 0.8) -> np.ndarray:
    """Aspect ratios as in the paper's Figure S-4: elongated grains, and small ones that were not deformed."""
    random = np.random.default_rng(seed)
    small = random.random(count) < 0.4
    return np.exp(np.where(small, random.normal(0.1, 0.08, count), random.normal(0.1 + apart, 0.15, count)))


@pytest.mark.parametrize("count", [60, 400, 5000])
def test_two_populations_have_two_peaks(count: int) -> None:
    found = [peaks(two_populations(count, seed)) for seed in range(5)]
    assert [one.count for one in found if one] == [2] * 5
    assert all(one is not None and one.p <= 0.01 for one in found)


def test_one_population_is_seldom_given_two() -> None:
    counts = [peaks(lognormal(n, seed)).count for seed in range(20) for n in (60, 400)]  # type: ignore[union-attr]
    assert counts.count(1) >= 39  # 40 tests at 1 %; the test is conservative


def test_values_in_steps_are_not_peaks() -> None:
    # Equivalent diameters of few pixels: sqrt of whole numbers.
    sizes = np.random.default_rng(0).poisson(12, 4000) + 5
    assert peaks(2 * np.sqrt(sizes / np.pi)) is not None
    assert peaks(2 * np.sqrt(sizes / np.pi)).count == 1  # type: ignore[union-attr]


def test_a_value_far_from_all_others_is_no_peak() -> None:
    found = peaks(np.append(lognormal(200, 4), [40.0]))
    assert found is not None
    assert found.count == 1


@pytest.mark.parametrize("count", [200, 900])
@pytest.mark.parametrize("centres", [(0.0, 0.6, 1.2), (0.0, 0.5, 1.0, 1.5)])
def test_three_and_four_populations(centres: tuple[float, ...], count: int) -> None:
    """One peak alone is not rejected here: its critical density is as wide as all of them."""
    for seed in range(4):
        random = np.random.default_rng(seed)
        found = peaks(np.exp(random.choice(centres, count) + 0.06 * random.standard_normal(count)))
        assert found is not None
        assert (found.count, found.p) == (len(centres), 0.0)


def test_too_little_says_nothing() -> None:
    assert peaks(lognormal(29, 0)) is None
    assert peaks(np.full(100, 2.0)) is None
    assert peaks(np.zeros(0)) is None
    assert peaks(np.append(lognormal(100, 0), np.inf)) is None


def test_it_is_the_same_again() -> None:
    values = lognormal(300, 3)
    assert peaks(values) == peaks(values.copy())
