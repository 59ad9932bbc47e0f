"""Telling two phases apart by one grey level, which serves all images of a data set, real and generated.

A level fitted to each image would hide errors of grey level, so it is fitted once, to the training images.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from alloygan.errors import DataError

_LEVELS = 256
_VALUES_AT_ONCE = 2**22

# Neighbours within an image only: the first axis counts images.
_EDGE_NEIGHBOURS = np.zeros((3, 3, 3), dtype=bool)
_EDGE_NEIGHBOURS[1] = ndimage.generate_binary_structure(2, 1)


def grey(images: NDArray[np.uint8], smooth: float = 0.0) -> NDArray[np.float32]:
    """Grey images (N, H, W) float32 in [0, 255]: the mean of the channels of (N, C, H, W), blurred.

    `smooth`: standard deviation of a Gaussian in px, 0 for none; the image is mirrored at its border.
    """
    if images.ndim != 4 or images.dtype != np.uint8:
        raise ValueError(f"images are uint8 (N, C, H, W), not {images.dtype} {images.shape}")
    mean: NDArray[np.float32] = images.mean(axis=1, dtype=np.float32)
    if smooth > 0:
        mean = ndimage.gaussian_filter(mean, sigma=(0.0, smooth, smooth), mode="reflect")
    return mean


def fit_threshold(images: NDArray[np.uint8], smooth: float = 0.0) -> float:
    """Otsu's grey level in [0, 255] over all images (N, C, H, W) uint8 together; the bright phase is above.

    From scikit-image's `threshold_otsu` on the histogram of all pixels (N. Otsu, IEEE Trans. SMC 9 (1979)
    62). Where a range of levels has no pixels, all levels of it cut the training images alike, and its
    middle is taken: images of two levels, 0 and 255, give 127.5. Raises DataError where there are no
    images, or only one grey level.
    """
    counts = np.zeros(_LEVELS, dtype=np.int64)
    for some in _in_parts(images):
        levels = np.rint(grey(some, smooth)).astype(np.int64)
        counts += np.bincount(levels.ravel(), minlength=_LEVELS)[:_LEVELS]
    occupied = np.flatnonzero(counts)
    if not len(occupied):
        raise DataError("there are no training images to fit the grey level between the phases to")
    if len(occupied) == 1:
        raise DataError(
            f"all pixels of the training images have the grey level {occupied[0]}, so no level lies "
            "between two phases. Check the images; or give the level yourself as evaluation.threshold."
        )
    otsu: float = threshold_otsu(hist=(counts, np.arange(_LEVELS)))  # type: ignore[no-untyped-call]
    above = int(occupied[occupied > otsu].min())
    below = int(occupied[occupied <= otsu].max())
    return (below + above) / 2


def segment(
    images: NDArray[np.uint8], threshold: float, smooth: float = 0.0, bright: bool = True, specks: int = 0
) -> NDArray[np.bool_]:
    """Masks (N, H, W) of images (N, C, H, W) uint8, true on the primary phase.

    The primary phase is brighter than `threshold` (a grey level in [0, 255]) if `bright`, else what is not
    brighter. Connected regions of either phase (by edges) of at most `specks` px² are given to the phase around
    them, those of the primary phase first.
    """
    masks = np.zeros((len(images), *images.shape[2:]), dtype=bool)
    first = 0
    for some in _in_parts(images):
        part = (grey(some, smooth) > threshold) == bright
        if specks:
            part = _without_specks(part, specks)
            part = ~_without_specks(~part, specks)
        masks[first : first + len(some)] = part
        first += len(some)
    return masks


def _without_specks(masks: NDArray[np.bool_], specks: int) -> NDArray[np.bool_]:
    labels, count = ndimage.label(masks, _EDGE_NEIGHBOURS)
    # As scikit-image's remove_small_objects(max_size=specks) does, for all images at once.
    large = np.bincount(labels.ravel(), minlength=count + 1) > specks
    large[0] = False
    kept: NDArray[np.bool_] = large[labels]
    return kept


def primary_is_bright(
    phase: Literal["bright", "dark", "minority"],
    images: NDArray[np.uint8],
    threshold: float,
    smooth: float = 0.0,
) -> bool:
    """Whether the primary phase of a condition is the bright one.

    For `minority` that is decided once for the condition, by its real images (N, C, H, W) uint8: whichever
    phase has the smaller area (bright where they are equal). Generated images are then segmented alike,
    even if they get the areas wrong. Raises DataError where the minority is asked of no images.
    """
    if phase != "minority":
        return phase == "bright"
    if not len(images):
        raise DataError("which phase is the minority cannot be told without real images")
    return bool(segment(images, threshold, smooth).mean() <= 0.5)


def _in_parts(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    # A whole data set as float32 may not fit beside the model.
    step = max(1, _VALUES_AT_ONCE // max(1, images[:1].size))
    for first in range(0, len(images), step):
        yield images[first : first + step]
