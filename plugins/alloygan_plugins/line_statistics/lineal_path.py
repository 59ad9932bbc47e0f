"""The lineal-path function of a phase."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.distances import difference_of_mean_curves
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan_plugins.line_statistics.runs import Direction, find_runs, in_parts


class LinealPathDescriptor(Descriptor):
    """L(r) at lengths r = 0, 1, … min(H, W) // 2 px: L(0) is the phase's share of the area, and L falls from there.

    A segment of length r runs from the centre of a pixel to that of the r-th one after it. Segments in the phase over
    all segments that lie in the image, along rows and along columns; then the mean of the two directions. B. Lu and
    S. Torquato, Phys. Rev. A 45 (1992) 922.
    """

    summary_name = "path length"

    def __init__(self, phase: Literal["primary", "matrix"], direction: Direction) -> None:
        self.phase = phase
        self.direction = direction

    def measure(self, specimens: Specimens) -> Measurement:
        """One curve (N, L) an image; the values are probabilities."""
        masks = specimens.masks if self.phase == "primary" else ~specimens.masks
        curves = lineal_path(masks, self.direction)
        axis = np.arange(curves.shape[1], dtype=np.float64) * specimens.length_per_px
        notes: tuple[str, ...] = ()
        if len(curves) and _path_length(curves.mean(axis=0), axis) is None:
            reach = f"{axis[-1]:g} {specimens.unit}"
            notes = (f"no path length: no {self.phase} phase, or its paths are longer than {reach}",)
        return Measurement(curves, axis=axis, image=np.arange(len(curves)), notes=notes)

    def summary(self, measurement: Measurement) -> float | None:
        """The path length: where the mean curve has fallen to 1/e of its start, straight between two lengths.

        None where there is no such phase, or where the curve does not fall so far.
        """
        if measurement.axis is None or not len(measurement.values):
            return None
        return _path_length(measurement.values.mean(axis=0), measurement.axis)

    def summary_unit(self, measurement: Measurement, specimens: Specimens) -> str:
        """The summary is a length; the values of the curve have no unit."""
        return specimens.unit

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The absolute difference of the mean curves, averaged over the lengths."""
        return difference_of_mean_curves(one, other)


def _path_length(curve: NDArray[np.float64], axis: NDArray[np.float64]) -> float | None:
    target = curve[0] / math.e
    below = np.flatnonzero(curve <= target)
    if curve[0] == 0 or not len(below):
        return None
    after = int(below[0])
    before = after - 1
    step = (curve[before] - target) / (curve[before] - curve[after])
    return float(axis[before] + step * (axis[after] - axis[before]))


def lineal_path(masks: NDArray[np.bool_], direction: Direction = "both") -> NDArray[np.float64]:
    """L (N, min(H, W) // 2 + 1) of the true phase of masks (N, H, W) at lengths in px, see `LinealPathDescriptor`."""
    count, height, width = masks.shape
    longest = min(height, width) // 2
    lengths = np.arange(longest + 1)
    curves = np.zeros((count, longest + 1))
    for first, some in in_parts(masks, direction):
        runs = find_runs(some)
        bins = runs.width + 1
        counted = np.bincount(runs.image * bins + runs.length, minlength=len(some) * bins).reshape(len(some), bins)
        # A run of n pixels holds n - r segments of length r: summed over the runs longer than r, from the end.
        longer = counted[:, :0:-1].cumsum(axis=1)
        segments = longer.cumsum(axis=1)[:, ::-1][:, : longest + 1]
        curves[first : first + len(some)] += segments / (runs.lines * (runs.width - lengths))
    return curves / 2 if direction == "both" else curves
