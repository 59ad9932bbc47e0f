"""patches.csv: where every patch of the prepared data set comes from."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from alloygan.preparation.survey import Survey


def write_patch_table(path: Path, micrographs: Iterable[tuple[str, Survey]], patch: tuple[int, int]) -> None:
    """One row a patch: `x`, `y` in px of the prepared file, `x0`, `y0`, `w0`, `h0` in px of the original one.

    `micrographs` are the prepared files' names, and what they come from.
    """
    micrographs = list(micrographs)
    names = list(micrographs[0][1].micrograph.conditions)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "split", "x", "y", "source", "x0", "y0", "w0", "h0", *names])
        for name, found in micrographs:
            writer.writerows(_rows(name, found, patch, [found.micrograph.conditions[column] for column in names]))


def _rows(name: str, found: Survey, patch: tuple[int, int], conditions: Sequence[str]) -> Iterator[list[str]]:
    if found.split is None:
        return
    factor, roi, places = found.factor, found.roi, found.split.places
    size = [f"{factor * patch[1]:.6g}", f"{factor * patch[0]:.6g}"]
    for part, sites in (("training", places.training), ("evaluation", places.evaluation)):
        for top, left in [] if sites is None else sites.tolist():
            at = [f"{roi.x + factor * left:.10g}", f"{roi.y + factor * top:.10g}"]
            yield [name, part, str(left), str(top), found.micrograph.source, *at, *size, *conditions]
