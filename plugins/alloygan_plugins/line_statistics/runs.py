"""Runs: the pixels of a line that lie in a phase without a break."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Direction = Literal["both", "rows", "columns"]
IntArray = NDArray[np.int64]

_PIXELS_AT_ONCE = 2**22


@dataclass(frozen=True)
class Runs:
    """R runs on N x `lines` lines of `width` px: first pixel, length in px and image of each, (R,) each."""

    start: IntArray
    length: IntArray
    image: IntArray
    lines: int
    width: int


def find_runs(masks: NDArray[np.bool_]) -> Runs:
    """The runs of true pixels along the last axis of masks (N, lines, width), line after line."""
    count, lines, width = masks.shape
    # A false pixel before and behind each line begins and ends what touches the border.
    padded = np.zeros((count * lines, width + 2), dtype=np.bool_)
    padded[:, 1:-1] = masks.reshape(count * lines, width)
    flat = padded.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    starts, ends = changes[0::2], changes[1::2]
    line, start = np.divmod(starts, width + 2)
    return Runs(start=start, length=ends - starts, image=line // max(1, lines), lines=lines, width=width)


def in_parts(masks: NDArray[np.bool_], direction: Direction) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Some of the masks (N, H, W) at a time with the index of the first, the lines along the last axis."""
    step = max(1, _PIXELS_AT_ONCE // max(1, masks[:1].size))
    turned = {"rows": (masks,), "columns": (masks.transpose(0, 2, 1),)}
    for some in turned["rows"] + turned["columns"] if direction == "both" else turned[direction]:
        for first in range(0, len(some), step):
            yield first, some[first : first + step]
