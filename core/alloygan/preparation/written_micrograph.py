"""Writing a micrograph that was looked at: its file, its mask, and its overlay."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alloygan.data.image_parts import ImageParts, open_parts
from alloygan.data.region import Region
from alloygan.errors import DataError
from alloygan.files import write_bytes
from alloygan.pictures import png_bytes
from alloygan.preparation.contrast import LevelMap
from alloygan.preparation.levels import histogram
from alloygan.preparation.mask import mask_picture
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.overlay import overlay
from alloygan.preparation.page_pictures import Pictures, sample_patches, thumbnail
from alloygan.preparation.pixels import Blocks, Picture, prepared_levels, write_pixels
from alloygan.preparation.rescaled import Rescaled
from alloygan.preparation.survey import Survey, on_grid


@dataclass(frozen=True)
class WrittenMicrograph:
    """A prepared micrograph: its file and mask relative to the folder, its histogram, and pictures for the page."""

    file: str
    mask: str
    after: NDArray[np.int64]
    pictures: Pictures
    flat: int
    """Evaluation patches of one grey level."""


def write_micrograph(folder: Path, found: Survey, level_map: LevelMap, options: PrepareOptions) -> WrittenMicrograph:
    """Write a micrograph and its mask into `folder`. Raises DataError if one grey level is left of it."""
    one = found.micrograph
    blocks = Blocks(options.block or max(options.patch), options.clip_limit) if options.contrast == "clahe" else None
    after: list[Picture] = []
    with open_parts(one.file) as parts:
        image = Rescaled(parts, one.file, found.roi, found.factor)
        read = prepared_levels(image, found, level_map, blocks)
        stem = folder / "micrographs" / found.name
        path = write_pixels(
            stem, found.size, read, lambda picture, region: after.append(on_grid(picture, region, found))
        )  # fmt: skip
        before = thumbnail(parts, one.file, found.roi)
    with open_parts(path) as parts:
        pictures = Pictures(
            before,
            thumbnail(parts, path, Region(0, 0, found.size[1], found.size[0])),
            sample_patches(parts, found, options.patch),
        )
        flat = _flat_evaluation_patches(parts, found, options.patch)
    grey = np.concatenate(after)
    if grey.min() == grey.max():
        raise DataError(
            f"{one.file}: contrast: {options.contrast} leaves one grey level ({grey[0]} of 255) of it; use contrast: "
            "quantile, or exclude the micrograph"
        )
    return WrittenMicrograph(f"micrographs/{path.name}", _write_mask(folder, found), histogram(grey), pictures, flat)


def write_overlay(folder: Path, found: Survey) -> None:
    """Write the picture to review into `folder`."""
    with open_parts(found.micrograph.file) as parts:
        picture = overlay(parts, found)
    write_bytes(folder / "overlays" / f"{found.name}.png", png_bytes(np.moveaxis(picture, -1, 0)))


def _write_mask(folder: Path, found: Survey) -> str:
    """The mask's file relative to the folder; nothing where the micrograph has none."""
    mask = found.micrograph.mask
    if mask is None:
        return ""
    with mask_picture(mask, found.roi, found.factor) as read:
        path = write_pixels(folder / "masks" / found.name, found.size, read, lambda picture, region: None)
    return f"masks/{path.name}"


def _flat_evaluation_patches(parts: ImageParts, found: Survey, patch: tuple[int, int]) -> int:
    if found.split is None or found.split.places.evaluation is None:
        return 0
    patches = (parts.read(Region(int(x), int(y), patch[1], patch[0]))[0] for y, x in found.split.places.evaluation)
    return sum(bool(one.min() == one.max()) for one in patches)
