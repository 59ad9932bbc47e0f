"""The period of lamellae, from the peak of the radial power spectrum."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, sparse
from scipy.signal import find_peaks

from alloygan.evaluation.distances import wasserstein
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan_plugins.orientation.specs import LamellarSpacing

FloatArray = NDArray[np.float64]

_PIXELS_AT_ONCE = 2**20
# Rings lie half a period an image apart. Taking the mean away lowers those below the third.
_RINGS_A_PERIOD = 2
_FIRST_RING = 3
_LEAST_MATRIX = 0.1
_ROUNDING = 1 / 12  # variance of a grey level rounded to 8 bits


class LamellarSpacingDescriptor(Descriptor):
    """The wavelength at the strongest peak of the radial power spectrum, in px or µm.

    The grey image, less its mean, is set to 0 on the primary phase and on a rim around it, and tapered to the border
    (Hann). The power of its transform is summed up over rings of wavenumbers, two of them a period an image (P), and
    averaged over the modes within 12 % (S). A peak of ln S counts if it lies between the shortest and the longest
    period, if its topographic prominence is at least ln(contrast), and if of the power above the lowest S (white noise)
    at least `share` lies between 0.8 and 1.25 times its wavenumber; the one with the largest share is taken. Its place
    is the centroid of P above half of its maximum there.
    """

    def __init__(self, spec: LamellarSpacing) -> None:
        self.spec = spec

    def measure(self, specimens: Specimens) -> Measurement:
        """One value an image; none where no peak stands out, or nearly all is primary phase."""
        count, height, width = specimens.masks.shape
        shorter = min(height, width)
        longest = self.spec.longest or shorter / 4
        if count and longest <= self.spec.shortest:
            note = f"images of {height} × {width} px are too small for periods above {self.spec.shortest:g} px"
            return Measurement(np.zeros(0), unit=specimens.unit, image=np.zeros(0, dtype=np.int64), notes=(note,))
        spacings, matrix = self._spacings(specimens, longest)
        found = np.flatnonzero(np.isfinite(spacings))
        return Measurement(
            spacings[found] * specimens.length_per_px,
            unit=specimens.unit,
            image=found,
            notes=self._notes(len(found), matrix),
        )

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The 1-Wasserstein distance of the two distributions over images."""
        return wasserstein(one, other)

    def _spacings(self, specimens: Specimens, longest: float) -> tuple[FloatArray, FloatArray]:
        """Spacings (N,) in px, NaN for none, and the tapered share of each image that is looked at."""
        count, height, width = specimens.masks.shape
        rings = _Rings.of(height, width)
        spacings, matrix = np.full(count, np.nan), np.ones(count)
        step = max(1, _PIXELS_AT_ONCE // (4 * height * width))
        for first in range(0, count, step):
            part = slice(first, first + step)
            grey = specimens.images[part].mean(axis=1, dtype=np.float32)
            seen = np.ones_like(grey, dtype=np.bool_)
            if self.spec.where == "matrix":
                seen = ~ndimage.maximum_filter(specimens.masks[part], size=(1, *(2 * [2 * self.spec.rim + 1])))
            sums, floor, matrix[part] = _ring_sums(grey, seen, rings)
            for number, (row, least) in enumerate(zip(sums, floor, strict=True)):
                if matrix[first + number] >= _LEAST_MATRIX:
                    spacings[first + number] = self._spacing(row, least, rings, longest)
        return spacings, matrix

    def _spacing(self, sums: FloatArray, floor: float, rings: "_Rings", longest: float) -> float:
        mean = rings.smooth(sums) + floor
        peaks, _ = find_peaks(np.log(mean), prominence=math.log(self.spec.contrast))
        peaks += _FIRST_RING
        period = 1 / (peaks * rings.step)
        peaks = peaks[(period >= self.spec.shortest) & (period <= longest)]
        # Above the lowest level there is, so that white noise does not count as power elsewhere.
        excess = np.maximum(0.0, sums - rings.modes * (mean.min() - floor))[_FIRST_RING:]
        number = np.arange(_FIRST_RING, len(sums))
        near = [(number >= 0.8 * peak) & (number <= 1.25 * peak) for peak in peaks]
        shares = [excess[some].sum() / excess.sum() for some in near]
        if not shares or max(shares) < self.spec.share:
            return math.nan
        return 1 / (_centroid(sums, int(peaks[int(np.argmax(shares))])) * rings.step)

    def _notes(self, found: int, matrix: FloatArray) -> tuple[str, ...]:
        notes = []
        filled = int((matrix < _LEAST_MATRIX).sum())
        if filled:
            notes.append(f"{filled} of {len(matrix)} images are nearly all primary phase")
        flat = len(matrix) - filled - found
        if flat:
            notes.append(f"in {flat} of {len(matrix)} images no period of lamellae stands out")
        return tuple(notes)


@dataclass(frozen=True)
class _Rings:
    """Rings of wavenumbers of an image padded to twice its size.

    `step` between them in cycles per px; `weights` (rings, modes) shares each mode of the transform between the two
    nearest rings; `modes` (rings,) is how many modes a ring has.
    """

    shape: tuple[int, int]
    step: float
    weights: "sparse.csr_array"
    modes: FloatArray

    @classmethod
    def of(cls, height: int, width: int) -> "_Rings":
        shape = 2 * height, 2 * width
        step = 1 / (_RINGS_A_PERIOD * min(height, width))  # cycles per px
        place = np.hypot(fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None]).ravel() / step
        inner = np.floor(place).astype(np.int64)
        # The transform of a real image has half of its columns; inner ones stand for two.
        stands_for = np.full((shape[0], width + 1), 2.0)
        stands_for[:, [0, -1]] = 1.0
        outer = (place - inner) * stands_for.ravel()
        mode = np.arange(len(place))
        weights = sparse.csr_array(
            (
                np.concatenate([stands_for.ravel() - outer, outer]).astype(np.float32),
                (np.concatenate([inner, inner + 1]), np.concatenate([mode, mode])),
            )
        )[: int(0.5 / step) + 1]
        return cls(shape, step, weights, np.asarray(weights.sum(axis=1), dtype=np.float64))

    def smooth(self, sums: FloatArray) -> FloatArray:
        """Mean power of a mode at each ring from the first that counts, over 12 % of the wavenumber either way."""
        ring = np.arange(_FIRST_RING, len(sums))
        reach = np.maximum(_RINGS_A_PERIOD, np.rint(0.12 * ring).astype(np.int64))
        first, last = np.maximum(_FIRST_RING, ring - reach), np.minimum(len(sums), ring + reach + 1)
        power, modes = (np.concatenate(([0.0], np.cumsum(values))) for values in (sums, self.modes))
        mean: FloatArray = (power[last] - power[first]) / (modes[last] - modes[first])
        return mean


def _ring_sums(
    grey: NDArray[np.float32], seen: NDArray[np.bool_], rings: _Rings
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Power in each ring (N, rings), that of rounding in a mode (N,), and the share of the taper that is seen (N,)."""
    taper = np.outer(*(np.sin(math.pi * (np.arange(n) + 0.5) / n) ** 2 for n in grey.shape[1:])).astype(np.float32)
    weight = taper * seen
    total = weight.sum(axis=(1, 2), dtype=np.float64)
    mean = (grey * weight).sum(axis=(1, 2), dtype=np.float64) / np.maximum(total, 1e-12)
    tapered = (grey - mean[:, None, None].astype(np.float32)) * weight
    power = np.square(np.abs(fft.rfft2(tapered, s=rings.shape)))
    sums = (rings.weights @ power.reshape(len(grey), -1).T).T.astype(np.float64)
    return sums, _ROUNDING * np.square(weight).sum(axis=(1, 2), dtype=np.float64), total / taper.sum(dtype=np.float64)


def _centroid(sums: FloatArray, ring: int) -> float:
    """Where the peak of the power near a ring lies: the mean of what is above half of its maximum."""
    padded = np.concatenate((sums[:1], sums, sums[-1:]))
    power = padded[:-2] / 4 + padded[1:-1] / 2 + padded[2:] / 4
    reach = max(_RINGS_A_PERIOD, int(0.15 * ring))
    first = max(_FIRST_RING, ring - reach)
    top = first + int(np.argmax(power[first : ring + reach + 1]))
    below = np.flatnonzero(power <= power[top] / 2)
    left = below[below < top].max(initial=-1) + 1
    right = below[below > top].min(initial=len(power))
    number = np.arange(left, right)
    above = power[left:right] - power[top] / 2
    return float((number * above).sum() / above.sum())
