"""Cracks, uneven brightness and noise: visible, known, and without influence on what else is drawn."""

import numpy as np
import pytest
from scipy import ndimage

from alloygan_plugins.synthetic_alloy.defects import draw_cracks, uneven_brightness
from alloygan_plugins.synthetic_alloy.law import truth_at
from alloygan_plugins.synthetic_alloy.micrograph import Look, Seed, crack_count, draw_micrograph

TRUTH = truth_at(800, 0.1)
SIZE = (256, 256)


def test_cracks_are_dark_long_and_in_the_truth() -> None:
    plain = draw_micrograph(TRUTH, 0.5, Look(SIZE), Seed(0))
    cracked = draw_micrograph(TRUTH, 0.5, Look(SIZE, cracks=2), Seed(0))
    assert not plain.crack_mask.any()
    assert np.percentile(cracked.image[cracked.crack_mask], 75) < 15
    assert plain.image.min() > 50
    # Away from the cracks nothing has changed, and the primary phase ends at them.
    far = ~ndimage.binary_dilation(cracked.crack_mask, iterations=2)
    assert np.array_equal(plain.image[far], cracked.image[far])
    assert np.array_equal(cracked.mask, plain.mask & ~cracked.crack_mask)


def test_a_crack_is_long_and_several_pixels_wide() -> None:
    for number in range(8):
        cover = draw_cracks(1, (512, 512), 0.5, np.random.default_rng(number), elongated_along=0.0)
        crack = cover > 0.5
        rows, columns = np.nonzero(crack)
        length = np.hypot(np.ptp(rows), np.ptp(columns))
        assert length > 512 / 8
        width = 2 * ndimage.distance_transform_edt(crack).max()
        assert 3 <= width <= 20
        assert crack.mean() < 0.02


def test_cracks_by_the_law_are_as_frequent_as_it_says() -> None:
    look = Look((512, 512), cracks="law")
    for temperature, rate in ((800, 0.1), (900, 0.1), (1100, 0.001)):
        truth = truth_at(temperature, rate)
        counts = [
            crack_count(truth, 0.5, look, Seed(0, number=number).stream(truth, "cracks")) for number in range(2000)
        ]
        # Per mm²; a micrograph has 0.0655.
        expected = truth.cracks * 0.256**2
        assert np.mean(counts) == pytest.approx(expected, abs=4 * (expected / 2000) ** 0.5)
        assert np.var(counts) == pytest.approx(expected, rel=0.2, abs=0.005)
    drawn = draw_micrograph(TRUTH, 1.0, look, Seed(0))
    count = crack_count(TRUTH, 1.0, look, Seed(0).stream(TRUTH, "cracks"))
    assert count > 0
    assert drawn.crack_mask.any()


def test_noise_has_the_deviation_asked_for() -> None:
    clean, noisy = (draw_micrograph(TRUTH, 0.5, Look(SIZE, noise=noise), Seed(0)) for noise in (0.0, 6.0))
    assert np.array_equal(clean.mask, noisy.mask)
    difference = noisy.image.astype(float) - clean.image
    assert difference.std() == pytest.approx(6, rel=0.03)
    assert difference.mean() == pytest.approx(0, abs=0.1)


def test_drift_changes_brightness_slowly_and_contrast_as_a_whole() -> None:
    clean = draw_micrograph(TRUTH, 0.5, Look(SIZE), Seed(0))
    slopes, gains = [], []
    for number in range(12):
        image = clean.image.astype(np.float32)
        drifted = uneven_brightness(image, 0.2, np.random.default_rng(number))
        change = drifted - image
        assert np.abs(change).max() <= 0.2 * (128 + np.abs(image - 128).max()) + 1e-3
        means = change.reshape(4, 64, 4, 64).mean(axis=(1, 3))
        slopes.append(np.ptp(means))
        gains.append(np.std(drifted - ndimage.gaussian_filter(drifted, 20)) / np.std(image))
    assert min(slopes) > 10
    assert np.ptp(gains) > 0.1


def test_drift_makes_one_grey_level_fail_where_it_is_strong() -> None:
    look = Look(SIZE, contrast_drift=0.3)
    clean, drifted = (draw_micrograph(TRUTH, 0.5, one, Seed(2)) for one in (Look(SIZE), look))
    agree = [((one.image < 118) == one.mask).mean() for one in (clean, drifted)]
    assert agree[0] > 0.98
    assert agree[1] < agree[0] - 0.01
