import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.exposure import equalize_adapthist

from alloygan.data.region import Region
from alloygan.preparation.clahe import equalised


def levels(shape, seed=0):
    random = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(random.standard_normal(shape), 3)
    field = field / field.std() + 0.5 * random.random(shape) + np.linspace(0, 3, shape[1])
    return np.rint(65_535 * (field - field.min()) / np.ptp(field)).astype(np.uint16)


@pytest.mark.parametrize(("shape", "block"), [((200, 310), 64), ((150, 130), 128), ((96, 400), 96)])
@pytest.mark.parametrize("clip_limit", [0.008, 0.03])
def test_as_scikit_image_but_for_a_linear_change(shape, block, clip_limit):
    image = levels(shape)
    whole = Region(0, 0, shape[1], shape[0])
    got = equalised(lambda r: image[r.rows, r.columns], whole, whole, block, clip_limit).astype(float)
    expected = 255 * equalize_adapthist(image, kernel_size=block, clip_limit=clip_limit, nbins=256)
    slope, offset = np.polyfit(expected.ravel(), got.ravel(), 1)
    assert 0.9 < slope < 1.1
    assert np.abs(slope * expected + offset - got).max() <= 1


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_parts_agree_with_the_whole(data):
    height, width = data.draw(st.integers(40, 260)), data.draw(st.integers(40, 260))
    block = data.draw(st.sampled_from([32, 50, 64]))
    image = levels((height, width), seed=height)
    area = Region(7, 3, width - 7, height - 3)
    x, y = data.draw(st.integers(7, width - 1)), data.draw(st.integers(3, height - 1))
    region = Region(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))

    def read(part):
        assert part.part_in(area) == part
        return image[part.rows, part.columns]

    whole = equalised(read, area, area, block, 0.01, part=10_000)
    part = equalised(read, area, region, block, 0.01, part=block)
    place = region.moved(-7, -3)
    assert np.abs(whole[place.rows, place.columns].astype(int) - part).max() <= 1
