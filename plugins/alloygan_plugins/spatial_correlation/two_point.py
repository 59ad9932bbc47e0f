"""The two-point correlation function of the primary phase."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from alloygan.evaluation.distances import difference_of_mean_curves
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens

_PIXELS_AT_ONCE = 2**20


class TwoPointDescriptor(Descriptor):
    """S2(r) at lags r = 0, 1, … min(H, W) // 2 px: S2(0) is the area fraction, S2 falls towards its square.

    For each displacement, the pairs of pixels of the primary phase over all pairs that lie in the image
    (`periodic`: over all pixels); then the mean over the displacements whose length rounds to r, so that
    all directions weigh alike. S. Torquato, Random Heterogeneous Materials, 2002, chapter 2.
    """

    summary_name = "correlation length"

    def __init__(self, periodic: bool) -> None:
        self.periodic = periodic

    def measure(self, specimens: Specimens) -> Measurement:
        """One curve (N, L) an image; the values are probabilities."""
        curves = two_point(specimens.masks, periodic=self.periodic)
        axis = np.arange(curves.shape[1], dtype=np.float64) * specimens.length_per_px
        notes: tuple[str, ...] = ()
        if len(curves) and _correlation_length(curves.mean(axis=0), axis) is None:
            reach = f"{axis[-1]:g} {specimens.unit}"
            notes = (f"no correlation length: one phase only, or correlated further than {reach}",)
        return Measurement(curves, axis=axis, image=np.arange(len(curves)), notes=notes)

    def summary(self, measurement: Measurement) -> float | None:
        """The correlation length: where the mean curve's autocovariance has fallen to 1/e of its start.

        The autocovariance is S2(r) - φ², with φ the mean of S2(0); between two lags it is taken to be
        straight. None where there is only one phase, or where it does not fall so far.
        """
        if measurement.axis is None or not len(measurement.values):
            return None
        return _correlation_length(measurement.values.mean(axis=0), measurement.axis)

    def summary_unit(self, measurement: Measurement, specimens: Specimens) -> str:
        """The summary is a length; the values of the curve have no unit."""
        return specimens.unit

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The absolute difference of the mean curves, averaged over the lags."""
        return difference_of_mean_curves(one, other)


def _correlation_length(curve: NDArray[np.float64], axis: NDArray[np.float64]) -> float | None:
    covariance = curve - curve[0] ** 2
    target = covariance[0] / math.e
    below = np.flatnonzero(covariance <= target)
    # Of one phase alone the covariance is 0 up to rounding.
    if covariance[0] < 1e-12 or not len(below):
        return None
    after = int(below[0])
    before = after - 1
    step = (covariance[before] - target) / (covariance[before] - covariance[after])
    return float(axis[before] + step * (axis[after] - axis[before]))


def two_point(masks: NDArray[np.bool_], *, periodic: bool = False) -> NDArray[np.float64]:
    """S2 (N, min(H, W) // 2 + 1) of masks (N, H, W) at integer lags in px, see `TwoPointDescriptor`."""
    count, height, width = masks.shape
    lags = min(height, width) // 2
    # Padding by the longest lag keeps what leaves at one side from entering at the other.
    padding = 0 if periodic else lags
    shape = tuple(fft.next_fast_len(n + padding, real=True) if padding else n for n in (height, width))
    down, across = np.meshgrid(np.arange(-lags, lags + 1), np.arange(0, lags + 1), indexing="ij")
    ring = np.rint(np.hypot(down, across)).astype(np.int64)
    # A displacement and its opposite see the same pairs: half the plane will do.
    chosen = (ring <= lags) & ((across > 0) | (down >= 0))
    down, across, ring = down[chosen], across[chosen], ring[chosen]
    pairs = (height - np.abs(down)) * (width - across) if not periodic else np.full(len(ring), height * width)
    per_ring = np.bincount(ring, minlength=lags + 1)
    curves = np.zeros((count, lags + 1))
    step = max(1, _PIXELS_AT_ONCE // (shape[0] * shape[1]))
    for first in range(0, count, step):
        power = np.abs(fft.rfft2(masks[first : first + step].astype(np.float64), s=shape)) ** 2
        # Hits are whole numbers: rounding removes the error of the transform.
        hits = np.rint(fft.irfft2(power, s=shape)[:, down % shape[0], across % shape[1]])
        for i, shares in enumerate(hits / pairs):
            curves[first + i] = np.bincount(ring, shares, lags + 1) / per_ring
    return curves
