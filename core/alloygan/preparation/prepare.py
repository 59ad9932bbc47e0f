"""`alloygan prepare`: micrographs of a manifest to a folder that the data set `micrographs` reads.

First every micrograph is looked at (cracks, scale, regions, grey levels), then the contrast is fitted, then they are
written. Files are read a part at a time, so a micrograph may be larger than memory.
"""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.data.image_parts import ImageParts, open_parts
from alloygan.data.images import image_size
from alloygan.data.manifest import Micrograph, read_manifest, refuse_problems
from alloygan.data.region import Region
from alloygan.errors import DataError
from alloygan.files import whole_folder, write_bytes, write_json, write_text
from alloygan.pictures import png_bytes
from alloygan.preparation.contrast import LevelMap, between_quantiles, matching, unchanged
from alloygan.preparation.levels import MOST_CHANGE, GreyLevels, bright_fraction, compare, histogram
from alloygan.preparation.mask import mask_picture
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.overlay import overlay
from alloygan.preparation.patch_table import write_patch_table
from alloygan.preparation.pixels import Blocks, Picture, prepared_levels, write_pixels
from alloygan.preparation.rescaled import Levels, Rescaled
from alloygan.preparation.scale import factors
from alloygan.preparation.summary import Pictures, write_summary
from alloygan.preparation.survey import Survey, on_grid, survey

MARKER, MANIFEST, SUMMARY = "preparation.json", "manifest.csv", "summary.html"
OWN = (MARKER, MANIFEST, SUMMARY, "patches.csv", "micrographs", "masks", "overlays")

Report = Callable[[str, int, int], None]

_THUMBNAIL = 360  # px of the longer side
_SAMPLES = 4  # patches of a micrograph on the summary page
_MANY_BYTES = 4e9  # of training patches in memory
_REFERENCE = 100_000  # px of each micrograph in a pooled reference


@dataclass(frozen=True)
class Preparation:
    """What `prepare` has made: its files, the number of patches, and what there is to say."""

    out: Path
    manifest: Path
    summary: Path
    micrographs: int
    left_out: int
    training_patches: int
    evaluation_patches: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Fitted:
    """The contrast of one micrograph: the map of its levels, and the numbers that say what it is."""

    level_map: LevelMap
    numbers: dict[str, Any]


@dataclass(frozen=True)
class Written:
    """A prepared micrograph: its file and mask relative to the folder, its histogram, and pictures for the page."""

    file: str
    mask: str
    after: NDArray[np.int64]
    pictures: Pictures
    flat: int
    """Evaluation patches of one grey level."""


def prepare(manifest: Path, out: Path, options: PrepareOptions, report: Report | None = None) -> Preparation:
    """Prepare the micrographs of a manifest into the folder `out`, whole or not at all.

    An `out` that an earlier preparation wrote is replaced. `report(part, done, total)` is called as work goes on.
    Raises DataError, with a line for each problem as far as they are known before images are decoded.
    """
    say = report or (lambda part, done, total: None)
    if manifest.resolve().is_relative_to(out.resolve()):
        raise DataError(f"{out}: holds the manifest that is to be prepared, and would be replaced; name another folder")
    micrographs = read_manifest(manifest, None).micrographs
    scales = factors(micrographs, options.um_per_px)
    _check_headers(micrographs, options)
    names = _names(micrographs)
    _refuse_inputs_inside(out, micrographs, options)
    with whole_folder(out, MARKER, OWN) as folder:
        surveys: list[Survey] = []
        for one, name, factor in zip(micrographs, names, scales, strict=True):
            surveys.append(survey(one, name, factor, options))
            say("look", len(surveys), len(micrographs))
        kept = [found for found in surveys if found.split is not None]
        if not kept:
            reasons = "\n".join(f"{found.micrograph.where}: {found.left_out}" for found in surveys)
            raise DataError(f"{reasons}\n{manifest}: every micrograph is left out; overrule it in the column cracks")
        reference = _reference(kept, options)
        written: dict[str, Written] = {}
        fitted: dict[str, Fitted] = {}
        for found in surveys:
            _write_overlay(folder, found)
            if found.split is None:
                continue
            fitted[found.name] = _fit(found, options, reference)
            written[found.name] = _write(folder, found, fitted[found.name], options)
            say("write", len(written), len(kept))
        files = {name: one.file for name, one in written.items()}
        befores = [histogram(found.sample) for found in kept]
        brights = [bright_fraction(found.sample) for found in kept]
        levels = dict(
            zip(written, compare(befores, [one.after for one in written.values()], brights), strict=True)
        )  # fmt: skip
        warnings = tuple(_warnings(surveys, written, levels, options))
        _write_manifest(folder / MANIFEST, kept, written, options)
        write_patch_table(folder / "patches.csv", [(files[found.name], found) for found in kept], options.patch)
        write_summary(
            folder / SUMMARY, out, manifest, surveys, options, levels, warnings,
            {name: one.pictures for name, one in written.items()}, files,
        )  # fmt: skip
        training, evaluation = (sum(found.split.counts[i] for found in kept if found.split) for i in (0, 1))
        write_json(
            folder / MARKER,
            {
                "schema": 1,
                "alloygan": version("alloygan"),
                "scikit-image": version("scikit-image"),
                "manifest": manifest.name,
                "options": options.model_dump(mode="json"),
                "um_per_px": options.um_per_px,
                "training_patches": training,
                "evaluation_patches": evaluation,
                "warnings": list(warnings),
                "micrographs": [_stored(one, written.get(one.name), fitted.get(one.name), levels) for one in surveys],
            },
        )
    return Preparation(
        out, out / MANIFEST, out / SUMMARY, len(kept), len(surveys) - len(kept), training, evaluation, warnings
    )  # fmt: skip


def _refuse_inputs_inside(out: Path, micrographs: Sequence[Micrograph], options: PrepareOptions) -> None:
    folder = out.resolve()
    inputs = [path for one in micrographs for path in (one.file, one.mask) if path is not None]
    for path in [*inputs, *([options.reference] if options.reference is not None else [])]:
        if path.resolve().is_relative_to(folder):
            raise DataError(
                f"{out}: holds {path.name}, which is to be read, and would be replaced; name another folder"
            )


def _check_headers(micrographs: Sequence[Micrograph], options: PrepareOptions) -> None:
    problems = []
    for one in micrographs:
        try:
            image_size(one.file, channels=1, max_pixels=options.max_pixels)
        except DataError as error:
            problems.append(f"{one.where}: file: {error}")
    refuse_problems(problems)


def _names(micrographs: Sequence[Micrograph]) -> list[str]:
    """A stem for the files of each micrograph, all different also where case does not count."""
    names: list[str] = []
    for one in micrographs:
        taken = {name.lower() for name in names}
        number, name = 1, one.file.stem
        while name.lower() in taken:
            number += 1
            name = f"{one.file.stem}_{number}"
        names.append(name)
    return names


def _reference(kept: Sequence[Survey], options: PrepareOptions) -> Levels:
    """Grey levels that the others are matched to: none of them unless contrast: match."""
    if options.contrast != "match":
        return np.empty(0, dtype=np.uint16)
    if options.reference is None:
        least = min(_REFERENCE, *(found.sample.size for found in kept))
        return np.concatenate([_evenly(found.sample, least) for found in kept])
    image_size(options.reference, channels=1, max_pixels=options.max_pixels)
    with open_parts(options.reference) as parts:
        image = Rescaled(parts, options.reference, Region(0, 0, parts.size[1], parts.size[0]), 1.0)
        step = max(1, math.ceil(math.sqrt(parts.size[0] * parts.size[1] / 1e6)))
        rows = [image.read(Region(0, y, parts.size[1], 1))[0, ::step] for y in range(0, parts.size[0], step)]
    return np.concatenate(rows)


def _evenly(sample: Levels, count: int) -> Levels:
    return sample[np.linspace(0, sample.size - 1, count).astype(np.int64)]


def _fit(found: Survey, options: PrepareOptions, reference: Levels) -> Fitted:
    name = str(found.micrograph.file)
    if options.contrast == "none":
        return Fitted(unchanged(), {})
    if options.contrast == "match":
        return Fitted(matching(found.sample, reference), {"reference_mean": float(reference.mean() / 257)})
    level_map, low, high = between_quantiles(found.sample, options.quantiles, name)
    return Fitted(level_map, {"black": low / 257, "white": high / 257})


def _write(folder: Path, found: Survey, fitted: Fitted, options: PrepareOptions) -> Written:
    one = found.micrograph
    blocks = Blocks(options.block or max(options.patch), options.clip_limit) if options.contrast == "clahe" else None
    after: list[Picture] = []
    with open_parts(one.file) as parts:
        image = Rescaled(parts, one.file, found.roi, found.factor)
        read = prepared_levels(image, found, fitted.level_map, blocks)
        stem = folder / "micrographs" / found.name
        path = write_pixels(
            stem, found.size, read, lambda picture, region: after.append(on_grid(picture, region, found))
        )  # fmt: skip
        before = _thumbnail(parts, one.file, found.roi)
    mask = ""
    if one.mask is not None:
        with mask_picture(one.mask, found.roi, found.factor) as read_mask:
            written = write_pixels(folder / "masks" / found.name, found.size, read_mask, lambda picture, region: None)
            mask = f"masks/{written.name}"
    with open_parts(path) as parts:
        pictures = Pictures(
            before,
            _thumbnail(parts, path, Region(0, 0, found.size[1], found.size[0])),
            _sample_patches(parts, found, options.patch),
        )
        flat = _flat_evaluation_patches(parts, found, options.patch)
    grey = np.concatenate(after)
    if grey.min() == grey.max():
        raise DataError(
            f"{one.file}: contrast: {options.contrast} leaves one grey level ({grey[0]} of 255) of it; use contrast: "
            "quantile, or exclude the micrograph"
        )
    return Written(f"micrographs/{path.name}", mask, histogram(grey), pictures, flat)


def _thumbnail(parts: ImageParts, path: Path, region: Region) -> Picture:
    factor = max(1.0, max(region.height, region.width) / _THUMBNAIL)
    small = Rescaled(parts, path, region, factor).whole()
    return np.rint(small / 257).astype(np.uint8)


def _sample_patches(parts: ImageParts, found: Survey, patch: tuple[int, int]) -> list[Picture]:
    if found.split is None:
        return []
    sites = found.split.places.training
    chosen = sites[np.unique(np.linspace(0, len(sites) - 1, _SAMPLES + 2).astype(np.int64)[1:-1])]
    return [parts.read(Region(int(x), int(y), patch[1], patch[0]))[0] for y, x in chosen]


def _flat_evaluation_patches(parts: ImageParts, found: Survey, patch: tuple[int, int]) -> int:
    if found.split is None or found.split.places.evaluation is None:
        return 0
    patches = (parts.read(Region(int(x), int(y), patch[1], patch[0]))[0] for y, x in found.split.places.evaluation)
    return sum(bool(one.min() == one.max()) for one in patches)


def _write_overlay(folder: Path, found: Survey) -> None:
    with open_parts(found.micrograph.file) as parts:
        picture = overlay(parts, found)
    write_bytes(folder / "overlays" / f"{found.name}.png", png_bytes(np.moveaxis(picture, -1, 0)))


def _write_manifest(path: Path, kept: Sequence[Survey], written: dict[str, Written], options: PrepareOptions) -> None:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(kept[0].micrograph.conditions)
    writer.writerow(["file", *names, "um_per_px", "mask", "avoid", "evaluation", "source"])
    scale = "" if options.um_per_px is None else f"{options.um_per_px:.10g}"
    for found in kept:
        if found.split is None:
            continue
        one, file = found.micrograph, written[found.name]
        evaluation = found.split.evaluation
        writer.writerow(
            [
                file.file,
                *(one.conditions[name] for name in names),
                scale,
                file.mask,
                "; ".join(region.text for region in found.split.avoid),
                "" if evaluation is None else evaluation.text,
                one.source,
            ]
        )
    write_text(path, text.getvalue())


def _warnings(
    surveys: Sequence[Survey], written: dict[str, Written], levels: dict[str, GreyLevels], options: PrepareOptions
) -> list[str]:
    said = []
    cracked = [found for found in surveys if found.cracks.found]
    if cracked:
        before, after = (sum(_training_patches(found, i) for found in cracked) for i in (0, 1))
        said.append(
            f"cracks in {len(cracked)} of {len(surveys)} micrographs: {before - after} of their {before} training "
            "patches are left out; look at the overlays"
        )
    conditions = {tuple(found.micrograph.conditions.items()) for found in surveys}
    trained = {tuple(found.micrograph.conditions.items()) for found in surveys if found.split is not None}
    for condition in sorted(conditions - trained):
        words = ", ".join(f"{name} = {value}" for name, value in condition) or "the only one"
        said.append(f"the condition {words} has no micrograph left")
    for found in surveys:
        name = found.micrograph.file.name
        if found.left_out:
            said.append(f"{name}: left out: {found.left_out}")
        before, after = _training_patches(found, 0), _training_patches(found, 1)
        if found.split is not None and found.cracks.found and after < before / 2:
            said.append(
                f"{name}: cracks leave {after} of {before} training patches; if they are none, say so in the "
                "manifest's column cracks"
            )
        if found.name in written and written[found.name].flat:
            said.append(
                f"{name}: {written[found.name].flat} evaluation patches have one grey level; give a roi, or a region "
                "for evaluation"
            )
        if found.cracks.note:
            said.append(f"{name}: {found.cracks.note}")
        if found.factor < 1:
            said.append(f"{name}: enlarged {1 / found.factor:.2f} times; there is less detail in it than in the others")
        level = levels.get(found.name)
        if options.contrast in ("none", "quantile") and level is not None and abs(level.change) > MOST_CHANGE:
            said.append(
                f"{name}: the bright area fraction is {level.fraction_before:.2f} before (by its own grey level) and "
                f"{level.fraction_after:.2f} after (by one level for all); look whether its phases still have the same "
                "grey levels as those of the others"
            )
    count = sum(found.split.counts[0] for found in surveys if found.split is not None)
    if count * options.patch[0] * options.patch[1] > _MANY_BYTES:
        said.append(
            f"{count:,} training patches take {count * options.patch[0] * options.patch[1] / 1e9:.0f} GB of memory in "
            "training; a larger stride makes fewer, with hardly less information"
        )
    if options.contrast in ("match", "clahe"):
        said.extend(_alike(list(levels.values()), options))
    return said


def _training_patches(found: Survey, after: int) -> int:
    """Training patches without (0) and with (1) what is left out for cracks."""
    if not after:
        return found.patches_before[0]
    return found.split.counts[0] if found.split is not None else 0


def _alike(levels: Sequence[GreyLevels], options: PrepareOptions) -> list[str]:
    """Whether equalising histograms has changed area fractions, or made them alike."""
    before, after = [one.fraction_before for one in levels], [one.fraction_after for one in levels]
    spread = max(before) - min(before)
    if max(abs(one.change) for one in levels) <= MOST_CHANGE and not (spread > 0.05 > 2 * (max(after) - min(after))):
        return []
    words = (
        f"contrast: {options.contrast} makes the grey levels of all micrographs alike, and with them the area "
        f"fractions: the bright part is {min(before):.2f} to {max(before):.2f} before (by each micrograph's own grey "
        f"level) and {min(after):.2f} to {max(after):.2f} after (by one level for all); if area fractions matter, use "
        "quantile"
    )
    return [words]


def _stored(
    found: Survey, written: Written | None, fitted: Fitted | None, levels: dict[str, GreyLevels]
) -> dict[str, Any]:
    """What preparation.json keeps of a micrograph."""
    one, step = found.micrograph, found.cracks.step
    values: dict[str, Any] = {
        "source": one.source,
        "conditions": dict(one.conditions),
        "roi": found.roi.text,
        "um_per_px": one.um_per_px,
        "factor": found.factor,
        "cracks_from": "manifest" if found.cracks.told else "image",
        "cracks": [
            {
                "region": Region(
                    found.roi.x + crack.box.x * step, found.roi.y + crack.box.y * step,
                    crack.box.width * step, crack.box.height * step,
                ).text,
                "length_px": round(crack.length * step, 1),
                "width_px": round(crack.width * step, 1),
            }
            for crack in found.cracks.found
        ],
        "note": found.cracks.note,
        "patches_before": dict(zip(("training", "evaluation"), found.patches_before, strict=True)),
        "left_out": found.left_out,
    }  # fmt: skip
    if found.split is not None and written is not None and fitted is not None:
        level = levels[found.name]
        values |= {
            "file": written.file,
            "size": f"{found.size[1]} {found.size[0]}",
            "patches": dict(zip(("training", "evaluation"), found.split.counts, strict=True)),
            "contrast": fitted.numbers,
            "mean_grey": {"before": round(level.mean_before, 2), "after": round(level.mean_after, 2)},
            "bright_fraction": {"before": round(level.fraction_before, 4), "after": round(level.fraction_after, 4)},
        }
    return values
