"""Which part of a micrograph is kept for evaluation."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alloygan.data.cutting import Cut, Places, patch_places
from alloygan.data.evaluation_part import EvaluationPart
from alloygan.data.region import Region
from alloygan.errors import DataError


@dataclass(frozen=True)
class Split:
    """What is for evaluation (None: nothing), the regions that no patch may touch, and where the patches lie."""

    evaluation: EvaluationPart
    avoid: tuple[Region, ...]
    places: Places

    @property
    def evaluation_region(self) -> Region | None:
        """The part that is for evaluation, None where that is nothing or the whole micrograph."""
        return self.evaluation if isinstance(self.evaluation, Region) else None

    @property
    def counts(self) -> tuple[int, int]:
        """Training and evaluation patches."""
        return len(self.places.training), 0 if self.places.evaluation is None else len(self.places.evaluation)


def split(
    size: tuple[int, int], cut: Cut, name: str, avoid: Sequence[Region], given: EvaluationPart, factor: float
) -> Split:
    """Choose the evaluation region of a prepared micrograph of `size` (height, width) px.

    It is `given` (a region, or `all` or `none` of the micrograph), or a strip at an end of the longer side: that which
    holds more evaluation patches, then that which leaves more training patches, then the right or bottom one. If
    neither end will do, the ends of the shorter side are tried. A gap (`gap_beside`) between training and evaluation
    region is left out. Raises DataError naming `name` if nothing is left.
    """
    if isinstance(given, str) or (given is None and cut.evaluation_fraction == 0):
        return Split(given, tuple(avoid), patch_places(size, cut, name, avoid=avoid, evaluation=given))
    gap = gap_beside(factor)
    best: Split | None = None
    problem: DataError | None = None
    for strips in [[given]] if given is not None else _strips(size, cut):
        for evaluation in strips:
            regions = (*avoid, *_frame(evaluation, size, gap))
            try:
                found = Split(evaluation, regions, patch_places(size, cut, name, avoid=regions, evaluation=evaluation))
            except DataError as error:
                problem = problem or error
                continue
            if best is None or found.counts[::-1] > best.counts[::-1]:
                best = found
        if best is not None:
            return best
    if problem is None or not avoid:
        # The message of a micrograph that is too small, whatever is avoided.
        patch_places(size, cut, name)
    raise problem or DataError(f"{name}: no part of it can be kept for evaluation; exclude the micrograph")


def gap_beside(factor: float) -> int:
    """How many px lie between training and evaluation region, so that no px of the file has a part in both.

    A whole factor needs none. Otherwise px of the file lie across the border of two px of the result, and where it is
    enlarged, across more.
    """
    return 0 if float(factor).is_integer() else math.ceil(1 / factor)


def _strips(size: tuple[int, int], cut: Cut) -> Iterator[list[Region]]:
    """The strips at the ends of the longer side, then those of the shorter one, as far as a patch fits beside them."""
    height, width = size
    for upright in (height > width, height <= width):
        longer, patch = (height, cut.patch[0]) if upright else (width, cut.patch[1])
        strip = max(1, round(cut.evaluation_fraction * longer / patch)) * patch
        if longer - strip < patch:
            continue
        ends = (longer - strip, 0)
        yield [Region(0, at, width, strip) if upright else Region(at, 0, strip, height) for at in ends]


def _frame(region: Region, size: tuple[int, int], gap: int) -> list[Region]:
    """What lies within `gap` px around a region."""
    if not gap:
        return []
    around = [
        Region(region.x - gap, region.y - gap, gap, region.height + 2 * gap),
        Region(region.right, region.y - gap, gap, region.height + 2 * gap),
        Region(region.x, region.y - gap, region.width, gap),
        Region(region.x, region.bottom, region.width, gap),
    ]
    inside = (one.part_in(Region(0, 0, size[1], size[0])) for one in around)
    return [one for one in inside if one is not None]
