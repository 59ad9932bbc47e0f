"""The characteristic length of a structure, from the power spectrum of its grey image."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from alloygan.evaluation.distances import wasserstein
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens

_PIXELS_AT_ONCE = 2**20


class CharacteristicLengthDescriptor(Descriptor):
    """2π / k1, with k1 = Σ k S(k) / Σ S(k) the first moment of the radial power spectrum, in px or µm.

    S(k) is |FT(grey - mean)|² averaged over the rings of wavenumbers k = 2π sqrt(f_y² + f_x²) that round to
    the same multiple of 2π / min(H, W), up to π per px. T. M. Rogers, K. R. Elder, R. C. Desai, Phys. Rev.
    B 37 (1988) 9638.
    """

    def __init__(self, window: Literal["none", "hann"]) -> None:
        self.window = window

    def measure(self, specimens: Specimens) -> Measurement:
        """One value an image; none for an image of one grey level."""
        lengths = characteristic_length(specimens.images, window=self.window)
        found = np.flatnonzero(np.isfinite(lengths))
        missing = len(lengths) - len(found)
        return Measurement(
            lengths[found] * specimens.length_per_px,
            unit=specimens.unit,
            image=found,
            notes=(f"{missing} of {len(lengths)} images have one grey level only",) if missing else (),
        )

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The 1-Wasserstein distance of the two distributions over images."""
        return wasserstein(one, other)


def characteristic_length(
    images: NDArray[np.uint8], *, window: Literal["none", "hann"] = "none"
) -> NDArray[np.float64]:
    """Lengths (N,) in px of images (N, C, H, W), channels averaged; NaN for an image of one grey level."""
    height, width = images.shape[2:]
    shortest = min(height, width)
    frequency = np.hypot(fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None])
    ring = np.rint(frequency * shortest).astype(np.int64)
    # The transform of a real image has half of its columns; inner ones stand for two.
    modes = np.full(frequency.shape, 2.0)
    modes[:, 0] = 1.0
    if width % 2 == 0:
        modes[:, -1] = 1.0
    # The mean over a ring, and the sum over the rings up to π per px: beyond it rings are not complete.
    inside = (ring > 0) & (ring <= shortest // 2)
    share = modes / np.bincount(ring.ravel(), modes.ravel())[ring] * inside
    moment = share * 2 * math.pi * frequency
    taper = _taper(height, width) if window == "hann" else 1.0
    lengths = np.full(len(images), np.nan)
    step = max(1, _PIXELS_AT_ONCE // (height * width))
    for first in range(0, len(images), step):
        grey = images[first : first + step].mean(axis=1, dtype=np.float64)
        varies = np.ptp(grey, axis=(1, 2)) > 0
        grey = (grey - grey.mean(axis=(1, 2), keepdims=True)) * taper
        power = np.abs(fft.rfft2(grey)) ** 2
        total, first_moment = (np.einsum("nhw,hw->n", power, weight) for weight in (share, moment))
        some = np.flatnonzero(varies & (first_moment > 0))
        lengths[first + some] = 2 * math.pi * total[some] / first_moment[some]
    return lengths


def _taper(height: int, width: int) -> NDArray[np.float64]:
    def hann(count: int) -> NDArray[np.float64]:
        return np.asarray(np.sin(math.pi * (np.arange(count) + 0.5) / count) ** 2, dtype=np.float64)

    return hann(height)[:, None] * hann(width)[None]
