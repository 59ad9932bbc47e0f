"""Contrast-limited adaptive histogram equalisation (CLAHE) of an image in parts that agree exactly with the whole.

scikit-image's `equalize_adapthist` maps each px by the histograms of the blocks around it, which a part that is cut
along blocks, with a block more on each side, has too. But before and after, it stretches the levels of the whole image,
which a part does not know. So a block of calibration is laid above each part and cut off afterwards; it holds the
darkest and the brightest level that there can be, before and after. A copy of the uppermost blocks lies between, which
is what scikit-image assumes beyond an image's edge. What is left of a difference to `equalize_adapthist` of the whole
image is its last stretch: a linear change of all grey levels.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from skimage.exposure import equalize_adapthist

from alloygan.data.region import Region
from alloygan.preparation.rescaled import WHITE, Levels

BINS = 256
_PART = 1024  # px a side that are worked on at a time, without the blocks around them

Read = Callable[[Region], Levels]


def equalised(
    read: Read, area: Region, region: Region, block: int, clip_limit: float, *, part: int = _PART
) -> NDArray[np.uint8]:
    """CLAHE of `area` in blocks of `block` px, at its part `region`; `read` gives levels of 16 bits.

    Nothing outside of the area takes part. The blocks are not larger than the area.
    """
    block = min(block, area.height, area.width)
    picture = np.empty((region.height, region.width), dtype=np.uint8)
    step = block * max(1, part // block)
    for top in range(area.y, area.bottom, step):
        for left in range(area.x, area.right, step):
            core = Region(left, top, step, step).part_in(region)
            if core is not None:
                place = core.moved(-region.x, -region.y)
                picture[place.rows, place.columns] = _part(read, area, core, block, clip_limit)
    return picture


def _part(read: Read, area: Region, core: Region, block: int, clip_limit: float) -> NDArray[np.uint8]:
    left, right = _along_blocks(core.x - area.x, core.right - area.x, block, area.width)
    top, bottom = _along_blocks(core.y - area.y, core.bottom - area.y, block, area.height)
    levels = read(Region(area.x + left, area.y + top, right - left, bottom - top))
    uppermost = levels[:block]
    lid = uppermost.copy()
    lid[:, :block] = _calibration(block)
    even = equalize_adapthist(
        np.concatenate([lid, uppermost, levels]), kernel_size=block, clip_limit=clip_limit, nbins=BINS
    )
    y, x = 2 * block + core.y - area.y - top, core.x - area.x - left
    picture: NDArray[np.uint8] = np.rint(255 * even[y : y + core.height, x : x + core.width]).astype(np.uint8)
    return picture


def _along_blocks(start: int, stop: int, block: int, end: int) -> tuple[int, int]:
    """The blocks that reach from start to stop, and one more on each side, as far as there are any before `end`."""
    return max(0, start // block - 1) * block, min(end, (-(-stop // block) + 1) * block)


def _calibration(block: int) -> Levels:
    """A block of all levels, evenly, with black once: no map takes a level lower than this one takes black."""
    levels = np.linspace(WHITE / BINS, WHITE, block * block)
    levels[0], levels[1] = 0, WHITE
    return np.rint(levels).astype(np.uint16).reshape(block, block)
