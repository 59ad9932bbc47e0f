"""Micrographs and masks from files: grey levels of 8 bits for the network, two phases for a mask."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from alloygan.data.image_files import Header, read_header, read_levels
from alloygan.data.region import Region
from alloygan.errors import DataError

Contrast = Literal["none", "stretch"]

MAX_PIXELS = 200_000_000
"""Largest image that is decoded unless the caller says otherwise, in px: 14,000 × 14,000."""

_STRETCH = (0.5, 99.5)  # percentiles that become black and white
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow and ImageJ weight red, green and blue


def image_size(path: Path, *, channels: int | None = None, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Height and width in px from the header, without decoding.

    Raises DataError if the file cannot be read, if the image has more than `max_pixels`, or if it cannot give
    `channels` (None: any).
    """
    header = read_header(path)
    if header.height * header.width > max_pixels:
        raise DataError(
            f"{path}: {header.height} × {header.width} px is more than max_pixels: {max_pixels}; crop or "
            "downscale the image, or raise max_pixels if it is meant to be so large"
        )
    if channels is not None:
        refuse_channels(path, header, channels)
    return header.height, header.width


def read_image(
    path: Path,
    *,
    channels: int = 1,
    contrast: Contrast = "none",
    region: Region | None = None,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Read a micrograph, or a region of it, as grey levels uint8 (C, H, W).

    `channels`: as many as the file has, alpha dropped; or 1 from RGB (the luminance 0.299 R + 0.587 G + 0.114
    B; equal channels stay as they are); or 3 from grey (repeated). `contrast`: `none` scales the full range
    of the file's type (255, 65535, or 1 for float) to 0..255; `stretch` puts the 0.5th and 99.5th percentile
    of the region, over all channels, at 0 and 255. Levels are rounded after that, so 16-bit images keep their
    precision.

    Raises DataError naming the file and what to do; more than `max_pixels` are refused before decoding.
    """
    size = image_size(path, channels=channels, max_pixels=max_pixels)
    if region is not None and not region.lies_in(size):
        raise DataError(f"{path}: the region {region} does not lie in the image of {size[0]} × {size[1]} px")
    levels = read_levels(path)
    array = levels.array if region is None else levels.array[:, region.rows, region.columns]
    refuse_bad_floats(path, array)
    array = with_channels(array, channels)
    low, high = 0.0, levels.white
    if contrast == "stretch":
        low, high = (float(level) for level in np.percentile(array, _STRETCH))
        if not low < high:
            raise DataError(
                f"{path}: contrast: stretch needs grey levels that differ, and nearly all are {low:g}; use "
                "contrast: none, or exclude the micrograph"
            )
    return _quantised(array, low, high)


def read_mask(path: Path, *, size: tuple[int, int], max_pixels: int = MAX_PIXELS) -> NDArray[np.bool_]:
    """Read the mask of a micrograph of `size` (height, width) as bool (H, W).

    The higher of two levels is True. One level alone is True if it is not 0. Raises DataError for more than
    two levels or another size.
    """
    found = image_size(path, channels=1, max_pixels=max_pixels)
    if found != size:
        raise DataError(
            f"{path}: the mask has {found[0]} × {found[1]} px and its micrograph {size[0]} × {size[1]}; "
            "they must be the same"
        )
    array = read_levels(path).array
    refuse_bad_floats(path, array)
    plane = with_channels(array, 1)[0]
    low, high = plane.min(), plane.max()
    if not ((plane == low) | (plane == high)).all():
        raise DataError(
            f"{path}: a mask has two levels, and this one has {len(np.unique(plane))}; threshold it and "
            "save it as PNG (JPEG blurs the levels)"
        )
    mask: NDArray[np.bool_] = plane == high if low < high else plane != 0
    return mask


def refuse_channels(path: Path, header: Header, channels: int) -> None:
    """Raise DataError if the image cannot give so many channels."""
    if header.channels != channels and (header.channels, channels) not in ((3, 1), (1, 3)):
        raise DataError(
            f"{path}: the image has {header.channels} channel{'s' if header.channels > 1 else ''}, and "
            f"channels: {channels} is asked for; set channels: {header.channels}, or save the image with "
            f"{channels}"
        )


def refuse_bad_floats(path: Path, array: NDArray[Any]) -> None:
    """Raise DataError if levels are floats outside [0, 1]."""
    # NaN fails both comparisons, as it should.
    if array.dtype.kind == "f" and not (array.min() >= 0 and array.max() <= 1):
        raise DataError(
            f"{path}: float pixels must lie in [0, 1], and these lie in [{array.min():g}, {array.max():g}]; "
            "rescale them, or save the image with 16 bits"
        )


def with_channels(array: NDArray[Any], channels: int) -> NDArray[Any]:
    """Levels (C, H, W) with so many channels: the luminance of RGB for 1, grey repeated for 3, or as they are."""
    if array.shape[0] == 3 and channels == 1:
        if (array[0] == array[1]).all() and (array[0] == array[2]).all():
            return array[:1]
        # A weighted sum in float32 is exact to 0.01 of 65535 levels, far below the rounding to 8 bits.
        weights = np.asarray(_LUMINANCE, dtype=np.float32)
        return np.tensordot(weights, array.astype(np.float32), axes=1)[None]
    return array.repeat(3, axis=0) if array.shape[0] == 1 and channels == 3 else array


def _quantised(array: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    if array.dtype == np.uint8 and (low, high) == (0.0, 255.0):
        return np.ascontiguousarray(array)
    scaled = (array.astype(np.float32) - np.float32(low)) * np.float32(255.0 / (high - low))
    grey: NDArray[np.uint8] = np.rint(scaled).clip(0, 255).astype(np.uint8)
    return grey
