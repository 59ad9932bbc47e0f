"""`alloygan prepare`: micrographs of a manifest to a folder that the data set `micrographs` reads.

First every micrograph is looked at (cracks, scale, regions, grey levels), then the contrast is fitted, then they are
written. Files are read a part at a time, so a micrograph may be larger than memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alloygan.data.manifest import read_manifest
from alloygan.errors import DataError
from alloygan.files import whole_folder
from alloygan.preparation.conditions import refuse_untrained
from alloygan.preparation.fitted_contrast import FittedContrast, fit_contrast, reference_levels
from alloygan.preparation.input_files import check_headers, refuse_inputs_inside, stems
from alloygan.preparation.levels import bright_fraction, compare, histogram
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.patch_table import write_patch_table
from alloygan.preparation.record import write_record
from alloygan.preparation.review_warnings import review_warnings
from alloygan.preparation.scale import factors
from alloygan.preparation.summary import write_summary
from alloygan.preparation.survey import Survey, survey
from alloygan.preparation.written_manifest import write_manifest
from alloygan.preparation.written_micrograph import WrittenMicrograph, write_micrograph, write_overlay

MARKER, MANIFEST, SUMMARY = "preparation.json", "manifest.csv", "summary.html"
OWN = (MARKER, MANIFEST, SUMMARY, "patches.csv", "micrographs", "masks", "overlays")

Report = Callable[[str, int, int], None]


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


def prepare(manifest: Path, out: Path, options: PrepareOptions, report: Report | None = None) -> Preparation:
    """Prepare the micrographs of a manifest into the folder `out`, whole or not at all.

    An `out` that an earlier preparation wrote is replaced. `report(part, done, total)` is called as work goes on.
    Raises DataError, with a line for each problem as far as they are known before images are decoded.
    """
    say = report or (lambda part, done, total: None)
    refuse_inputs_inside(out, manifest, (), options)
    rows = read_manifest(manifest, None, named=options.conditions)
    refuse_untrained(manifest, rows.micrographs, options.evaluation_fraction)
    scales = factors(rows.micrographs, options.um_per_px)
    check_headers(rows.micrographs, options)
    refuse_inputs_inside(out, manifest, rows.micrographs, options)
    with whole_folder(out, MARKER, OWN) as folder:
        surveys: list[Survey] = []
        for one, name, factor in zip(rows.micrographs, stems(rows.micrographs), scales, strict=True):
            surveys.append(survey(one, name, factor, options))
            say("look", len(surveys), len(rows.micrographs))
        kept = _kept(surveys, manifest, options)
        reference = reference_levels(kept, options)
        written: dict[str, WrittenMicrograph] = {}
        fitted: dict[str, FittedContrast] = {}
        for found in surveys:
            write_overlay(folder, found)
            if found.split is None:
                continue
            fitted[found.name] = fit_contrast(found, options, reference)
            written[found.name] = write_micrograph(folder, found, fitted[found.name].level_map, options)
            say("write", len(written), len(kept))
        befores = [histogram(found.sample) for found in kept]
        brights = [bright_fraction(found.sample) for found in kept]
        levels = dict(
            zip(written, compare(befores, [one.after for one in written.values()], brights), strict=True)
        )  # fmt: skip
        warnings = review_warnings(surveys, written, levels, options)
        files = {name: one.file for name, one in written.items()}
        write_manifest(folder / MANIFEST, kept, written, rows.columns, options.um_per_px)
        write_patch_table(
            folder / "patches.csv", [(files[found.name], found) for found in kept], options.patch, rows.columns
        )
        write_summary(
            folder / SUMMARY, out, manifest, surveys, options, levels, warnings,
            {name: one.pictures for name, one in written.items()}, files,
        )  # fmt: skip
        training, evaluation = (sum(found.split.counts[i] for found in kept if found.split) for i in (0, 1))
        write_record(
            folder / MARKER, manifest, options, surveys, written, fitted, levels, warnings, (training, evaluation)
        )
    return Preparation(
        out, out / MANIFEST, out / SUMMARY, len(kept), len(surveys) - len(kept), training, evaluation, warnings
    )  # fmt: skip


def _kept(surveys: Sequence[Survey], manifest: Path, options: PrepareOptions) -> list[Survey]:
    """Micrographs that are not left out. Raises DataError where they leave nothing to train on."""
    kept = [found for found in surveys if found.split is not None]
    if not kept:
        reasons = "\n".join(f"{found.micrograph.where}: {found.left_out}" for found in surveys)
        raise DataError(f"{reasons}\n{manifest}: every micrograph is left out; overrule it in the column cracks")
    refuse_untrained(manifest, [found.micrograph for found in kept], options.evaluation_fraction)
    return kept
