"""Lengths of the chords that a phase cuts from test lines."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.distances import wasserstein
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan_plugins.line_statistics.runs import Direction, IntArray, find_runs, in_parts

_FEW = 0.01


class ChordLengthDescriptor(Descriptor):
    """Chords in a phase along rows and columns, pooled, in px or µm; none longer than half the image's shorter side.

    To leave out chords that the border cuts would leave out long ones more often. Instead a chord counts if it begins
    inside of the image and half the shorter side ahead of it lies in the image, and is read no further than that; and
    again if it ends inside and as much lies behind. Each rule takes chords of every length alike (an associated
    point and a guard area, C. V. Howard and M. G. Reed, Unbiased Stereology, 2nd ed. 2005).
    """

    def __init__(self, phase: Literal["primary", "matrix"], direction: Direction) -> None:
        self.phase = phase
        self.direction = direction

    def measure(self, specimens: Specimens) -> Measurement:
        """One value (n,) a chord."""
        masks = specimens.masks if self.phase == "primary" else ~specimens.masks
        lengths, image = chord_lengths(masks, self.direction)
        return Measurement(
            lengths * specimens.length_per_px,
            unit=specimens.unit,
            image=image,
            notes=self._notes(lengths, image, masks.shape, specimens),
        )

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The 1-Wasserstein distance of the two distributions over chords."""
        return wasserstein(one, other)

    def _notes(
        self, lengths: NDArray[np.float64], image: IntArray, shape: tuple[int, ...], specimens: Specimens
    ) -> tuple[str, ...]:
        notes = []
        empty = shape[0] - len(np.unique(image))
        if empty:
            notes.append(f"in {empty} of {shape[0]} images no chord of the {self.phase} phase begins or ends")
        half = _half(shape)
        share = float((lengths >= half).mean()) if len(lengths) else 0.0
        if share > _FEW:
            reach = f"{half * specimens.length_per_px:g} {specimens.unit}"
            notes.append(f"{share:.0%} of the chords reach half an image and count as {reach}, so the mean is too low")
        return tuple(notes)


def chord_lengths(masks: NDArray[np.bool_], direction: Direction = "both") -> tuple[NDArray[np.float64], IntArray]:
    """Lengths (n,) in px of the chords in the true phase of masks (N, H, W), and their images (n,)."""
    half = _half(masks.shape)
    lengths: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    images: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    if half:
        for first, some in in_parts(masks, direction):
            runs = find_runs(some)
            end = runs.start + runs.length
            forwards = (runs.start > 0) & (runs.start <= runs.width - half)
            backwards = (end < runs.width) & (end >= half)
            for chosen in (forwards, backwards):
                lengths.append(np.minimum(runs.length[chosen], half))
                images.append(runs.image[chosen] + first)
    return np.concatenate(lengths).astype(np.float64), np.concatenate(images)


def _half(shape: tuple[int, ...]) -> int:
    """How far a chord is read, in px."""
    return min(shape[1:]) // 2
