"""The regions that no patch may touch: a mask as few rectangles."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from alloygan.data.region import Region

_MOST_CELLS = 256  # along the longer side


def rectangles_around(
    mask: NDArray[np.bool_], step: float, size: tuple[int, int], margin: float, patch: tuple[int, int]
) -> tuple[Region, ...]:
    """Rectangles that cover what lies within `margin` of the mask, in px of an image of `size` (height, width).

    A px of the mask stands for `step` px a side of the image. The rectangles are made of cells, an eighth of a patch
    wide or more, so they cover a little more than that.
    """
    if not mask.any():
        return ()
    # Distances between centres; a px of the mask reaches half a px farther.
    near = ndimage.distance_transform_edt(~mask) <= margin / step + 0.5
    cell = max(4, min(patch) // 8, math.ceil(max(size) / _MOST_CELLS))
    cells = np.zeros((math.ceil(size[0] / cell), math.ceil(size[1] / cell)), dtype=bool)
    rows, columns = np.nonzero(near)
    high, wide = (np.minimum(cells.shape[axis] - 1, at * step / cell) for axis, at in ((0, rows), (1, columns)))
    low, narrow = (
        np.minimum(cells.shape[axis] - 1, np.ceil((at + 1) * step / cell) - 1) for axis, at in ((0, rows), (1, columns))
    )
    spans = math.ceil(step / cell) + 1
    for down in range(spans):
        for across in range(spans):
            cells[
                np.minimum(high.astype(np.int64) + down, low.astype(np.int64)),
                np.minimum(wide.astype(np.int64) + across, narrow.astype(np.int64)),
            ] = True
    return tuple(
        part
        for one in _merged(cells)
        if (part := Region(one.x * cell, one.y * cell, one.width * cell, one.height * cell).part_in(
            Region(0, 0, size[1], size[0])
        ))
    )  # fmt: skip


def _merged(cells: NDArray[np.bool_]) -> list[Region]:
    """Runs of true cells, those with the same ends in rows below each other as one."""
    done: list[Region] = []
    above: dict[tuple[int, int], Region] = {}
    for row, line in enumerate(cells):
        edges = np.flatnonzero(np.diff(line.astype(np.int8), prepend=0, append=0))
        now: dict[tuple[int, int], Region] = {}
        for start, stop in edges.reshape(-1, 2).tolist():
            before = above.pop((start, stop), Region(start, row, stop - start, 0))
            now[start, stop] = Region(before.x, before.y, before.width, before.height + 1)
        done.extend(above.values())
        above = now
    return [*done, *above.values()]
