"""Micrographs to patches: area averaging, a training and an evaluation region, and a grid in each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alloygan.data.region import Region
from alloygan.errors import DataError


@dataclass(frozen=True)
class Cut:
    """How micrographs are cut. Patch and stride are (height, width) in px after downscaling.

    `downscale`: so many pixels a side become one, their mean. `stride`: distance of training patches; None is
    a quarter of the patch. `evaluation_fraction`: part of the longer side that the evaluation strip takes,
    rounded to whole patches and at least one; 0: no strip, and the evaluation patches are the training
    patches, so that scores say how well the training images themselves are reproduced.
    """

    patch: tuple[int, int]
    stride: tuple[int, int] | None = None
    downscale: int = 1
    evaluation_fraction: float = 0.25

    @property
    def training_stride(self) -> tuple[int, int]:
        """Distance of training patches in px, down and across."""
        return self.stride or (max(1, self.patch[0] // 4), max(1, self.patch[1] // 4))


def downscaled(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average blocks of factor × factor px of (C, H, W), rounded; what fills no block is dropped."""
    if factor == 1:
        return image
    channels, height, width = image.shape[0], image.shape[1] // factor, image.shape[2] // factor
    blocks = image[:, : height * factor, : width * factor].reshape(channels, height, factor, width, factor)
    sums = blocks.sum(axis=(2, 4), dtype=np.uint32)
    means: NDArray[np.uint8] = ((sums + factor**2 // 2) // factor**2).astype(np.uint8)
    return means


def regions(size: tuple[int, int], cut: Cut, name: str) -> tuple[Region, Region | None]:
    """Training and evaluation region of a micrograph of `size` (height, width) in px before downscaling.

    The evaluation strip lies at the end of the longer side (the right, or the bottom of an upright image).
    Regions are in px after downscaling. Raises DataError naming `name` if a region holds no patch.
    """
    height, width = size[0] // cut.downscale, size[1] // cut.downscale
    upright = height > width
    longer, patch = (height, cut.patch[0]) if upright else (width, cut.patch[1])
    strip = max(1, round(cut.evaluation_fraction * longer / patch)) * patch if cut.evaluation_fraction > 0 else 0
    rest = longer - strip
    if height < cut.patch[0] or width < cut.patch[1] or rest < patch:
        beside = f" beside an evaluation strip of {strip} px along the longer side" if strip else ""
        fraction = " a smaller evaluation_fraction (0: no strip)," if strip else ""
        after = f" after downscale: {cut.downscale}" if cut.downscale > 1 else ""
        smaller = " or downscale" if cut.downscale > 1 else ""
        raise DataError(
            f"{name}: {height} × {width} px{after} hold no training patch of {cut.patch[0]} × "
            f"{cut.patch[1]} px{beside}; choose a smaller patch{smaller},{fraction} or exclude the micrograph"
        )
    if upright:
        return Region(0, 0, width, rest), Region(0, rest, width, strip) if strip else None
    return Region(0, 0, rest, height), Region(rest, 0, strip, height) if strip else None


def cut_patches(image: NDArray[np.uint8], cut: Cut, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Training and evaluation patches, each uint8 (n, C, h, w), of a micrograph (C, H, W) before downscaling.

    Training patches overlap by patch − stride; evaluation patches do not overlap, and are None without an
    evaluation region. Raises DataError as `regions`.
    """
    training, evaluation = regions((image.shape[1], image.shape[2]), cut, name)
    small = downscaled(image, cut.downscale)
    train = _grid(small, training, cut.patch, cut.training_stride)
    return train, None if evaluation is None else _grid(small, evaluation, cut.patch, cut.patch)


def _grid(
    image: NDArray[np.uint8], region: Region, patch: tuple[int, int], stride: tuple[int, int]
) -> NDArray[np.uint8]:
    """All patches of a region on a grid, row by row."""
    inside = image[:, region.rows, region.columns]
    windows = np.lib.stride_tricks.sliding_window_view(inside, patch, axis=(1, 2))
    chosen = windows[:, :: stride[0], :: stride[1]]
    patches = np.moveaxis(chosen, 0, 2).reshape(-1, image.shape[0], *patch)
    return np.ascontiguousarray(patches, dtype=np.uint8)
