"""By what factor each micrograph is reduced, so that a px is as long in all of them."""

from collections.abc import Sequence

from alloygan.data.manifest import Micrograph, refuse_problems
from alloygan.errors import DataError

MOST_ENLARGED = 1.25
"""Micrographs are enlarged by at most this factor: there is no detail that a larger one could show."""


def factors(micrographs: Sequence[Micrograph], um_per_px: float | None) -> list[float]:
    """For each micrograph how many of its px, along a side, become one of `um_per_px` µm.

    Without a scale in the manifest every factor is 1. Raises DataError where scales are known of some micrographs only,
    where `um_per_px` is missing or has nothing to refer to, and where a micrograph would be enlarged too much.
    """
    unknown = [one for one in micrographs if one.um_per_px is None]
    if len(unknown) == len(micrographs):
        if um_per_px is not None:
            raise DataError(
                "side_um is a length in µm, and the manifest has no um_per_px, so lengths in the micrographs are not "
                "known; add the column um_per_px, or leave side_um out: px are then taken as they are"
            )
        return [1.0] * len(micrographs)
    refuse_problems(
        [
            f"{one.where}: um_per_px: missing here, and known of other micrographs, so this one cannot be brought to "
            "their scale; add it, exclude the micrograph, or empty the column to take all px as they are"
            for one in unknown
        ]
    )
    if um_per_px is None:
        raise DataError(
            "the manifest knows the length of a px (um_per_px), so the micrographs are brought to one scale; choose "
            "the side of a patch in µm (side_um) so that it shows several of the features that matter"
        )
    found = [_near_one(um_per_px / one.um_per_px) for one in micrographs if one.um_per_px is not None]
    refuse_problems(
        [
            f"{one.where}: um_per_px: {one.um_per_px:g} would be enlarged {1 / factor:.3g} times to {um_per_px:g} µm a "
            f"px, and at most {MOST_ENLARGED} is sensible; choose a larger side_um or a smaller patch, or exclude it"
            for one, factor in zip(micrographs, found, strict=True)
            if factor < 1 / MOST_ENLARGED - 1e-9
        ]
    )
    return found


def _near_one(factor: float) -> float:
    """Exactly a whole number where only rounding is between."""
    return float(round(factor)) if abs(factor - round(factor)) < 1e-6 * factor and round(factor) >= 1 else factor
