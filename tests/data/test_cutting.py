import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloygan.data.cutting import Cut, cut_patches, downscaled, regions
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
