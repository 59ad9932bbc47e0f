"""The eight symmetries of the square, applied to images: mirrored and turned."""

from typing import Literal

from torch import Tensor

Group = Literal["none", "flips", "d4"]

TRANSFORMS = (
    "as it is",
    "flipped left-right",
    "flipped up-down",
    "turned by 180°",
    "transposed",
    "turned by 270°",
    "turned by 90°",
    "transposed across the other diagonal",
)
"""Names of the symmetries, what was done to the training patch; turns are counter-clockwise."""
OF_GROUP: dict[Group, tuple[int, ...]] = {"none": (0,), "flips": (0, 1, 2, 3), "d4": tuple(range(8))}
# Only the turns by 90° and 270° undo each other; all others undo themselves.
INVERSE = (0, 1, 2, 3, 4, 6, 5, 7)


def transformed(images: Tensor, transform: int) -> Tensor:
    """Images (N, C, H, W) under one of `TRANSFORMS`; those from the fifth on exchange height and width."""
    if transform >= 4:
        images = images.transpose(2, 3)
    sides = [side for side, bit in ((3, 1), (2, 2)) if transform & bit]
    return images.flip(sides) if sides else images
