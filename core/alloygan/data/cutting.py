"""Micrographs to patches: area averaging, a training and an evaluation region, and a grid in each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alloygan.data.evaluation_part import EvaluationPart
from alloygan.data.region import Region
from alloygan.errors import DataError

Sites = NDArray[np.int64]


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


@dataclass(frozen=True)
class Places:
    """Where the patches of a micrograph lie: (n, 2) top row and left column in px after downscaling.

    `evaluation` is None where nothing is for evaluation; `training` is empty where everything is.
    """

    training: Sites
    evaluation: Sites | None


def patch_places(
    size: tuple[int, int], cut: Cut, name: str, *, avoid: Sequence[Region] = (), evaluation: EvaluationPart = None
) -> Places:
    """Where the patches of a micrograph of `size` (height, width) in px before downscaling lie.

    No patch meets a region of `avoid`. `evaluation` is the evaluation region, instead of the strip of `regions`;
    training patches then lie wherever they do not meet it. With `all` there are evaluation patches only, with `none`
    training patches only. Regions are in px before downscaling. Raises DataError naming `name` if a region holds no
    patch.
    """
    blocked = [region.reduced(cut.downscale) for region in avoid]
    if evaluation == "all":
        sites = _grid(_whole(size, cut, name), cut.patch, cut.patch, blocked, [(0, 0)])
        _refuse_none(sites, "evaluation", cut, name)
        return Places(np.empty((0, 2), dtype=np.int64), sites)
    if evaluation == "none":
        sites = _grid(_whole(size, cut, name), cut.patch, cut.training_stride, blocked, [(0, 0)])
        _refuse_none(sites, "training", cut, name)
        return Places(sites, None)
    if evaluation is None:
        training_region, evaluation_region = regions(size, cut, name)
        training = _grid(training_region, cut.patch, cut.training_stride, blocked, [(0, 0)])
    else:
        training_region = Region(0, 0, size[1] // cut.downscale, size[0] // cut.downscale)
        evaluation_region = evaluation.reduced(cut.downscale, inward=True)
        outside = evaluation.reduced(cut.downscale)
        training = _grid(
            training_region, cut.patch, cut.training_stride, [*blocked, outside], _origins(outside, blocked, cut)
        )
    chosen = None if evaluation_region is None else _grid(evaluation_region, cut.patch, cut.patch, blocked, [(0, 0)])
    _refuse_none(training, "training", cut, name)
    if chosen is not None:
        _refuse_none(chosen, "evaluation", cut, name)
    return Places(training, chosen)


def _whole(size: tuple[int, int], cut: Cut, name: str) -> Region:
    """The whole micrograph after downscaling. Raises DataError if it holds no patch."""
    height, width = size[0] // cut.downscale, size[1] // cut.downscale
    if height < cut.patch[0] or width < cut.patch[1]:
        after, smaller = (f" after downscale: {cut.downscale}", " or downscale") if cut.downscale > 1 else ("", "")
        raise DataError(
            f"{name}: {height} × {width} px{after} hold no patch of {cut.patch[0]} × {cut.patch[1]} px; choose a "
            f"smaller patch{smaller}, or exclude the micrograph"
        )
    return Region(0, 0, width, height)


def _refuse_none(sites: Sites, part: str, cut: Cut, name: str) -> None:
    if not len(sites):
        raise DataError(
            f"{name}: the regions avoid and evaluation leave no {part} patch of {cut.patch[0]} × {cut.patch[1]} "
            "px; choose a smaller patch, correct the regions, or exclude the micrograph"
        )


def cut_patches(
    image: NDArray[np.uint8], cut: Cut, name: str, *, avoid: Sequence[Region] = (), evaluation: EvaluationPart = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Training and evaluation patches, each uint8 (n, C, h, w), of a micrograph (C, H, W) before downscaling.

    Training patches overlap by patch − stride; evaluation patches do not overlap, and are None where nothing is for
    evaluation. `avoid`, `evaluation` and errors are those of `patch_places`.
    """
    places = patch_places((image.shape[1], image.shape[2]), cut, name, avoid=avoid, evaluation=evaluation)
    small = downscaled(image, cut.downscale)
    train = _patches(small, places.training, cut.patch)
    return train, None if places.evaluation is None else _patches(small, places.evaluation, cut.patch)


def _grid(
    region: Region,
    patch: tuple[int, int],
    stride: tuple[int, int],
    blocked: Iterable[Region],
    origins: Iterable[tuple[int, int]],
) -> Sites:
    """The patches of a region that meet nothing blocked, row by row, on that grid of `origins` which has the most."""
    blocked = list(blocked)
    best: Sites = np.empty((0, 2), dtype=np.int64)
    for down, across in origins:
        rows = np.arange(region.y + down, region.bottom - patch[0] + 1, stride[0])
        columns = np.arange(region.x + across, region.right - patch[1] + 1, stride[1])
        free = np.ones((len(rows), len(columns)), dtype=bool)
        for one in blocked:
            meets_down = slice(*np.searchsorted(rows, (one.y - patch[0] + 1, one.bottom)))
            meets_across = slice(*np.searchsorted(columns, (one.x - patch[1] + 1, one.right)))
            free[meets_down, meets_across] = False
        if np.count_nonzero(free) > len(best):
            at = np.nonzero(free)
            best = np.stack([rows[at[0]], columns[at[1]]], axis=1)
    return best


def _origins(evaluation: Region, blocked: Iterable[Region], cut: Cut) -> list[tuple[int, int]]:
    """Where a grid of training patches may start: in the corner, or close behind the evaluation region.

    Behind it there may be a gap that is to be avoided.
    """
    behind = [evaluation, *(one for one in blocked if one.moved(-1, 0).meets(evaluation))]
    below = [evaluation, *(one for one in blocked if one.moved(0, -1).meets(evaluation))]
    down, across = cut.training_stride
    rows = sorted({0, *(one.bottom % down for one in below)})
    columns = sorted({0, *(one.right % across for one in behind)})
    return [(row, column) for row in rows for column in columns]


def _patches(image: NDArray[np.uint8], sites: Sites, patch: tuple[int, int]) -> NDArray[np.uint8]:
    patches = np.empty((len(sites), image.shape[0], *patch), dtype=np.uint8)
    for one, (top, left) in zip(patches, sites, strict=True):
        one[...] = image[:, top : top + patch[0], left : left + patch[1]]
    return patches
