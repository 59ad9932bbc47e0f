"""Which images are compared."""

import numpy as np
import pytest

from alloygan.evaluation.selection import halves_by_source, spread_over_sources


def test_spread_evenly_over_sources_and_along_each() -> None:
    source = np.repeat([4, 2, 9], [40, 40, 40])
    chosen = spread_over_sources(source, 12, 0)
    assert np.bincount(source[chosen], minlength=10)[[2, 4, 9]].tolist() == [4, 4, 4]
    for number in (2, 4, 9):
        places = chosen[source[chosen] == number] - np.flatnonzero(source == number)[0]
        assert (places // 10).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 9, 13, 14])
def test_small_sources_give_what_they_have(count: int) -> None:
    source = np.repeat([0, 1, 2, 3], [1, 2, 10, 1])
    chosen = spread_over_sources(source, count, 3)
    assert len(set(chosen.tolist())) == count
    assert np.all(np.diff(chosen) > 0)


def test_the_seed_decides() -> None:
    source = np.zeros(100, dtype=np.int64)
    np.testing.assert_array_equal(spread_over_sources(source, 10, [1, 2]), spread_over_sources(source, 10, [1, 2]))
    assert spread_over_sources(source, 10, 1).tolist() != spread_over_sources(source, 10, 2).tolist()
    with pytest.raises(ValueError, match="cannot be chosen"):
        spread_over_sources(source, 101, 0)


def test_halves_share_no_source() -> None:
    source = np.repeat([0, 1, 2, 3, 4], 3)
    first, second = halves_by_source(source, 0)
    assert not set(source[first]) & set(source[second])
    assert sorted([*first, *second]) == list(range(15))
    assert [len(half) for half in halves_by_source(source[:3], 0)] == [0, 0]
