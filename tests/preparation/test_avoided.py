import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from alloygan.data.region import Region
from alloygan.preparation.avoided import rectangles_around


def covered(rectangles, size):
    cover = np.zeros(size, dtype=int)
    for one in rectangles:
        cover[one.rows, one.columns] += 1
    return cover


def test_nothing_to_avoid():
    assert rectangles_around(np.zeros((5, 5), dtype=bool), 1.0, (5, 5), 3.0, (8, 8)) == ()


def test_a_block_becomes_one_rectangle():
    mask = np.zeros((64, 64), dtype=bool)
    mask[20:24, 8:16] = True
    assert rectangles_around(mask, 1.0, (64, 64), 0.0, (32, 32)) == (Region(8, 20, 8, 4),)


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_all_within_the_margin_is_covered_once_and_not_much_more(data):
    step = data.draw(st.sampled_from([1.0, 2.0, 1.7, 0.6, 13.0]))
    shape = data.draw(st.integers(5, 40)), data.draw(st.integers(5, 40))
    margin = data.draw(st.floats(0, 20))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    mask = random.random(shape) < 0.02
    size = int(shape[0] * step), int(shape[1] * step)
    cell = max(4, -(-max(size) // 256))
    cover = covered(rectangles_around(mask, step, size, margin, (32, 48)), size)
    assert cover.max(initial=0) <= 1
    if not mask.any():
        assert not cover.any()
        return
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    rows, columns = np.nonzero(mask)
    distance = np.full(size, np.inf)
    for row, column in zip(rows, columns, strict=True):
        down = np.maximum(0, np.maximum(row * step - y, y - (row + 1) * step))
        across = np.maximum(0, np.maximum(column * step - x, x - (column + 1) * step))
        distance = np.minimum(distance, np.hypot(down, across))
    inside = distance == 0
    assert cover[inside].all()
    assert cover[distance < margin - step].all()
    assert not cover[distance > margin + 2 * step + 2 * cell].any()


def test_a_long_crack_takes_few_rectangles():
    mask = np.zeros((1000, 1000), dtype=bool)
    index = np.arange(100, 900)
    mask[index, index] = True
    mask = ndimage.binary_dilation(mask, iterations=2)
    rectangles = rectangles_around(mask, 30.0, (30_000, 30_000), 64.0, (256, 256))
    assert len(rectangles) < 600
    assert sum(one.width * one.height for one in rectangles) < 0.03 * 30_000**2
