"""The grey levels of a prepared micrograph, a region at a time, and the file that they are written to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from alloygan.data.region import Region
from alloygan.errors import DataError
from alloygan.files import write_bytes
from alloygan.pictures import png_bytes
from alloygan.preparation.clahe import equalised
from alloygan.preparation.contrast import LevelMap, applied
from alloygan.preparation.rescaled import Rescaled
from alloygan.preparation.split import gap_beside
from alloygan.preparation.survey import Survey

PNG_PIXELS = 100_000_000
"""Larger micrographs are written as TIFFs in tiles, which are made one after another."""

_TILE = 512
_BAND_TILES = 2

Picture = NDArray[np.uint8]
ReadPicture = Callable[[Region], Picture]


@dataclass(frozen=True)
class Blocks:
    """How CLAHE is done: side of a block in px, and the clip limit."""

    side: int
    clip_limit: float


def prepared_levels(image: Rescaled, found: Survey, level_map: LevelMap, blocks: Blocks | None) -> ReadPicture:
    """What gives a region of the result, 8 bits: the levels mapped, and with `blocks` equalised after that.

    CLAHE is done in the training and in the evaluation region each by itself, so that no px of one has a part in the
    other. Raises DataError where the evaluation region leaves no rectangle for training.
    """
    if blocks is None:
        return lambda region: applied(image.read(region), level_map)
    table = np.rint(level_map * 257).clip(0, 65535).astype(np.uint16)
    areas = _areas(found)

    def read(region: Region) -> Picture:
        picture = applied(image.read(region), level_map)
        for area in areas:
            part = area.part_in(region)
            if part is not None:
                place = part.moved(-region.x, -region.y)
                picture[place.rows, place.columns] = equalised(
                    lambda inside: table[image.read(inside)], area, part, blocks.side, blocks.clip_limit
                )
        return picture

    return read


def _areas(found: Survey) -> list[Region]:
    """The training area and the evaluation region of a micrograph; what lies between them belongs to neither."""
    height, width = found.size
    whole = Region(0, 0, width, height)
    one = found.split.evaluation_region if found.split is not None else None
    if one is None:
        return [whole]
    gap = gap_beside(found.factor)
    if one.height == height and one.x == 0:
        return [Region(one.right + gap, 0, width - one.right - gap, height), one]
    if one.height == height and one.right == width:
        return [Region(0, 0, one.x - gap, height), one]
    if one.width == width and one.y == 0:
        return [Region(0, one.bottom + gap, width, height - one.bottom - gap), one]
    if one.width == width and one.bottom == height:
        return [Region(0, 0, width, one.y - gap), one]
    raise DataError(
        f"{found.micrograph.where}: evaluation: contrast: clahe needs an evaluation region that takes one end of the "
        "micrograph from side to side, so that what is left for training is a rectangle; change it, or leave it empty"
    )


def write_pixels(stem: Path, size: tuple[int, int], read: ReadPicture, seen: Callable[[Picture, Region], None]) -> Path:
    """Write an image of `size` (height, width) as PNG, or as TIFF of Deflate tiles if it is large; return its path.

    `seen` gets every band of rows as it is written.
    """
    height, width = size

    def bands() -> Iterator[Picture]:
        for top in range(0, height, _BAND_TILES * _TILE):
            region = Region(0, top, width, min(_BAND_TILES * _TILE, height - top))
            picture = read(region)
            seen(picture, region)
            yield picture

    if height * width <= PNG_PIXELS:
        path = stem.with_name(f"{stem.name}.png")
        write_bytes(path, png_bytes(np.concatenate(list(bands()))[None]))
        return path
    path = stem.with_name(f"{stem.name}.tif")
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        path,
        _tiles(bands()),
        shape=size,
        dtype=np.uint8,
        tile=(_TILE, _TILE),
        compression="zlib",
        photometric="minisblack",
        maxworkers=1,
    )
    return path


def _tiles(bands: Iterator[Picture]) -> Iterator[Picture]:
    for band in bands:
        for top in range(0, band.shape[0], _TILE):
            for left in range(0, band.shape[1], _TILE):
                part = band[top : top + _TILE, left : left + _TILE]
                missing = ((0, _TILE - part.shape[0]), (0, _TILE - part.shape[1]))
                yield np.ascontiguousarray(np.pad(part, missing))
