import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import downscale_local_mean, resize

from alloygan.data.image_files import Header
from alloygan.data.image_parts import ImageParts, open_parts
from alloygan.data.region import Region
from alloygan.errors import DataError
from alloygan.preparation.rescaled import Rescaled


def parts_of(array, white=255.0):
    planes = array[None] if array.ndim == 2 else array
    return ImageParts(
        Header(planes.shape[1], planes.shape[2], planes.shape[0]), white, lambda r: planes[:, r.rows, r.columns]
    )


def rescaled(array, factor, roi=None, white=255.0, **settings):
    whole = Region(0, 0, array.shape[-1], array.shape[-2])
    return Rescaled(parts_of(array, white), "a.png", roi or whole, factor, **settings)


IMAGE = np.random.default_rng(0).integers(0, 256, (97, 133), dtype=np.uint8)


def test_a_whole_factor_is_the_mean_of_blocks():
    for factor in (1, 2, 5):
        cut = IMAGE[: 97 // factor * factor, : 133 // factor * factor]
        expected = downscale_local_mean(cut.astype(float), (factor, factor)) * 257
        np.testing.assert_allclose(rescaled(IMAGE, factor).whole(), expected, atol=0.5)


@pytest.mark.parametrize("factor", [1.3, 1.667, 2.5, 0.85])
def test_the_mean_is_kept(factor):
    side = round(80 / factor)
    whole = rescaled(IMAGE[:80, :80], 80 / side)
    assert whole.size == (side, side)
    assert abs(whole.whole().mean() / 257 - IMAGE[:80, :80].mean()) < 0.01


def test_area_weights_of_a_broken_factor():
    line = np.array([[0, 60, 120, 30]], dtype=np.uint8).repeat(4, axis=0)
    got = rescaled(line, 1.5).whole() / 257
    assert got.shape == (2, 2)
    np.testing.assert_allclose(got[0], [(0 + 0.5 * 60) / 1.5, (0.5 * 60 + 120) / 1.5], atol=0.01)


def test_as_smooth_images_are_resized_elsewhere():
    y, x = np.mgrid[:200, :260]
    smooth = (128 + 60 * np.sin(x / 17) * np.cos(y / 23)).astype(np.uint8)
    factor = 260 / 104
    expected = resize(smooth.astype(float), (80, 104), anti_aliasing=True)
    assert np.abs(rescaled(smooth, factor).whole() / 257 - expected)[2:-2, 2:-2].max() < 2


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_parts_agree_with_the_whole(data):
    factor = data.draw(st.sampled_from([0.8, 1.0, 1.25, 1.7, 2.0, 3.3]))
    image = rescaled(IMAGE, factor, roi=Region(3, 5, 120, 90))
    tiny = rescaled(IMAGE, factor, roi=Region(3, 5, 120, 90), tile_pixels=data.draw(st.integers(1, 500)))
    whole = image.whole()
    height, width = image.size
    np.testing.assert_array_equal(tiny.whole(), whole)
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    part = Region(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
    np.testing.assert_array_equal(tiny.read(part), whole[part.rows, part.columns])


def test_only_the_area_of_a_px_takes_part():
    other = IMAGE.copy()
    other[:, 60:] = 255 - other[:, 60:]
    for factor in (1.0, 1.7, 2.0, 2.6):
        one, two = rescaled(IMAGE, factor).whole(), rescaled(other, factor).whole()
        clear = int(60 / factor + 1e-9)
        np.testing.assert_array_equal(one[:, :clear], two[:, :clear])
        assert (one[:, clear + 1 :] != two[:, clear + 1 :]).mean() > 0.9


def test_depths_and_colours(tmp_path):
    deep = (IMAGE.astype(np.uint16) << 8) + 17
    np.testing.assert_array_equal(rescaled(deep, 1, white=65535.0).whole(), deep)
    np.testing.assert_array_equal(rescaled((deep >> 4), 1, white=4095.0).whole() // 16, deep >> 4)
    np.testing.assert_array_equal(rescaled(np.stack([IMAGE] * 3), 1).whole(), IMAGE.astype(np.uint16) * 257)
    red = np.stack([IMAGE, np.zeros_like(IMAGE), np.zeros_like(IMAGE)])
    np.testing.assert_allclose(rescaled(red, 1).whole(), 0.299 * 257 * IMAGE.astype(float), atol=0.51)
    tifffile.imwrite(tmp_path / "f.tif", IMAGE / np.float32(255))
    with open_parts(tmp_path / "f.tif") as parts:
        floats = Rescaled(parts, tmp_path / "f.tif", Region(0, 0, 133, 97), 1.0).whole()
    np.testing.assert_allclose(floats, IMAGE.astype(float) * 257, atol=1)


def test_floats_that_are_no_levels():
    with pytest.raises(DataError, match="must lie in"):
        rescaled(np.full((4, 4), 7.0, dtype=np.float32), 1, white=1.0).whole()
