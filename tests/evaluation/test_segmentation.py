"""One grey level for all images, and which phase is the primary one."""

import numpy as np
import pytest
from skimage.filters import threshold_otsu
from skimage.morphology import remove_small_holes, remove_small_objects

from alloygan.errors import DataError
from alloygan.evaluation.segmentation import fit_threshold, grey, primary_is_bright, segment


def two_phase(fraction: float, count: int = 4, channels: int = 1, shape: tuple[int, int] = (24, 32)) -> np.ndarray:
    random = np.random.default_rng(0)
    bright = random.random((count, 1, *shape)) < fraction
    levels = np.where(bright, 180, 70) + random.integers(-20, 21, bright.shape)
    return np.repeat(levels, channels, axis=1).astype(np.uint8)


def test_level_is_scikit_images_otsu_over_all_images_together() -> None:
    images = two_phase(0.3)
    images[0] //= 2  # one dark image: the level is not the mean of levels
    level = fit_threshold(images)
    np.testing.assert_array_equal(images[:, 0] > level, images[:, 0] > threshold_otsu(images))


def test_level_lies_in_the_middle_of_a_gap() -> None:
    images = np.where(np.random.default_rng(0).random((2, 1, 8, 8)) < 0.5, 0, 255).astype(np.uint8)
    assert fit_threshold(images) == 127.5
    # So that a generated image that is nearly right is segmented right.
    assert not segment(np.full((1, 1, 8, 8), 3, np.uint8), fit_threshold(images)).any()


@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_level_separates_the_phases(smooth: float) -> None:
    assert 90 < fit_threshold(two_phase(0.3), smooth) < 160


def test_parts_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    images = two_phase(0.3, count=7, channels=3)
    level, masks = fit_threshold(images, 0.7), segment(images, 120, 0.7)
    monkeypatch.setattr("alloygan.evaluation.segmentation._VALUES_AT_ONCE", 2 * 3 * 24 * 32)
    assert fit_threshold(images, 0.7) == level
    np.testing.assert_array_equal(segment(images, 120, 0.7), masks)


def test_channels_are_averaged() -> None:
    images = np.zeros((1, 3, 4, 6), np.uint8)
    images[:, 0] = 255
    assert grey(images).shape == (1, 4, 6)
    assert np.all(grey(images) == 85)
    np.testing.assert_array_equal(segment(two_phase(0.3, channels=3), 120), segment(two_phase(0.3, channels=1), 120))


def test_smoothing_removes_noise_and_stays_within_an_image() -> None:
    images = np.zeros((2, 1, 16, 16), np.uint8)
    images[0] = 255
    images[1, 0, 8, 8] = 255
    masks = segment(images, 127, 1.0)
    assert masks[0].all()
    assert not masks[1].any()


def test_dark_phase_is_the_complement() -> None:
    images = two_phase(0.3)
    np.testing.assert_array_equal(segment(images, 120, bright=False), ~segment(images, 120, bright=True))


def test_no_images_gives_no_masks() -> None:
    assert segment(np.zeros((0, 1, 4, 6), np.uint8), 120).shape == (0, 4, 6)


def test_constant_images_are_refused() -> None:
    with pytest.raises(DataError, match=r"grey level 7.*evaluation\.threshold"):
        fit_threshold(np.full((3, 1, 4, 4), 7, np.uint8))
    with pytest.raises(DataError, match="no training images"):
        fit_threshold(np.zeros((0, 1, 4, 4), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        fit_threshold(np.zeros((3, 1, 4, 4)))


def test_primary_phase() -> None:
    few, many = two_phase(0.3), two_phase(0.7)
    assert primary_is_bright("bright", many, 120)
    assert not primary_is_bright("dark", few, 120)
    assert primary_is_bright("minority", few, 120)
    assert not primary_is_bright("minority", many, 120)
    with pytest.raises(DataError, match="minority"):
        primary_is_bright("minority", few[:0], 120)


def test_specks_of_both_phases_go_as_in_scikit_image() -> None:
    images = two_phase(0.4, count=3)
    for limit in (1, 5, 12):
        expected = np.stack(
            [
                remove_small_holes(
                    remove_small_objects(mask, max_size=limit, connectivity=1), max_size=limit, connectivity=1
                )
                for mask in segment(images, 120)
            ]
        )
        np.testing.assert_array_equal(segment(images, 120, specks=limit), expected)
