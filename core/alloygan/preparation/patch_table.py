"""patches.csv: where every patch of the prepared data set comes from."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from alloygan.preparation.survey import Survey


def write_patch_table(
    path: Path, micrographs: Iterable[tuple[str, Survey]], patch: tuple[int, int], columns: Sequence[str]
) -> None:
    """One row a patch: `x`, `y` in px of the prepared file, `x0`, `y0`, `w0`, `h0` in px of the original one.

    `micrographs` are the prepared files' names, and what they come from; `columns` are taken over from the manifest.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "split", "x", "y", "source", "x0", "y0", "w0", "h0", *columns])
        for name, found in micrographs:
            writer.writerows(_rows(name, found, patch, found.micrograph.values(columns)))


def _rows(name: str, found: Survey, patch: tuple[int, int], values: Sequence[str]) -> Iterator[list[str]]:
    if found.split is None:
        return
    factor, roi, places = found.factor, found.roi, found.split.places
    size = [f"{factor * patch[1]:.6g}", f"{factor * patch[0]:.6g}"]
    for part, sites in (("training", places.training), ("evaluation", places.evaluation)):
        for top, left in [] if sites is None else sites.tolist():
            at = [f"{roi.x + factor * left:.10g}", f"{roi.y + factor * top:.10g}"]
            yield [name, part, str(left), str(top), found.micrograph.source, *at, *size, *values]
