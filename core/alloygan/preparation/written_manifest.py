"""manifest.csv of a preparation, which the data set `micrographs` reads."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from alloygan.data.evaluation_part import evaluation_text
from alloygan.files import write_text
from alloygan.preparation.survey import Survey
from alloygan.preparation.written_micrograph import WrittenMicrograph


def write_manifest(
    path: Path,
    kept: Sequence[Survey],
    written: Mapping[str, WrittenMicrograph],
    columns: Sequence[str],
    um_per_px: float | None,
) -> None:
    """One row a micrograph; `columns` are those taken over from the original manifest, in their order.

    Regions are in px of the prepared file.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", *columns, "um_per_px", "mask", "avoid", "evaluation", "source"])
    scale = "" if um_per_px is None else f"{um_per_px:.10g}"
    for found in kept:
        if found.split is None:
            continue
        one, file = found.micrograph, written[found.name]
        writer.writerow(
            [
                file.file,
                *one.values(columns),
                scale,
                file.mask,
                "; ".join(region.text for region in found.split.avoid),
                evaluation_text(found.split.evaluation),
                one.source,
            ]
        )
    write_text(path, text.getvalue())
