"""A micrograph as it is after cropping and rescaling, read a region at a time.

A px of the result is the mean of the area that it covers, so means and area fractions are kept, a whole factor is the
mean of whole px, and no px outside of that area takes part. Levels are 16 bits: 65535 is white.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from einops import reduce
from numpy.typing import NDArray
from scipy.sparse import csr_array

from alloygan.data.image_parts import ImageParts
from alloygan.data.images import refuse_bad_floats, with_channels
from alloygan.data.region import Region

Levels = NDArray[np.uint16]

WHITE = 65535.0
TILE_PIXELS = 2**24
"""So many px of a file are worked on at a time."""


class Rescaled:
    """The part `roi` of an open image, where `factor` px along each side become one; `size` is what that gives."""

    def __init__(
        self, parts: ImageParts, path: Path, roi: Region, factor: float, *, tile_pixels: int = TILE_PIXELS
    ) -> None:
        self._parts, self._path, self._roi, self._tile = parts, path, roi, tile_pixels
        self._factor = float(factor)
        # A px that the image fills but for rounding counts.
        self.size = math.floor(roi.height / factor + 1e-6), math.floor(roi.width / factor + 1e-6)

    def read(self, region: Region) -> Levels:
        """The grey levels of a region of the result, (h, w) 16 bits. Raises DataError for levels that are no levels."""
        levels = np.empty((region.height, region.width), dtype=np.uint16)
        rows = max(1, math.floor(self._tile / (self._factor**2 * region.width)))
        for top in range(0, region.height, rows):
            part = Region(region.x, region.y + top, region.width, min(rows, region.height - top))
            levels[top : top + part.height] = self._tile_of(part)
        return levels

    def whole(self) -> Levels:
        """The whole result."""
        return self.read(Region(0, 0, self.size[1], self.size[0]))

    def _tile_of(self, region: Region) -> Levels:
        roi, factor = self._roi, self._factor
        under = Region(
            math.floor(region.x * factor), math.floor(region.y * factor),
            math.ceil(region.right * factor), math.ceil(region.bottom * factor),
        )  # fmt: skip
        under = Region(under.x, under.y, min(under.width, roi.width) - under.x, min(under.height, roi.height) - under.y)
        levels = self._grey(under.moved(roi.x, roi.y))
        if factor == 1:
            return levels
        if factor.is_integer():
            return _mean_of_blocks(levels, int(factor))
        down = _shares(region.y, region.bottom, factor, under.y, under.bottom)
        across = _shares(region.x, region.right, factor, under.x, under.right)
        # Across first in whole rows: what one row gives then does not depend on the tile.
        mean = down @ (across @ levels.astype(np.float64).T).T
        rounded: Levels = np.rint(np.clip(mean, 0, WHITE)).astype(np.uint16)
        return rounded

    def _grey(self, region: Region) -> Levels:
        levels = self._parts.read(region)
        refuse_bad_floats(self._path, levels)
        grey: NDArray[Any] = with_channels(levels, 1)[0]
        if grey.dtype == np.uint8 and self._parts.white == 255:
            grey = grey.astype(np.uint16) * np.uint16(257)
        elif grey.dtype != np.uint16 or self._parts.white != WHITE:
            grey = np.rint(grey.astype(np.float64) * (WHITE / self._parts.white)).clip(0, WHITE).astype(np.uint16)
        return grey


def _mean_of_blocks(levels: Levels, side: int) -> Levels:
    """The mean of each block of `side` × `side` px."""
    rows = reduce(levels.astype(np.uint32), "(h side) w -> h w", "sum", side=side)
    blocks = reduce(rows.astype(np.uint64), "h (w side) -> h w", "sum", side=side)
    mean: Levels = np.rint(blocks / side**2).astype(np.uint16)
    return mean


def _shares(start: int, stop: int, factor: float, low: int, high: int) -> csr_array:
    """Parts of px `start` to `stop` of the result that px `low` to `high` of the image are: (stop − start, high − low).

    The sums are 1, also of the last px where rounding has put its end a little beyond the image.
    """
    reach = math.ceil(factor) + 1
    first = np.arange(start, stop) * factor
    columns = np.floor(first).astype(np.int64)[:, None] + np.arange(reach)
    overlap = np.minimum(columns + 1, first[:, None] + factor) - np.maximum(columns, first[:, None])
    overlap = np.where((overlap > 1e-9) & (columns < high), overlap, 0)
    overlap /= overlap.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(stop - start), reach)
    kept = overlap.ravel() > 0
    place = (rows[kept], columns.ravel()[kept] - low)
    return csr_array((overlap.ravel()[kept], place), shape=(stop - start, high - low))
