"""A rectangle of pixels in an image."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """A rectangle in px: `x` and `y` are its left column and top row, counted from 0."""

    x: int
    y: int
    width: int
    height: int

    @property
    def rows(self) -> slice:
        """Its rows, as an index."""
        return slice(self.y, self.bottom)

    @property
    def columns(self) -> slice:
        """Its columns, as an index."""
        return slice(self.x, self.right)

    @property
    def right(self) -> int:
        """The column after its last one."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The row after its last one."""
        return self.y + self.height

    @property
    def text(self) -> str:
        """As a manifest has it: `x y width height`."""
        return f"{self.x} {self.y} {self.width} {self.height}"

    def lies_in(self, size: tuple[int, int]) -> bool:
        """Whether it has at least one pixel and lies wholly in an image of this size (height, width)."""
        inside = self.right <= size[1] and self.bottom <= size[0]
        return min(self.x, self.y) >= 0 and min(self.width, self.height) >= 1 and inside

    def meets(self, other: "Region") -> bool:
        """Whether the two share a pixel."""
        across = self.x < other.right and other.x < self.right
        return across and self.y < other.bottom and other.y < self.bottom

    def part_in(self, other: "Region") -> "Region | None":
        """What both share, or None."""
        if not self.meets(other):
            return None
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Region(x, y, min(self.right, other.right) - x, min(self.bottom, other.bottom) - y)

    def moved(self, x: int, y: int) -> "Region":
        """The same rectangle, so many px to the right and down."""
        return Region(self.x + x, self.y + y, self.width, self.height)

    def reduced(self, factor: float, *, inward: bool = False) -> "Region":
        """Where it lies when `factor` px become one: every px that it touches, or only those that it fills (`inward`).

        Inward, nothing may be left: a width or height of 0.
        """
        low, high = (math.ceil, math.floor) if inward else (math.floor, math.ceil)
        # A multiple of the factor is meant to be one, whatever rounding makes of it.
        x, y = low(_near_whole(self.x / factor)), low(_near_whole(self.y / factor))
        right, bottom = high(_near_whole(self.right / factor)), high(_near_whole(self.bottom / factor))
        return Region(x, y, max(0, right - x), max(0, bottom - y))


def _near_whole(value: float) -> float:
    whole = round(value)
    return float(whole) if abs(value - whole) < 1e-6 else value
