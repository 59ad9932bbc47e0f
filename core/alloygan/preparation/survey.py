"""The first look at a micrograph: its cracks, its scale, the regions for training and evaluation, its grey levels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.data.cutting import Cut
from alloygan.data.evaluation_part import EvaluationPart
from alloygan.data.image_parts import ImageParts, open_parts
from alloygan.data.manifest import Micrograph
from alloygan.data.region import Region
from alloygan.errors import DataError
from alloygan.preparation.avoided import rectangles_around
from alloygan.preparation.contrast import refuse_constant
from alloygan.preparation.crack_search import SEARCH_SIDE, Cracks, search_cracks
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.rescaled import Levels, Rescaled
from alloygan.preparation.split import Split, split

_SAMPLE = 1_000_000  # px of a micrograph that its grey levels are learnt from
_BAND = 2**24  # px of the result at a time


@dataclass(frozen=True)
class Survey:
    """A micrograph that is prepared, or left out (`left_out` says why; `split` and `sample` are then not there).

    `name` is the stem of its files; `roi` is in px of the file, `size` (height, width) and `split` in px of the result,
    `factor` the number of px of the file that become one. `patches_before` counts training and evaluation patches as
    they would be without cracks. `sample`: grey levels, 16 bits, of px of the training region, or of the whole
    micrograph where all of it is for evaluation.
    """

    micrograph: Micrograph
    name: str
    roi: Region
    factor: float
    size: tuple[int, int]
    cracks: Cracks
    patches_before: tuple[int, int]
    split: Split | None
    sample: Levels
    left_out: str = ""


def survey(one: Micrograph, name: str, factor: float, options: PrepareOptions) -> Survey:
    """Look at a micrograph. Raises DataError naming the file where it cannot be used at all."""
    with open_parts(one.file) as parts:
        roi = one.roi or Region(0, 0, parts.size[1], parts.size[0])
        image = Rescaled(parts, one.file, roi, factor)
        cut = Cut(options.patch, options.stride, evaluation_fraction=options.evaluation_fraction)
        avoid, evaluation = one.regions_in_roi
        told = [region.reduced(factor) for region in avoid]
        given = evaluation.reduced(factor, inward=True) if isinstance(evaluation, Region) else evaluation
        try:
            whole = split(image.size, cut, str(one.file), told, given, factor)
        except DataError as error:
            if factor == 1 or told or isinstance(given, Region):
                raise DataError(f"{one.where}: {error}") from None
            raise DataError(_too_small(one, roi, image.size, options, given)) from None
        cracks = _cracks(one, parts, roi, options)
        found = Survey(
            one, name, roi, factor, image.size, cracks, whole.counts, whole, np.empty(0, dtype=np.uint16)
        )  # fmt: skip
        reason = _left_out(one, cracks, options)
        if not reason:
            margin = options.crack_margin
            margin = options.patch[1] / 4 if margin is None else margin / (options.um_per_px or 1)
            try:
                around = _around(one, found, margin, options)
                if around:
                    found = replace(found, split=split(image.size, cut, str(one.file), [*told, *around], given, factor))
            except DataError:
                reason = f"the regions around its cracks leave no room for {_needed(given)}"
        if reason:
            return replace(found, split=None, left_out=reason)
        sample = training_sample(image, found)
        refuse_constant(sample, str(one.file), "the training region" if one.trains else "what is used of it")
        return replace(found, sample=sample)


def _needed(given: EvaluationPart) -> str:
    """The patches that a micrograph must have."""
    one = {"all": "an evaluation patch", "none": "a training patch"}
    return one[given] if isinstance(given, str) else "a training and an evaluation patch"


def _too_small(
    one: Micrograph, roi: Region, size: tuple[int, int], options: PrepareOptions, given: EvaluationPart
) -> str:
    patch = " × ".join(map(str, options.patch))
    return (
        f"{one.where}: {one.file}: {roi.height} × {roi.width} px of the file become {size[0]} × {size[1]} px at "
        f"{options.um_per_px:g} µm a px, which have no room for {_needed(given)} of {patch} px; choose a smaller "
        "side of a patch in µm (side_um), fewer px a patch with it, or exclude the micrograph"
    )


def training_sample(image: Rescaled, found: Survey) -> Levels:
    """Levels of px of the training region on a regular grid, whatever parts the image is read in."""
    band = max(1, _BAND // image.size[1])
    parts = [
        Region(0, top, image.size[1], min(band, image.size[0] - top)) for top in range(0, image.size[0], band)
    ]  # fmt: skip
    return np.concatenate([on_grid(image.read(part), part, found) for part in parts])


def on_grid(levels: NDArray[Any], part: Region, found: Survey) -> NDArray[Any]:
    """Of the levels (h, w) of a part of the result, those at every n-th px down and across that
    train, or of all if none do."""
    if found.split is None:
        return levels[:0].ravel()
    step = max(1, math.ceil(math.sqrt(found.size[0] * found.size[1] / _SAMPLE)))
    down, across = -part.y % step, -part.x % step
    chosen = levels[down::step, across::step]
    used = np.ones(levels.shape, dtype=bool)[down::step, across::step]
    evaluation = found.split.evaluation_region
    for region in (*found.split.avoid, *([evaluation] if evaluation is not None else [])):
        inside = region.part_in(part)
        if inside is not None:
            inside = inside.moved(-part.x, -part.y)
            rows = slice(-(-max(0, inside.y - down) // step), -(-max(0, inside.bottom - down) // step))
            columns = slice(-(-max(0, inside.x - across) // step), -(-max(0, inside.right - across) // step))
            used[rows, columns] = False
    return chosen[used]


def _cracks(one: Micrograph, parts: ImageParts, roi: Region, options: PrepareOptions) -> Cracks:
    step = max(1, math.ceil(max(roi.height, roi.width) / SEARCH_SIDE))
    small = Rescaled(parts, one.file, roi, step)
    if one.cracks != "find" or options.cracks == "off":
        return Cracks(one.cracks != "find", np.zeros(small.size, dtype=bool), step)
    return search_cracks(parts, one.file, roi, step)


def _left_out(one: Micrograph, cracks: Cracks, options: PrepareOptions) -> str:
    if one.cracks == "micrograph":
        return "the manifest says so (cracks: micrograph)"
    if cracks.found and options.cracks == "micrograph":
        return f"it has {len(cracks.found)} crack{'s' if len(cracks.found) > 1 else ''}"
    return ""


def _around(one: Micrograph, found: Survey, margin: float, options: PrepareOptions) -> Sequence[Region]:
    """What is left out for cracks, in px of the result."""
    if isinstance(one.cracks, tuple):
        told = [part.moved(-found.roi.x, -found.roi.y) for region in one.cracks if (part := region.part_in(found.roi))]
        return [region.reduced(found.factor) for region in told]
    step = found.cracks.step / found.factor
    return rectangles_around(found.cracks.mask, step, found.size, margin, options.patch)
