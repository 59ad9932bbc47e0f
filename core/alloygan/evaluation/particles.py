"""Particles of a binary mask, measured as ImageJ's Particle Analyzer does.

8-connected regions are particles; a particle's ellipse has its area, its centroid and the directions of its
second moments. After ImageJ 1.53t, `ij.measure.ResultsTable` columns Area, X, Y, BX, BY, Width, Height,
Major, Minor, Angle and AR, and `ij.process.EllipseFitter`:

    u = covariance of the pixel centres (divided by the count) + I / 12        (a pixel is a unit square)
    a, b = 2 sqrt(eigenvalues of u);  s = sqrt(area / (pi a b));  major = 2 a s,  minor = 2 b s

scikit-image's `axis_major_length` is another rule (no rescaling to the area): do not mix the two.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Neighbours within an image only: the first axis counts images.
_EIGHT_NEIGHBOURS = np.zeros((3, 3, 3), dtype=bool)
_EIGHT_NEIGHBOURS[1] = True

_PIXELS_AT_ONCE = 2**21


@dataclass(frozen=True)
class Particles:
    """P particles by image and first pixel, row after row (ImageJ's order); every array is (P,).

    `area` px²; `x`, `y` centroid in px, the centre of the first pixel at 0.5, y downwards; `major`, `minor`
    axes (whole lengths) of the ellipse in px; `angle` of the major axis in degrees, in [0, 180),
    counter-clockwise from the x axis as one sees it (0 where the ellipse is a circle); `aspect_ratio`
    major/minor ≥ 1; `left`, `top`, `width`, `height` of the bounding box in px; `image` the index of the
    mask it lies in.
    """

    area: FloatArray
    x: FloatArray
    y: FloatArray
    major: FloatArray
    minor: FloatArray
    angle: FloatArray
    aspect_ratio: FloatArray
    left: IntArray
    top: IntArray
    width: IntArray
    height: IntArray
    image: IntArray

    def __len__(self) -> int:
        return len(self.area)


def find_particles(mask: NDArray[np.bool_], *, min_area: float = 20.0, exclude_edges: bool = True) -> Particles:
    """The particles of a mask (H, W), or of N masks (N, H, W): each is measured by itself.

    `min_area` in px²: smaller ones are left out. `exclude_edges`: those that touch the border of the image
    are left out, since their size is not known. Raises ValueError for another shape or dtype.
    """
    if mask.dtype != np.bool_ or mask.ndim not in (2, 3):
        raise ValueError(f"a mask is a bool array (H, W) or (N, H, W), not {mask.dtype} {mask.shape}")
    masks = mask if mask.ndim == 3 else mask[None]
    step = max(1, _PIXELS_AT_ONCE // max(1, masks[:1].size))
    parts = [
        _particles_of(masks[first : first + step], first, min_area, exclude_edges)
        for first in range(0, max(1, len(masks)), step)
    ]
    return Particles(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Particles)}
    )


def clear_of_edges(particles: Particles, size: tuple[int, int]) -> Particles:
    """Those that do not touch the border of masks of `size` (height, width): `exclude_edges` after the fact."""
    right, bottom = particles.left + particles.width, particles.top + particles.height
    clear = (particles.left > 0) & (particles.top > 0) & (right < size[1]) & (bottom < size[0])
    return Particles(**{field.name: getattr(particles, field.name)[clear] for field in fields(Particles)})


def _particles_of(masks: NDArray[np.bool_], first: int, min_area: float, exclude_edges: bool) -> Particles:
    labels, count = ndimage.label(masks, _EIGHT_NEIGHBOURS)
    keep = np.bincount(labels.ravel(), minlength=count + 1) >= min_area
    keep[0] = False
    if exclude_edges:
        for border in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
            keep[border.ravel()] = False
    number = np.cumsum(keep) - 1
    image, row, column = np.nonzero(keep[labels])
    particle = number[labels[image, row, column]]
    # Sorted by particle, so that reduceat and bincount serve all particles at once.
    order = np.argsort(particle, kind="stable")
    image, row, column, particle = image[order], row[order], column[order], particle[order]
    total = int(keep.sum())
    area = np.bincount(particle, minlength=total).astype(np.float64)
    starts = np.concatenate(([0], np.cumsum(area[:-1]).astype(np.int64)))[:total]

    def mean(values: FloatArray) -> FloatArray:
        # With no particle at all bincount gives integers.
        return np.bincount(particle, values, total).astype(np.float64) / area

    x, y = mean(column.astype(np.float64)), mean(row.astype(np.float64))
    across, down = column - x[particle], row - y[particle]
    xx, yy, xy = mean(across * across) + 1 / 12, mean(down * down) + 1 / 12, mean(across * down)
    centre, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    # The eigenvalues in closed form. Both axes are rescaled to the area, so their ratio is enough.
    aspect_ratio = np.sqrt((centre + spread) / (centre - spread))
    diameter = 2 * np.sqrt(area / np.pi)
    # Rows count downwards, hence the sign of xy.
    angle = np.degrees(0.5 * np.arctan2(-2 * xy, xx - yy)) % 180
    angle[angle >= 180] = 0.0  # what % makes of an angle just below 0
    left, top = _extreme(np.minimum, column, starts), _extreme(np.minimum, row, starts)
    return Particles(
        area=area,
        x=x + 0.5,
        y=y + 0.5,
        major=diameter * np.sqrt(aspect_ratio),
        minor=diameter / np.sqrt(aspect_ratio),
        angle=angle,
        aspect_ratio=aspect_ratio,
        left=left,
        top=top,
        width=_extreme(np.maximum, column, starts) - left + 1,
        height=_extreme(np.maximum, row, starts) - top + 1,
        image=image[starts] + first,
    )


def _extreme(which: np.ufunc, values: IntArray, starts: IntArray) -> IntArray:
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    return np.asarray(which.reduceat(values, starts), dtype=np.int64)
