"""Small pictures of a micrograph for the page to review."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alloygan.data.image_parts import ImageParts
from alloygan.data.region import Region
from alloygan.preparation.pixels import Picture
from alloygan.preparation.rescaled import Rescaled
from alloygan.preparation.survey import Survey

_THUMBNAIL = 360  # px of the longer side
_SAMPLES = 4  # patches of a micrograph


@dataclass(frozen=True)
class Pictures:
    """Small pictures of a micrograph, 8 bits (H, W): as it was, as it is now, and some of its patches.

    The patches are those of training, or of evaluation where there are no others.
    """

    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    patches: Sequence[NDArray[np.uint8]]


def thumbnail(parts: ImageParts, path: Path, region: Region) -> Picture:
    """A region of an image file with at most 360 px a side."""
    factor = max(1.0, max(region.height, region.width) / _THUMBNAIL)
    small = Rescaled(parts, path, region, factor).whole()
    return np.rint(small / 257).astype(np.uint8)


def sample_patches(parts: ImageParts, found: Survey, patch: tuple[int, int]) -> list[Picture]:
    """Some patches of a prepared micrograph, from all over it; `parts` is the prepared file."""
    if found.split is None:
        return []
    places = found.split.places
    sites = places.training if len(places.training) or places.evaluation is None else places.evaluation
    chosen = sites[np.unique(np.linspace(0, len(sites) - 1, _SAMPLES + 2).astype(np.int64)[1:-1])]
    return [parts.read(Region(int(x), int(y), patch[1], patch[0]))[0] for y, x in chosen]
