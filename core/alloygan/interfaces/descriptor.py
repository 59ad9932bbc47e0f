"""A descriptor is a measured quantity of a microstructure."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Found = TypeVar("Found")


@dataclass(frozen=True)
class Specimens:
    """N images of one condition to be measured, real and generated ones treated alike.

    `images` uint8 (N, C, H, W); `masks` bool (N, H, W), true on the primary phase; `um_per_px`, None where unknown.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    um_per_px: float | None = None
    _found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Any, find: Callable[[], Found]) -> Found:
        """What `find` gives, found once for all descriptors that ask for the same key (the particles, say)."""
        if key not in self._found:
            self._found[key] = find()
        found: Found = self._found[key]
        return found

    @property
    def unit(self) -> Literal["px", "um"]:
        """The unit of length of every measurement."""
        return "px" if self.um_per_px is None else "um"

    @property
    def length_per_px(self) -> float:
        """Length of a pixel in `unit`."""
        return 1.0 if self.um_per_px is None else self.um_per_px


@dataclass(frozen=True)
class Measurement:
    """What a descriptor found in a set of specimens.

    `values`: (n,) float64, one number per image, particle or set; or (n, L), one curve per image over `axis` (L,).
    `unit`: `px`, `um`, `1/px`, `1/px²` …, or empty. `image` (n,): the image each value belongs to. n may be 0.
    """

    values: NDArray[np.float64]
    unit: str = ""
    axis: NDArray[np.float64] | None = None
    image: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = field(default=())


class Descriptor(ABC):
    """Measures a set of specimens, and says how far two sets of measurements are apart.

    `one_value_a_particle`: whether values are those of single particles, whose distribution may have several peaks.
    `ratio_scale`: whether 0 means none of it and nothing lies below, so that percentages of a value make sense (S. S.
    Stevens, Science 103 (1946) 677); where not, such as for a cosine, there is no relative deviation.
    `summary_name`: what the summary is called where it is not the mean of the values (`correlation length` of a curve).
    """

    one_value_a_particle: bool = False
    ratio_scale: bool = True
    summary_name: str = ""

    @abstractmethod
    def measure(self, specimens: Specimens) -> Measurement:
        """Measure all specimens; never NaN, no value where there is nothing to measure (an image without grains)."""

    def summary(self, measurement: Measurement) -> float | None:
        """One number for tables: the mean of the values, or None where there are none."""
        if measurement.values.size == 0:
            return None
        return float(measurement.values.mean())

    def summary_unit(self, measurement: Measurement, specimens: Specimens) -> str:
        """Unit of the summary: that of the values, unless a curve is summed up to something else, such as a length."""
        return measurement.unit

    def redrawn(self, specimens: Specimens, weights: NDArray[np.int64]) -> Sequence[Measurement] | None:
        """Measurements of the specimens drawn again, one for each row of `weights` (R, N): image i is taken so often.

        Only a descriptor whose values belong to a set as a whole needs it: values of images and particles are drawn as
        they are. None (the default) leaves such a descriptor without confidence intervals.
        """
        return None

    @abstractmethod
    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """How far two sets of specimens are apart, ≥ 0 in the unit of the values; None if either has none."""
