import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloygan.data.cutting import Cut, cut_patches, downscaled, patch_places, regions
from alloygan.data.region import Region
from alloygan.errors import DataError


def numbered(height, width):
    """An image (3, H, W) in which every pixel is its own number."""
    number = np.arange(height * width).reshape(height, width)
    return np.stack([number >> 16, number >> 8 & 255, number & 255]).astype(np.uint8)


def numbers(patches):
    parts = patches.astype(np.int64)
    return parts[:, 0] << 16 | parts[:, 1] << 8 | parts[:, 2]


def test_area_average_in_whole_numbers():
    image = np.array([[[0, 1, 9], [2, 3, 9], [9, 9, 9]]], np.uint8)
    np.testing.assert_array_equal(downscaled(image, 2), [[[2]]])  # 1.5, rounded up
    np.testing.assert_array_equal(downscaled(np.full((2, 512, 512), 255, np.uint8), 512), np.full((2, 1, 1), 255))
    assert downscaled(image, 1) is image


def test_area_average_of_every_block():
    image = np.random.default_rng(0).integers(0, 256, (2, 17, 24), dtype=np.uint8)
    expected = [[[c[y : y + 5, x : x + 5].mean() for x in (0, 5, 10, 15)] for y in (0, 5, 10)] for c in image]
    assert np.abs(downscaled(image, 5) - np.array(expected)).max() <= 0.5


def test_the_strip_is_at_the_end_of_the_longer_side():
    cut = Cut((32, 16))
    assert regions((100, 200), cut, "a") == (Region(0, 0, 152, 100), Region(152, 0, 48, 100))
    assert regions((200, 100), cut, "a") == (Region(0, 0, 100, 136), Region(0, 136, 100, 64))
    assert regions((100, 200), Cut((32, 32), evaluation_fraction=0), "a") == (Region(0, 0, 200, 100), None)
    assert regions((100, 200), Cut((32, 32), evaluation_fraction=0.01), "a")[1] == Region(168, 0, 32, 100)


def test_default_stride():
    assert Cut((128, 64)).training_stride == (32, 16)
    assert Cut((2, 2)).training_stride == (1, 1)
    assert Cut((128, 64), (5, 6)).training_stride == (5, 6)


def test_patches_are_where_the_grid_says():
    image = numbered(40, 100)
    train, evaluation = cut_patches(image, Cut((16, 20), (8, 10)), "a")
    assert evaluation is not None
    assert train.shape == (4 * 7, 3, 16, 20)
    assert train.dtype == np.uint8
    assert train.flags.c_contiguous
    assert not np.shares_memory(train, image)
    np.testing.assert_array_equal(train[9], image[:, 8:24, 20:40])
    np.testing.assert_array_equal(evaluation, np.stack([image[:, :16, 80:], image[:, 16:32, 80:]]))


@given(st.data())
def test_training_and_evaluation_share_no_pixel(data):
    height, width = data.draw(st.integers(8, 60)), data.draw(st.integers(8, 60))
    cut = Cut(
        patch=(data.draw(st.integers(1, 16)), data.draw(st.integers(1, 16))),
        stride=data.draw(st.none() | st.tuples(st.integers(1, 20), st.integers(1, 20))),
        evaluation_fraction=data.draw(st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.9])),
    )
    try:
        train, evaluation = cut_patches(numbered(height, width), cut, "a")
    except DataError:
        return
    assert evaluation is not None
    assert len(train) >= 1
    assert len(evaluation) >= 1
    assert train.shape[2:] == evaluation.shape[2:] == cut.patch
    assert not np.intersect1d(numbers(train), numbers(evaluation)).size
    alone = numbers(evaluation)
    assert len(np.unique(alone)) == alone.size


def test_no_evaluation_region():
    train, evaluation = cut_patches(numbered(32, 32), Cut((32, 32), evaluation_fraction=0), "a")
    assert len(train) == 1
    assert evaluation is None


@pytest.mark.parametrize(
    ("size", "cut", "said"),
    [
        ((100, 20), Cut((32, 32)), "a.png: 100 × 20 px hold no training patch of 32 × 32 px"),
        ((40, 40), Cut((32, 32)), "beside an evaluation strip of 32 px along the longer side"),
        ((40, 40), Cut((32, 32)), "a smaller evaluation_fraction (0: no strip), or exclude the micrograph"),
        ((80, 80), Cut((32, 32), downscale=3), "a.png: 26 × 26 px after downscale: 3 hold"),
        (
            (80, 80),
            Cut((32, 32), downscale=3, evaluation_fraction=0),
            "choose a smaller patch or downscale, or exclude",
        ),
        ((64, 64), Cut((32, 32), evaluation_fraction=0.9), "beside an evaluation strip of 64 px"),
    ],
)
def test_too_small(size, cut, said):
    with pytest.raises(DataError) as caught:
        regions(size, cut, "a.png")
    assert said in str(caught.value)


def test_regions_to_avoid():
    image = numbered(40, 100)
    train, evaluation = cut_patches(
        image, Cut((16, 20), (8, 10)), "a", avoid=[Region(0, 0, 100, 5), Region(30, 20, 1, 1)]
    )
    assert len(train) > 0
    avoided = numbers(image[None, :, :5])[0].ravel()
    for patches in (train, evaluation):
        assert not np.intersect1d(numbers(patches), avoided).size
        assert not np.isin(numbers(image[None])[0, 20, 30], numbers(patches))
    assert len(evaluation) == 1


def test_an_evaluation_region_anywhere():
    image = numbered(60, 90)
    region = Region(30, 10, 33, 40)
    train, evaluation = cut_patches(image, Cut((16, 16), (4, 4)), "a", evaluation=region)
    np.testing.assert_array_equal(evaluation[0], image[:, 10:26, 30:46])
    assert len(evaluation) == 2 * 2
    inside = numbers(image[None, :, region.rows, region.columns])
    assert not np.intersect1d(numbers(train), inside).size
    places = patch_places((60, 90), Cut((16, 16), (4, 4)), "a", evaluation=region).training
    assert len(places) == len(train)


def test_the_grid_starts_behind_an_evaluation_region_and_its_gap():
    cut = Cut((16, 16), (16, 16))
    gap = Region(33, 0, 1, 32)
    places = patch_places((32, 100), cut, "a", avoid=[gap], evaluation=Region(0, 0, 33, 32))
    assert sorted(set(places.training[:, 1].tolist())) == [34, 50, 66, 82]
    below = patch_places((100, 32), cut, "a", evaluation=Region(0, 0, 32, 20))
    assert sorted(set(below.training[:, 0].tolist())) == [20, 36, 52, 68, 84]


@given(st.data())
def test_given_regions_share_no_pixel_after_downscaling(data):
    box = st.builds(Region, st.integers(0, 50), st.integers(0, 50), st.integers(1, 40), st.integers(1, 40))
    inside = Region(0, 0, data.draw(st.integers(20, 90)), data.draw(st.integers(20, 90)))
    evaluation = data.draw(box).part_in(inside)
    avoid = [part for one in data.draw(st.lists(box, max_size=3)) if (part := one.part_in(inside))]
    side, factor = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 4))
    cut = Cut((side, side), (data.draw(st.integers(1, 5)),) * 2, factor)
    try:
        places = patch_places((inside.height, inside.width), cut, "a", avoid=avoid, evaluation=evaluation)
    except DataError:
        return

    def used(sites):
        cover = np.zeros((inside.height, inside.width), dtype=bool)
        for top, left in sites * factor:
            cover[top : top + side * factor, left : left + side * factor] = True
        return cover

    # Without an evaluation region there is the strip, in px after downscaling.
    assert not (used(places.training) & used(places.evaluation)).any()
    for one in avoid:
        assert not used(places.training)[one.rows, one.columns].any()
        assert not used(places.evaluation)[one.rows, one.columns].any()
    if evaluation is not None:
        outside = np.ones((inside.height, inside.width), dtype=bool)
        outside[evaluation.rows, evaluation.columns] = False
        assert not (used(places.evaluation) & outside).any()
        assert not (used(places.training) & ~outside).any()


def test_regions_that_leave_nothing():
    with pytest.raises(DataError, match="leave no training patch of 16 × 16 px"):
        patch_places((40, 40), Cut((16, 16)), "a", evaluation=Region(0, 0, 40, 40))
    with pytest.raises(DataError, match="leave no evaluation patch"):
        patch_places((80, 80), Cut((16, 16)), "a", evaluation=Region(0, 0, 10, 40))
    with pytest.raises(DataError, match="leave no evaluation patch"):
        patch_places((40, 100), Cut((16, 16)), "a", avoid=[Region(60, 0, 40, 40)])


def test_all_or_nothing_for_evaluation():
    image, cut = numbered(40, 70), Cut((16, 16), (8, 8))
    train, evaluation = cut_patches(image, cut, "a", evaluation="all")
    assert train.shape == (0, 3, 16, 16)
    assert len(evaluation) == 2 * 4
    np.testing.assert_array_equal(evaluation[5], image[:, 16:32, 16:32])
    train, evaluation = cut_patches(image, cut, "a", avoid=[Region(0, 0, 8, 8)], evaluation="none")
    assert evaluation is None
    assert len(train) == 4 * 7 - 1
    np.testing.assert_array_equal(train[0], image[:, :16, 8:24])
    halved = patch_places((40, 70), Cut((16, 16), downscale=2), "a", evaluation="all")
    assert halved.evaluation.tolist() == [[0, 0], [0, 16]]


@pytest.mark.parametrize(("part", "word"), [("all", "evaluation"), ("none", "training")])
def test_all_or_nothing_of_too_little(part, word):
    with pytest.raises(DataError, match=r"a: 15 × 40 px after downscale: 2 hold no patch of 16 × 16 px; .*downscale"):
        patch_places((30, 80), Cut((16, 16), downscale=2), "a", evaluation=part)
    with pytest.raises(DataError, match=f"leave no {word} patch of 16 × 16 px"):
        patch_places((20, 20), Cut((16, 16)), "a", avoid=[Region(8, 8, 1, 1)], evaluation=part)
