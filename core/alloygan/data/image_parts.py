"""Parts of an image file, one at a time, so that an image larger than memory can be worked through.

Small images are decoded whole. A larger TIFF gives its strips or tiles as they are asked for, a larger PNG, JPEG or BMP
is held by Pillow at its own depth. What can be read neither way is refused, with the remedy.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import ImageFile

from alloygan.data.image_files import (
    PILLOW_KNOWS_BETTER,
    Header,
    Levels,
    TiffLayout,
    decoding,
    pillow_class,
    pillow_image,
    pillow_levels,
    read_levels,
)
from alloygan.data.region import Region
from alloygan.errors import DataError

WHOLE_BYTES = 2**28
"""An image of at most so many bytes is decoded whole: 268 Mpx of 8 bits."""

_MOST_BYTES = 2**31  # of an image that can only be decoded whole
_CACHED_BYTES = 2**28  # of decoded strips or tiles


class ImageParts:
    """An open image: `header`, `white` (the level that is white), and `read`, which decodes a region."""

    def __init__(self, header: Header, white: float, read: Callable[[Region], NDArray[Any]]) -> None:
        self.header = header
        self.white = white
        self._read = read

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.header.height, self.header.width

    def read(self, region: Region) -> NDArray[Any]:
        """The levels of a region, (C, h, w) in the file's own type, without alpha."""
        return self._read(region)


@contextmanager
def open_parts(path: Path, *, whole_bytes: int = WHOLE_BYTES) -> Iterator[ImageParts]:
    """Open an image to be read in parts; the levels are those of `read_levels`.

    Images of up to `whole_bytes` are decoded at once. Raises DataError naming the file and what to do, also while parts
    are read.
    """
    with ExitStack() as stack:
        with decoding(path):
            parts = _opened_parts(stack, path, whole_bytes)

        def read(region: Region) -> NDArray[Any]:
            with decoding(path):
                return parts.read(region)

        yield ImageParts(parts.header, parts.white, read)


def _opened_parts(stack: ExitStack, path: Path, whole_bytes: int) -> ImageParts:
    file = stack.enter_context(path.open("rb"))
    pillow = pillow_class(file, path)
    if pillow is not None:
        return _pillow_parts(pillow_image(pillow, file, path), path, whole_bytes)
    tiff = stack.enter_context(tifffile.TiffFile(file))
    layout = TiffLayout(tiff, path)
    itemsize = np.dtype(layout.page.dtype).itemsize
    size = layout.header.height * layout.header.width * layout.header.channels * itemsize
    if size > whole_bytes and _in_segments(layout):
        return _tiff_parts(tiff, layout)
    if size > _MOST_BYTES:
        raise _too_large(path, size)
    return _whole(read_levels(path))


def _whole(levels: Levels) -> ImageParts:
    channels, height, width = levels.array.shape
    return ImageParts(
        Header(height, width, channels), levels.white, lambda region: levels.array[:, region.rows, region.columns]
    )


def _too_large(path: Path, size: int) -> DataError:
    return DataError(
        f"{path}: decoding takes {size / 2**30:.1f} GiB at once; save it as a grey TIFF, uncompressed or with Deflate "
        "(zip), which is read in parts, or crop it"
    )


def _pillow_parts(image: ImageFile.ImageFile, path: Path, whole_bytes: int) -> ImageParts:
    # Pillow holds colour in 4 bytes a pixel, 16-bit grey in 2.
    size = image.height * image.width * {"L": 1, "1": 1, "I;16": 2, "I;16L": 2, "I;16B": 2}.get(image.mode, 4)
    if size <= whole_bytes:
        return _whole(pillow_levels(image))
    if size > _MOST_BYTES:
        raise _too_large(path, size)

    def part(region: Region) -> Levels:
        box = (region.x, region.y, region.x + region.width, region.y + region.height)
        return pillow_levels(image.crop(box))

    first = part(Region(0, 0, 1, 1))
    return ImageParts(
        Header(image.height, image.width, first.array.shape[0]), first.white, lambda region: part(region).array
    )


def _in_segments(layout: TiffLayout) -> bool:
    """Whether the image is one page whose strips or tiles tifffile decodes by itself."""
    page = layout.page
    contiguous = layout.axes == "YX" or (layout.axes == "YXS" and page.planarconfig == tifffile.PLANARCONFIG.CONTIG)
    known = page.compression in (tifffile.COMPRESSION.NONE, tifffile.COMPRESSION.ADOBE_DEFLATE)
    known |= page.compression == tifffile.COMPRESSION.DEFLATE
    return len(layout.series.pages) == 1 and contiguous and known and page.photometric not in PILLOW_KNOWS_BETTER


def _tiff_parts(tiff: tifffile.TiffFile, layout: TiffLayout) -> ImageParts:
    page, header = layout.page, layout.header
    dtype = np.dtype(page.dtype)
    white = float(2**page.bitspersample - 1) if dtype.kind == "u" else 1.0
    high, wide = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, header.width)
    across = -(-header.width // wide)
    cache: OrderedDict[int, NDArray[Any]] = OrderedDict()

    def segment(number: int) -> NDArray[Any]:
        """A strip or tile, (h, w, samples)."""
        if number in cache:
            cache.move_to_end(number)
            return cache[number]
        tiff.filehandle.seek(page.dataoffsets[number])
        decoded = page.decode(tiff.filehandle.read(page.databytecounts[number]), number)[0]
        if decoded is None:
            raise ValueError(f"the strip or tile {number} is empty")
        array: NDArray[Any] = np.asarray(decoded)[0]
        cache[number] = array
        while len(cache) > 1 and sum(one.nbytes for one in cache.values()) > _CACHED_BYTES:
            cache.popitem(last=False)
        return array

    def strip_rows(top: int, bottom: int) -> NDArray[Any]:
        """Rows of an uncompressed image without gaps, read without decoding what is above them."""
        row = header.width * page.samplesperpixel * dtype.itemsize
        tiff.filehandle.seek(page.dataoffsets[0] + top * row)
        stored = np.frombuffer(tiff.filehandle.read((bottom - top) * row), dtype.newbyteorder(tiff.byteorder))
        return stored.reshape(bottom - top, header.width, page.samplesperpixel).astype(dtype, copy=False)

    plain = page.is_contiguous and page.fillorder == 1 and page.bitspersample == 8 * dtype.itemsize

    def read(region: Region) -> NDArray[Any]:
        bottom, right = region.y + region.height, region.x + region.width
        if plain:
            array = strip_rows(region.y, bottom)[:, region.columns]
        else:
            array = np.empty((region.height, region.width, page.samplesperpixel), dtype)
            for row in range(region.y // high, -(-bottom // high)):
                for column in range(region.x // wide, -(-right // wide)):
                    part = segment(row * across + column)
                    top, left = row * high, column * wide
                    rows = slice(max(region.y, top), min(bottom, top + part.shape[0]))
                    columns = slice(max(region.x, left), min(right, left + part.shape[1]))
                    array[
                        rows.start - region.y : rows.stop - region.y, columns.start - region.x : columns.stop - region.x
                    ] = part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        planes = np.moveaxis(array, -1, 0)[: header.channels]
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            planes = ~planes if dtype.kind == "b" else (white - planes).astype(dtype)
        found: NDArray[Any] = planes
        return found

    return ImageParts(header, white, read)
