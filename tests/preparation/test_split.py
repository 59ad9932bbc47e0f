import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloygan.data.cutting import Cut
from alloygan.data.region import Region
from alloygan.errors import DataError
from alloygan.preparation.split import split


def test_the_strip_of_a_whole_micrograph_is_that_of_the_data_set():
    found = split((100, 400), Cut((32, 32)), "a", (), None, 1.0)
    assert found.evaluation == Region(304, 0, 96, 100)
    assert found.avoid == ()
    assert split((400, 100), Cut((32, 32)), "a", (), None, 1.0).evaluation == Region(0, 304, 100, 96)


def test_the_end_with_more_evaluation_patches():
    crack = [Region(350, 0, 10, 90)]
    assert split((100, 400), Cut((32, 32)), "a", crack, None, 1.0).evaluation == Region(0, 0, 96, 100)
    both = [Region(0, 0, 96, 100), Region(304, 0, 96, 100)]
    found = split((100, 400), Cut((32, 32)), "a", both, None, 1.0)
    assert found.evaluation == Region(0, 68, 400, 32)


def test_nothing_left():
    with pytest.raises(DataError, match=r"a: .* leave no .* patch"):
        split((100, 400), Cut((32, 32)), "a", [Region(0, 0, 400, 90)], None, 1.0)
    with pytest.raises(DataError, match="hold no training patch"):
        split((40, 40), Cut((32, 32)), "a", (), None, 1.0)


def test_no_evaluation():
    found = split((64, 64), Cut((32, 32), evaluation_fraction=0), "a", (), None, 1.5)
    assert found.evaluation is None
    assert found.avoid == ()
    assert found.counts == (25, 0)


@given(st.data())
@settings(deadline=None)
def test_no_px_of_the_file_is_in_both(data):
    factor = data.draw(st.sampled_from([1.0, 2.0, 1.3, 0.85, 2.71, 3.0]))
    size = data.draw(st.integers(30, 120)), data.draw(st.integers(30, 120))
    patch = data.draw(st.integers(4, 20)), data.draw(st.integers(4, 20))
    cut = Cut(patch, (data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))), 1, data.draw(st.floats(0.05, 0.6)))
    box = st.builds(Region, st.integers(0, 100), st.integers(0, 100), st.integers(1, 30), st.integers(1, 30))
    inside = Region(0, 0, size[1], size[0])
    avoid = [part for one in data.draw(st.lists(box, max_size=4)) if (part := one.part_in(inside))]
    given_region = data.draw(
        st.none() | st.builds(Region, st.integers(0, 60), st.integers(0, 60), st.just(30), st.just(30))
    )
    given_region = given_region.part_in(inside) if given_region else None
    try:
        found = split(size, cut, "a", avoid, given_region, factor)
    except DataError:
        return
    used = {}
    for part, sites in (("training", found.places.training), ("evaluation", found.places.evaluation)):
        file_px = np.zeros([int(side * factor) + 2 for side in size], dtype=bool)
        for top, left in sites:
            rows = slice(int(np.floor(top * factor + 1e-9)), int(np.ceil((top + patch[0]) * factor - 1e-9)))
            columns = slice(int(np.floor(left * factor + 1e-9)), int(np.ceil((left + patch[1]) * factor - 1e-9)))
            file_px[rows, columns] = True
            here = Region(int(left), int(top), patch[1], patch[0])
            assert here.part_in(inside) == here
            assert not any(here.meets(one) for one in avoid)
        used[part] = file_px
    assert used["training"].any()
    assert used["evaluation"].any()
    assert not (used["training"] & used["evaluation"]).any()


def test_all_or_nothing_for_evaluation_needs_no_gap():
    cut, crack = Cut((32, 32)), Region(0, 0, 10, 10)
    found = split((64, 96), cut, "a", [crack], "all", 1.5)
    assert (found.evaluation, found.evaluation_region, found.avoid) == ("all", None, (crack,))
    assert found.counts == (0, 5)
    found = split((64, 96), cut, "a", [crack], "none", 1.5)
    assert (found.evaluation, found.evaluation_region, found.avoid) == ("none", None, (crack,))
    assert found.counts == (5 * 9 - 4, 0)
