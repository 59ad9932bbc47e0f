"""Image files to arrays of their own depth: PNG, JPEG and BMP through Pillow, TIFF through tifffile.

Nothing here changes a grey level: no conversion to 8 bits (Pillow's own clips 16-bit images), no scaling.
Sizes are known from the header, before anything is decoded. A file that a decoder would read only in part
(several pages, cut short) or only roughly (16-bit colour in a PNG) is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from alloygan.errors import DataError

# The format is told by the first bytes, not by the name. Pillow's classes are used directly: Image.open adds
# a limit on the number of pixels that is global to the process, and that would speak before our own.
_PILLOW: dict[bytes, type[ImageFile.ImageFile]] = {
    b"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
    b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
    b"BM": BmpImagePlugin.BmpImageFile,
}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

CHANNELS = dict.fromkeys(("1", "L", "LA", "F", "I;16", "I;16L", "I;16B"), 1) | dict.fromkeys(
    ("P", "PA", "RGB", "RGBA", "RGBX"), 3
)
"""Channels without alpha of the Pillow modes that are read; a palette counts as colour."""

_GREY_OR_RGB = {tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.RGB}
PILLOW_KNOWS_BETTER = {tifffile.PHOTOMETRIC.PALETTE, tifffile.PHOTOMETRIC.YCBCR}
_ORIENTATION = 274  # the tag; 1 is upright
_ALPHA = (1, 2)  # values of the tag ExtraSamples; 0 is a channel of unknown meaning


@dataclass(frozen=True)
class Header:
    """What is known before decoding: height and width in px, and channels, alpha not counted."""

    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class Levels:
    """A decoded image: `array` (C, H, W) in the file's own type, without alpha; and what is white."""

    array: NDArray[Any]
    white: float


def read_header(path: Path) -> Header:
    """Size and channels without decoding. Raises DataError naming the file and what to do."""
    with _opened(path) as (file, pillow):
        if pillow is not None:
            image = pillow_image(pillow, file, path)
            header = Header(image.height, image.width, CHANNELS[image.mode])
        else:
            with tifffile.TiffFile(file) as tiff:
                header = TiffLayout(tiff, path).header
    if header.height < 1 or header.width < 1:
        raise DataError(f"{path}: the image has no pixels ({header.height} × {header.width}); save it again")
    return header


def read_levels(path: Path) -> Levels:
    """Decode an image. Check `read_header` first: this takes as much memory as the header announces.

    White-is-zero TIFFs are inverted, so that a level means what an image viewer shows. EXIF orientation is
    ignored: rows and columns are those of the file. Raises DataError naming the file and what to do.
    """
    with _opened(path) as (file, pillow):
        if pillow is not None:
            return pillow_levels(pillow_image(pillow, file, path))
        with tifffile.TiffFile(file) as tiff:
            return _tiff_levels(tiff, file, path)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, type[ImageFile.ImageFile] | None]]:
    """The open file and the Pillow class that reads it (None: a TIFF); what fails becomes a DataError."""
    with decoding(path), path.open("rb") as file:
        yield file, pillow_class(file, path)


def pillow_class(file: BinaryIO, path: Path) -> type[ImageFile.ImageFile] | None:
    """The Pillow class that reads an open file, None for a TIFF. Raises DataError for anything else."""
    start = file.read(8)
    file.seek(0)
    pillow = next((found for magic, found in _PILLOW.items() if start.startswith(magic)), None)
    if pillow is None and not start.startswith(_TIFF):
        what = "the file is empty" if not start else "not a PNG, JPEG, BMP or TIFF image"
        raise DataError(f"{path}: {what}; save the micrograph as TIFF or PNG")
    return pillow


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Whatever fails while an image file is opened or decoded becomes a DataError naming it and what to do."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; correct the name") from None
    except (IsADirectoryError, PermissionError) as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except MemoryError:
        raise DataError(f"{path}: there is not enough memory to decode it; crop it, or lower max_pixels") from None
    except Exception as error:
        # Decoders meet damaged files with all sorts of exceptions (SyntaxError, struct.error, zlib.error,
        # KeyError).
        reason = next(iter(str(error).splitlines()), "")
        raise DataError(
            f"{path}: cannot be decoded, the file is damaged or cut short ({type(error).__name__}: "
            f"{reason}); copy it again, or leave it out"
        ) from None


def pillow_image(pillow: type[ImageFile.ImageFile], file: BinaryIO, path: Path) -> ImageFile.ImageFile:
    """Open, without decoding, an image that Pillow reads without loss."""
    image = pillow(file)
    if image.mode not in CHANNELS:
        raise DataError(f"{path}: pixels of the mode {image.mode} are not read; save it as grey or RGB")
    if getattr(image, "n_frames", 1) > 1:
        raise DataError(f"{path}: holds several frames; save the one that is meant by itself")
    if isinstance(image, PngImagePlugin.PngImageFile) and not image.mode.startswith("I"):
        position = file.tell()
        file.seek(24)  # the bit depth in IHDR, which is always the first chunk
        depth = file.read(1)[0]
        file.seek(position)
        if depth == 16:
            # Pillow keeps the high bytes only.
            raise DataError(f"{path}: a PNG with 16-bit colour or alpha loses precision; save it as TIFF, or in grey")
    return image


def pillow_levels(image: Image.Image, white16: float = 65535.0) -> Levels:
    """Decode; `white16` is white of a 16-bit image."""
    channels = CHANNELS[image.mode]
    # A palette not to RGB: Pillow warns where it has transparency.
    array = np.asarray(image.convert("RGBA") if image.mode in ("P", "PA") else image)
    planes = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)[:channels]
    white = {"b": 1.0, "f": 1.0}.get(planes.dtype.kind, 255.0 if planes.dtype.itemsize == 1 else white16)
    return Levels(planes, white)


class TiffLayout:
    """Where the one image of a TIFF lies. Raises DataError for several images, or pixels of another kind."""

    def __init__(self, tiff: tifffile.TiffFile, path: Path) -> None:
        series = [one for one in tiff.series if not one.keyframe.is_reduced]  # thumbnails do not count
        if not series:
            raise DataError(f"{path}: the TIFF holds no image, or is cut short; copy or save it again")
        self.series = series[0]
        self.page = self.series.keyframe
        sizes = {axis: n for axis, n in zip(self.series.axes, self.series.shape, strict=True) if axis in "YX" or n > 1}
        self.axes = "".join(sizes)
        if len(series) > 1 or self.axes not in ("YX", "YXS", "SYX", "CYX"):
            shapes = ", ".join(f"{one.axes} {' × '.join(map(str, one.shape))}" for one in series[:3])
            raise DataError(
                f"{path}: a TIFF of several images ({shapes}); save one image a file. Channels of one image "
                "are read where the file says that they are channels (samples of a pixel, or an ImageJ or "
                "OME axis C)"
            )
        self._refuse_other_pixels(path)
        self._refuse_missing_bytes(tiff, path)
        alpha = sum(int(extra) in _ALPHA for extra in self.page.extrasamples) if "S" in sizes else 0
        channels = sizes.get("S", sizes.get("C", 1)) - alpha
        if self.page.photometric == tifffile.PHOTOMETRIC.PALETTE:
            channels = 3
        self.header = Header(sizes["Y"], sizes["X"], channels)

    def _refuse_other_pixels(self, path: Path) -> None:
        dtype, photometric = self.page.dtype, self.page.photometric
        if dtype is None or not (dtype.kind in "bf" or (dtype.kind == "u" and dtype.itemsize <= 2)):
            raise DataError(
                f"{path}: pixels of type {dtype} are not read; save it with 8 or 16 bits, or as float in [0, 1]"
            )
        if photometric not in _GREY_OR_RGB | PILLOW_KNOWS_BETTER:
            name = getattr(photometric, "name", photometric)
            raise DataError(f"{path}: a TIFF of the colour model {name} is not read; save it as grey or RGB")

    def _refuse_missing_bytes(self, tiff: tifffile.TiffFile, path: Path) -> None:
        # tifffile fills what is missing with zeros in some of these cases.
        for page in self.series.pages:
            parts = [] if page is None else list(zip(page.dataoffsets, page.databytecounts, strict=True))
            if not parts or any(not at or not count or at + count > tiff.filehandle.size for at, count in parts):
                raise DataError(f"{path}: the TIFF is cut short; copy it again, or leave it out")

    def planes(self, array: NDArray[Any]) -> NDArray[Any]:
        """The series' array as (C, H, W) without alpha."""
        header = self.header
        if self.axes == "YXS":
            array = np.moveaxis(array.reshape(header.height, header.width, -1), -1, 0)
        return array.reshape(-1, header.height, header.width)[: header.channels]


@contextmanager
def _any_size() -> Iterator[None]:
    """Without Pillow's own limit of pixels: the caller has checked the size against what the user allows."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _tiff_levels(tiff: tifffile.TiffFile, file: BinaryIO, path: Path) -> Levels:
    layout = TiffLayout(tiff, path)
    page = layout.page
    white = float(2**page.bitspersample - 1) if page.dtype is not None and page.dtype.kind == "u" else 1.0
    if page.photometric in PILLOW_KNOWS_BETTER:
        return _pillow_tiff(layout, file, path, white)
    try:
        planes = layout.planes(layout.series.asarray())
    except ValueError as error:
        # Without imagecodecs tifffile knows no LZW, JPEG or fax compression; Pillow does.
        if "imagecodecs" not in str(error):
            raise
        return _pillow_tiff(layout, file, path, white)
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        planes = ~planes if planes.dtype.kind == "b" else (white - planes).astype(planes.dtype)
    return Levels(planes, white)


def _pillow_tiff(layout: TiffLayout, file: BinaryIO, path: Path, white: float) -> Levels:
    """Decode with Pillow what tifffile cannot, where Pillow does it without loss."""
    page = layout.page
    deep = page.bitspersample > 8
    reason = "not without loss"
    # Pillow gives deep colour 8 bits, does not invert deep grey, and turns images that have an orientation.
    rough = deep and (layout.header.channels > 1 or page.photometric == tifffile.PHOTOMETRIC.MINISWHITE)
    if not rough and page.tags.valueof(_ORIENTATION, default=1) == 1:
        try:
            file.seek(0)
            with _any_size():
                levels = pillow_levels(TiffImagePlugin.TiffImageFile(file), white)
        except Exception as error:
            reason = str(error) or type(error).__name__
        else:
            if levels.array.shape == (layout.header.channels, layout.header.height, layout.header.width):
                return levels
    compression = getattr(page.compression, "name", page.compression)
    raise DataError(
        f"{path}: a TIFF with {compression} compression cannot be read here ({reason}); save it "
        "uncompressed or with Deflate (zip), or install imagecodecs (pip install imagecodecs)"
    )
