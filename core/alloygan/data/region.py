"""A rectangle of pixels in an image."""

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
        return slice(self.y, self.y + self.height)

    @property
    def columns(self) -> slice:
        """Its columns, as an index."""
        return slice(self.x, self.x + self.width)

    def lies_in(self, size: tuple[int, int]) -> bool:
        """Whether it has at least one pixel and lies wholly in an image of this size (height, width)."""
        inside = self.x + self.width <= size[1] and self.y + self.height <= size[0]
        return min(self.x, self.y) >= 0 and min(self.width, self.height) >= 1 and inside

    def meets(self, other: "Region") -> bool:
        """Whether the two share a pixel."""
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and self.y < other.y + other.height and other.y < self.y + self.height
