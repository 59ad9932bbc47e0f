"""The contrast of each micrograph, fitted to what it is trained on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alloygan.data.image_parts import open_parts
from alloygan.data.images import image_size
from alloygan.data.region import Region
from alloygan.preparation.contrast import LevelMap, between_quantiles, matching, unchanged
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.rescaled import Levels, Rescaled
from alloygan.preparation.survey import Survey

_POOLED = 100_000  # px of each micrograph in a pooled reference
_REFERENCE = 1e6  # px of a reference image


@dataclass(frozen=True)
class FittedContrast:
    """The contrast of one micrograph: the map of its levels, and the numbers that say what it is."""

    level_map: LevelMap
    numbers: dict[str, Any]


def reference_levels(kept: Sequence[Survey], options: PrepareOptions) -> Levels:
    """Grey levels, 16 bits, that the others are matched to: none unless contrast: match.

    They are those of the reference image, or of all training regions, equally many px of each. Raises DataError if the
    image cannot be read.
    """
    if options.contrast != "match":
        return np.empty(0, dtype=np.uint16)
    if options.reference is None:
        samples = [found.sample for found in kept if found.micrograph.trains]
        least = min(_POOLED, *(sample.size for sample in samples))
        return np.concatenate([_evenly(sample, least) for sample in samples])
    image_size(options.reference, channels=1, max_pixels=options.max_pixels)
    with open_parts(options.reference) as parts:
        image = Rescaled(parts, options.reference, Region(0, 0, parts.size[1], parts.size[0]), 1.0)
        step = max(1, math.ceil(math.sqrt(parts.size[0] * parts.size[1] / _REFERENCE)))
        rows = [image.read(Region(0, y, parts.size[1], 1))[0, ::step] for y in range(0, parts.size[0], step)]
    return np.concatenate(rows)


def fit_contrast(found: Survey, options: PrepareOptions, reference: Levels) -> FittedContrast:
    """The contrast of a micrograph. Raises DataError naming it if it has hardly any contrast."""
    if options.contrast == "none":
        return FittedContrast(unchanged(), {})
    if options.contrast == "match":
        return FittedContrast(matching(found.sample, reference), {"reference_mean": float(reference.mean() / 257)})
    level_map, low, high = between_quantiles(found.sample, options.quantiles, str(found.micrograph.file))
    return FittedContrast(level_map, {"black": low / 257, "white": high / 257})


def _evenly(sample: Levels, count: int) -> Levels:
    return sample[np.linspace(0, sample.size - 1, count).astype(np.int64)]
