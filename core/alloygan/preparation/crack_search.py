"""The search for cracks over a whole micrograph: on a small copy, and then in overlapping tiles of finer ones.

A crack has to be a tenth of what is looked at long and about 3 px wide, so the small copy of a large micrograph shows
the largest cracks only. Each finer copy has twice the resolution of the one before, down to the micrograph itself, or
to half its resolution where it is larger than 4,096 px.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alloygan.data.image_parts import ImageParts
from alloygan.data.region import Region
from alloygan.preparation.cracks import LARGEST, Crack, find_cracks
from alloygan.preparation.rescaled import Levels, Rescaled

SEARCH_SIDE = 1024
"""Cracks are looked for on copies, and in tiles of them, of at most so many px a side."""

_FINEST_OF_LARGE = 2
_LARGE = 4  # steps of the small copy from which on the finest copy has half the resolution
_OVERLAP = 0.25
_KNOWN = 0.5  # a crack of which so much is found already is not another one


@dataclass(frozen=True)
class Cracks:
    """What is known of a micrograph's cracks.

    `told` is whether the manifest says so. `mask` is true in what was found; one px of it is `step` px of the file.
    `found` is in px of the mask.
    """

    told: bool
    mask: NDArray[np.bool_]
    step: int
    found: tuple[Crack, ...] = ()
    note: str = ""


def search_cracks(parts: ImageParts, file: Path, roi: Region, step: int) -> Cracks:
    """Find the cracks in a region of a file; `step` is that of the small copy."""
    small = Rescaled(parts, file, roi, step).whole()
    white = _white(small)
    finding = find_cracks(_shown(small, white))
    mask, found, note = finding.mask.copy(), list(finding.cracks), finding.note
    finest = _FINEST_OF_LARGE if step > _LARGE else 1
    finer = step
    while finer > finest and not note:
        finer = max(finest, finer // 2)
        copy = Rescaled(parts, file, roi, finer)
        for tile, levels in _tiles(copy):
            if levels.min() == levels.max():
                continue
            # What a tile takes for microstructure says nothing of the others.
            inside = find_cracks(_shown(levels, white))
            for crack in inside.cracks:
                here = _on_small(inside.mask, crack, tile, finer / step, mask.shape)
                if mask[here].mean() < _KNOWN:
                    found.append(_scaled(crack, tile, finer / step))
                mask[here] = True
    if mask.mean() > LARGEST:
        note = (
            f"dark lines on {100 * mask.mean():.0f} % of the image: too much to be cracks, so they are taken for "
            "microstructure; if they are cracks, mark them in the manifest's column cracks"
        )
        mask, found = np.zeros_like(mask), []
    return Cracks(False, mask, step, tuple(sorted(found, key=lambda one: -one.length)), note)


def _white(levels: Levels) -> float:
    """The end of the range that is used, a power of two: deep files often use their lower bits only."""
    return float(2 ** max(8, math.ceil(math.log2(float(levels.max()) + 1))))


def _shown(levels: Levels, white: float) -> NDArray[np.float32]:
    return (levels * (256 / white)).astype(np.float32)


def _tiles(copy: Rescaled) -> Iterator[tuple[Region, Levels]]:
    height, width = copy.size
    for top in _starts(height):
        # Files give whole rows as fast as parts of them, so those of all tiles side by side are read at once.
        rows = copy.read(Region(0, top, width, min(SEARCH_SIDE, height)))
        for left in _starts(width):
            tile = Region(left, top, min(SEARCH_SIDE, width), len(rows))
            yield tile, rows[:, tile.columns]


def _starts(length: int) -> list[int]:
    """Of tiles that overlap by a quarter or more, and end where the image ends."""
    rest = max(0, length - SEARCH_SIDE)
    count = math.ceil(rest / (SEARCH_SIDE * (1 - _OVERLAP))) + 1
    return [round(rest * i / max(1, count - 1)) for i in range(count)]


def _on_small(
    mask: NDArray[np.bool_], crack: Crack, tile: Region, scale: float, size: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns, on the small copy, of a crack's px in a tile of a finer one."""
    rows, columns = np.nonzero(mask[crack.box.rows, crack.box.columns])
    y = ((rows + crack.box.y + tile.y) * scale).astype(np.int64)
    x = ((columns + crack.box.x + tile.x) * scale).astype(np.int64)
    return np.minimum(y, size[0] - 1), np.minimum(x, size[1] - 1)


def _scaled(crack: Crack, tile: Region, scale: float) -> Crack:
    box = crack.box
    left, top = int((box.x + tile.x) * scale), int((box.y + tile.y) * scale)
    size = (max(1, round(box.width * scale)), max(1, round(box.height * scale)))
    return Crack(Region(left, top, *size), crack.length * scale, crack.width * scale)
