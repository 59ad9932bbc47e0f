"""Finding cracks: lines much darker than every phase, long and thin, and few.

The image is a copy of at most about 1,000 px a side, and all lengths are relative to its longer side.

1. Uneven brightness, as a surface of second order, is taken off, and noise with a Gaussian of 0.8 px.
2. The phases are told apart by Otsu's level. Crack pixels are darker than the dark phase by 0.3 of the difference
   between the phases and by four standard deviations of the dark phase. From there they grow to half of that.
3. Pixels closer to each other than a gap may be form one object. It is a crack if it is long, much longer than wide,
   mostly there rather than gap, and made of lines rather than of particles in a row.
4. Where nothing was found and Otsu's dark class is a small part of the image, that class may be the cracks themselves:
   the phases are then looked for among the rest, and most of what is darker has to be cracks.
5. A network of dark lines, far longer than it reaches across, is part of the microstructure (grain boundaries).
6. A crack is an exception. More long dark lines than there may be cracks, or more area, are part of the microstructure:
   nothing is taken, and the finding says so.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold, threshold_otsu
from skimage.measure import regionprops
from skimage.morphology import skeletonize

from alloygan.data.region import Region

FloatImage = NDArray[np.float32]
Mask = NDArray[np.bool_]

SHORTEST = 0.1
"""Least length of a crack, as a part of the image's longer side."""
SLENDER = 6.0
"""Least length of a crack over its mean width."""
GAP = 0.02
"""Longest gap in a crack, as a part of the image's longer side."""
DEPTH = 0.3
"""How much darker than the dark phase a crack is, as a part of the difference between the phases."""
MOST = 12
"""More long dark lines are no cracks but part of the microstructure."""
LARGEST = 0.15
"""A larger part of the image is no crack but part of the microstructure."""

_SIGMAS = 4.0
_SMOOTH = 0.8  # px, standard deviation of the Gaussian against noise
_SMALL_CLASS = 0.1  # below this share, Otsu's dark class may be the cracks
_MOST_OF_CLASS = 0.5  # least part of that class that has to be cracks
_THERE = 0.6  # least part of a crack's length that is not gap
_NEIGHBOURS = np.ones((3, 3), dtype=bool)
_LINES = 0.6  # least part of a crack's area in pieces that are lines themselves: a row of particles is no crack
_LINE = 3.0  # least length over width of such a piece
_NETWORK = 3.0  # length over reach: a crack with its branches stays below, a network of grain boundaries does not
_FLOOR = 2.0  # grey levels (of 255): below this, differences are rounding


@dataclass(frozen=True)
class Crack:
    """One crack in px of the image it was found in: its bounding box, its length along itself, and its mean width."""

    box: Region
    length: float
    width: float


@dataclass(frozen=True)
class Finding:
    """What was found: `mask` (H, W), true in cracks; the cracks, longest first; and what is to be said, if anything."""

    mask: Mask
    cracks: tuple[Crack, ...] = ()
    note: str = ""


def find_cracks(image: FloatImage) -> Finding:
    """Find the cracks in a grey image (H, W), levels 0 to 255."""
    nothing = np.zeros(image.shape, dtype=bool)
    level = _evenly_bright(ndimage.gaussian_filter(image.astype(np.float32), _SMOOTH))
    values = level.ravel()[:: max(1, level.size // 200_000)]
    mask, cracks = _darker_than(values, level)
    split = _otsu(values)
    if not cracks and (values <= split).mean() < _SMALL_CLASS:
        mask, cracks = _darker_than(values[values > split], level, _MOST_OF_CLASS)
    share = float(mask.mean())
    if len(cracks) > MOST or share > LARGEST:
        return Finding(
            nothing,
            note=f"{len(cracks)} long dark lines on {100 * share:.0f} % of the image: too many to be cracks, so they "
            "are taken for microstructure; if they are cracks, mark them in the manifest's column cracks",
        )
    return Finding(mask, tuple(sorted(cracks, key=lambda one: -one.length)))


def _darker_than(phases: FloatImage, level: FloatImage, least: float = 0.0) -> tuple[Mask, list[Crack]]:
    """Cracks darker than these phases in an image of levels; none if they are less than `least` of what is dark."""
    seed, grown = _crack_levels(phases)
    dark = apply_hysteresis_threshold(-level, -grown, -seed)  # type: ignore[no-untyped-call]
    mask, cracks = _long_and_thin(dark, max(level.shape))
    if mask.sum() < least * dark.sum():
        return np.zeros_like(mask), []
    return mask, cracks


def _evenly_bright(image: FloatImage) -> FloatImage:
    """The image less a slow surface of second order, which is fitted to what the classes of grey level leave over.

    Fitted to the levels themselves it would follow where the phases happen to lie.
    """
    y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in image.shape)
    down, across = (slice(None, None, max(1, length // 192)) for length in image.shape)
    points = np.stack(
        [term.ravel() for term in _second_order(*np.meshgrid(y[down], x[across], indexing="ij"))], axis=-1
    )
    values = image[down, across].ravel()
    weights = np.zeros(5, dtype=np.float32)
    for _ in range(4):
        even = values - points @ weights
        bright = even > _otsu(even)
        rest = np.empty_like(values)
        for phase in (bright, ~bright):
            if phase.any():
                rest[phase] = values[phase] - np.median(even[phase])
        left = rest - points @ weights
        kept = np.abs(left - np.median(left)) <= max(1.0, 3 * _spread(left))
        with_constant = np.column_stack([points, np.ones(len(points), dtype=np.float32)])
        weights = np.linalg.lstsq(with_constant[kept], rest[kept], rcond=None)[0][:5]
    of_x, of_y, of_xx, of_xy, of_yy = weights
    result: FloatImage = image - (of_x * x + of_xx * x * x)
    result -= (of_y * y + of_yy * y * y)[:, None]
    result -= of_xy * y[:, None] * x
    return result


def _second_order(y: FloatImage, x: FloatImage) -> tuple[FloatImage, ...]:
    return x, y, x * x, x * y, y * y


def _spread(values: FloatImage) -> float:
    """Standard deviation, from the median distance to the median."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _crack_levels(values: FloatImage) -> tuple[float, float]:
    """Levels below which a pixel starts a crack, and below which it belongs to one that starts beside it."""
    split = _otsu(values)
    below, above = values[values <= split], values[values > split]
    dark = _mode(below)
    bright = _mode(above) if len(above) else dark
    darker = dark - below[below < dark]
    spread = 1.4826 * float(np.median(darker)) if len(darker) else 0.0
    depth = max(DEPTH * (bright - dark), _SIGMAS * spread, _FLOOR)
    return dark - depth, dark - depth / 2


def _mode(values: FloatImage) -> float:
    """The most frequent level."""
    counts, edges = np.histogram(values, bins=64)
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), 1.5)
    at = int(smooth.argmax())
    return float(edges[at] + edges[at + 1]) / 2


def _otsu(values: FloatImage) -> float:
    if values.min() == values.max():
        return float(values.max())
    return float(threshold_otsu(values))  # type: ignore[no-untyped-call]


def _long_and_thin(dark: Mask, side: int) -> tuple[Mask, list[Crack]]:
    if not dark.any():
        return dark, []
    reach = max(1, round(GAP * side / 2))
    # As far as `reach` from a dark pixel: objects closer than a gap become one.
    objects = ndimage.label(ndimage.distance_transform_edt(~dark) <= reach, _NEIGHBOURS)[0]
    mask = np.zeros(dark.shape, dtype=bool)
    cracks: list[Crack] = []
    for found in regionprops(objects):  # type: ignore[no-untyped-call]
        if found.feret_diameter_max < SHORTEST * side:
            continue
        own = dark[found.slice] & found.image
        if _share_of_lines(own) < _LINES:
            continue
        line = skeletonize(found.image)  # type: ignore[no-untyped-call]
        # The ends of the widened object are round about the ends of the line itself, and so the skeleton ends there.
        # Its px count a slanted line short.
        length = max(float(line.sum()), found.feret_diameter_max - 2 * reach)
        covered = ndimage.distance_transform_edt(~own)[line] <= 2
        area = float(own.sum())
        width = area / max(1.0, float(covered.sum()))
        if length < SHORTEST * side or length < SLENDER * width or covered.mean() < _THERE:
            continue
        if length > _NETWORK * found.feret_diameter_max:
            continue
        mask[found.slice] |= own
        top, left, bottom, right = found.bbox
        cracks.append(Crack(Region(left, top, right - left, bottom - top), length, width))
    return mask, cracks


def _share_of_lines(own: Mask) -> float:
    """The part of the area that lies in connected pieces that are lines."""
    areas = lines = 0.0
    for piece in regionprops(ndimage.label(own, _NEIGHBOURS)[0]):  # type: ignore[no-untyped-call]
        areas += piece.area
        length = piece.feret_diameter_max
        lines += piece.area if length * length >= _LINE * piece.area else 0.0
    return lines / areas if areas else 0.0
