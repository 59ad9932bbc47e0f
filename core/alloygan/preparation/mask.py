"""The mask of a micrograph, cropped and rescaled as the micrograph is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.data.image_parts import ImageParts, open_parts
from alloygan.data.images import refuse_bad_floats, refuse_channels, with_channels
from alloygan.data.region import Region
from alloygan.errors import DataError
from alloygan.preparation.pixels import ReadPicture
from alloygan.preparation.rescaled import WHITE, Rescaled

_BAND = 2**24  # px at a time


@contextmanager
def mask_picture(path: Path, roi: Region, factor: float) -> Iterator[ReadPicture]:
    """What gives a region of the prepared mask: 255 where at least half of a px lies in the phase, else 0.

    The higher of the file's two levels is the phase. Raises DataError naming the file for more than two levels.
    """
    with open_parts(path) as parts:
        refuse_channels(path, parts.header, 1)
        high = _higher_level(path, parts)

        def two_levels(region: Region) -> NDArray[Any]:
            return np.where(_plane(path, parts, region) == high, 255, 0).astype(np.uint8)[None]

        image = Rescaled(ImageParts(parts.header, 255.0, two_levels), path, roi, factor)
        yield lambda region: np.where(image.read(region) >= WHITE / 2, 255, 0).astype(np.uint8)


def _plane(path: Path, parts: ImageParts, region: Region) -> NDArray[Any]:
    levels = parts.read(region)
    refuse_bad_floats(path, levels)
    plane: NDArray[Any] = with_channels(levels, 1)[0]
    return plane


def _higher_level(path: Path, parts: ImageParts) -> float:
    """The level of the phase: the higher of two; one level alone if it is not 0."""
    height, width = parts.size
    band = max(1, _BAND // width)
    found: set[float] = set()
    for top in range(0, height, band):
        plane = _plane(path, parts, Region(0, top, width, min(band, height - top)))
        found.update((float(plane.min()), float(plane.max())))
        if len(found) > 2 or not ((plane == min(found)) | (plane == max(found))).all():
            raise DataError(
                f"{path}: a mask has two levels, and this one has more; threshold it and save it as PNG (JPEG blurs "
                "the levels)"
            )
    return max(found) if found != {0.0} else 1.0
