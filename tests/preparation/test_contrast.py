import numpy as np
import pytest
from skimage.exposure import match_histograms, rescale_intensity

from alloygan.errors import DataError
from alloygan.preparation.contrast import applied, between_quantiles, matching, refuse_constant, unchanged

RANDOM = np.random.default_rng(0)
SAMPLE = RANDOM.normal(30_000, 4_000, 20_000).clip(0, 65_535).astype(np.uint16)


def test_unchanged():
    eight = np.arange(256, dtype=np.uint16) * 257
    np.testing.assert_array_equal(applied(eight, unchanged()), np.arange(256))


def test_quantiles():
    level_map, low, high = between_quantiles(SAMPLE, (1.0, 98.0), "a")
    assert (low, high) == tuple(np.percentile(SAMPLE, (1, 98)))
    expected = rescale_intensity(SAMPLE.astype(float), in_range=(low, high), out_range=(0.0, 255.0))
    np.testing.assert_array_equal(applied(SAMPLE, level_map), np.rint(expected))


def test_matching_is_that_of_scikit_image_and_covers_levels_that_the_sample_lacks():
    reference = RANDOM.integers(0, 65_536, 30_000).astype(np.uint16)
    level_map = matching(SAMPLE, reference)
    np.testing.assert_array_equal(applied(SAMPLE, level_map), np.rint(match_histograms(SAMPLE, reference) / 257))
    assert (np.diff(level_map) >= 0).all()


def test_bad_samples():
    constant = np.full(100, 257 * 9, dtype=np.uint16)
    with pytest.raises(DataError, match=r"a: the training region has one grey level \(9 of 255\)"):
        refuse_constant(constant, "a")
    nearly = constant.copy()
    nearly[0] = 0
    refuse_constant(nearly, "a")
    with pytest.raises(DataError, match="nearly all px have one level"):
        between_quantiles(nearly, (5.0, 95.0), "a")
