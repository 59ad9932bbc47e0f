"""How far a structure is aligned, from the directions of its grey-level gradient."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from alloygan.evaluation.distances import wasserstein
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens

# How far the Gaussian reaches, in standard deviations.
_REACH = 4
_PIXELS_AT_ONCE = 2**20


class OrientationAnisotropyDescriptor(Descriptor):
    """Mean of cos(order θ) over an image, θ the direction along the structure, or the strength of the alignment.

    The gradient is that of the image blurred by a Gaussian of `scale` px. θ is perpendicular to it, counted
    counter-clockwise from the horizontal; every pixel weighs by the square of its gradient. With q the weighted mean of
    exp(i order θ), a point of the unit disc, `cosine` is its real part, -1 to 1, and `strength` its absolute value, 0
    to 1. For order 2, strength is the coherence of the image's structure tensor, (λ1 - λ2) / (λ1 + λ2) (B. Jähne,
    Digital Image Processing, 6th ed. 2005, chapter 13).
    """

    def __init__(
        self, order: Literal[2, 4], value: Literal["cosine", "strength"], of: Literal["image", "mask"], scale: float
    ) -> None:
        self.order: Literal[2, 4] = order
        self.value = value
        # A cosine has two signs, and 0 between them is as good as any other value; a strength of 0 is none.
        self.ratio_scale = value == "strength"
        self.of = of
        self.scale = scale

    def measure(self, specimens: Specimens) -> Measurement:
        """One value an image; none for an image without a gradient."""
        images = specimens.images if self.of == "image" else specimens.masks[:, None]
        moments = orientation_moments(images, self.order, self.scale)
        found = np.flatnonzero(np.isfinite(moments))
        values = moments[found].real if self.value == "cosine" else np.abs(moments[found])
        return Measurement(values, image=found, notes=self._notes(len(moments) - len(found), images.shape))

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The 1-Wasserstein distance of the two distributions over images."""
        return wasserstein(one, other)

    def _notes(self, missing: int, shape: tuple[int, ...]) -> tuple[str, ...]:
        if not missing:
            return ()
        least = 2 * _reach(self.scale) + 1
        if min(shape[2:]) < least:
            return (f"images of {shape[2]} × {shape[3]} px are too small: gradients need {least} px each way",)
        what = "grey level" if self.of == "image" else "phase"
        return (f"{missing} of {shape[0]} images have one {what} only",)


def orientation_moments(
    images: NDArray[np.uint8] | NDArray[np.bool_], order: Literal[2, 4], scale: float = 1.0
) -> NDArray[np.complex128]:
    """q (N,) of images (N, C, H, W), channels averaged, see `OrientationAnisotropyDescriptor`.

    NaN where there is no gradient: in an image of one grey level, or smaller than the kernel (9 px for scale 1).
    """
    moments = np.full(len(images), np.nan, dtype=np.complex128)
    if min(images.shape[2:]) <= 2 * _reach(scale):
        return moments
    step = max(1, _PIXELS_AT_ONCE // (images.shape[2] * images.shape[3]))
    for first in range(0, len(images), step):
        grey = images[first : first + step].mean(axis=1, dtype=np.float32)
        # Directions are counted from the horizontal upwards, rows downwards. The square of a gradient of direction φ,
        # as a complex number, is |g|² exp(2iφ).
        squared = (_gradient(grey, scale, axis=2) - 1j * _gradient(grey, scale, axis=1)) ** 2
        weight = np.abs(squared)
        # The structure runs at right angles to the gradient: exp(2iθ) = -exp(2iφ), exp(4iθ) = exp(4iφ).
        turned = -squared if order == 2 else squared * np.divide(squared, weight, where=weight > 0, out=squared * 0)
        total = weight.sum(axis=(1, 2), dtype=np.float64)
        some = np.flatnonzero(total > 0)
        moments[first + some] = turned.sum(axis=(1, 2), dtype=np.complex128)[some] / total[some]
    return moments


def _reach(scale: float) -> int:
    return math.ceil(_REACH * scale)


def _gradient(grey: NDArray[np.float32], scale: float, axis: int) -> NDArray[np.float32]:
    """Derivative of a Gaussian along an axis of (N, H, W), where the kernel lies in the image as a whole.

    Of constant images it is exactly 0: the two halves of the kernel are subtracted before they are weighted.
    """
    reach = _reach(scale)
    slope = ndimage.gaussian_filter1d(grey, scale, axis=axis, order=1, radius=reach)
    smooth: NDArray[np.float32] = ndimage.gaussian_filter1d(slope, scale, axis=3 - axis, radius=reach)
    return smooth[:, reach:-reach, reach:-reach]
