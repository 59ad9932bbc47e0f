"""A simulated micrograph and what is known to be true of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SimulatedMicrograph:
    """A whole image of a data set that simulates, before it is cut into patches.

    Attributes:
        name: stem of its file, unique in the data set.
        image: grey levels, uint8 (C, H, W).
        conditions: the value of each condition by its column's name, in the column's unit.
        um_per_px: side of a pixel in µm; None where lengths have no unit.
        mask: True on the primary phase, bool (H, W); None where the simulation does not know it.
        training: whether it is for training, otherwise for evaluation; None where the simulation does not say.
        truth: columns of a table of what was drawn, such as one row a grain; all of one length.
        crack_mask: True in cracks, bool (H, W), where `mask` is False; None where no cracks were asked for.

    Raises:
        ValueError: the arrays do not have these shapes and types, or the columns of the truth differ in length.
    """

    name: str
    image: NDArray[np.uint8]
    conditions: Mapping[str, float | str]
    um_per_px: float | None = None
    mask: NDArray[np.bool_] | None = None
    training: bool | None = None
    truth: Mapping[str, Sequence[Any]] | None = None
    crack_mask: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.dtype != np.uint8:
            raise ValueError(f"{self.name}: image must be uint8 (C, H, W); got {self.image.dtype} {self.image.shape}")
        for name, mask in (("mask", self.mask), ("crack_mask", self.crack_mask)):
            if mask is not None and (mask.shape != self.image.shape[1:] or mask.dtype != np.bool_):
                raise ValueError(
                    f"{self.name}: {name} must be bool {self.image.shape[1:]}; got {mask.dtype} {mask.shape}"
                )
        if self.truth is not None and len({len(column) for column in self.truth.values()}) > 1:
            lengths = {name: len(column) for name, column in self.truth.items()}
            raise ValueError(f"{self.name}: the columns of the truth differ in length: {lengths}")
