"""How far does the segmentation lie from ground-truth masks, and what does that do to each descriptor?

Reads a manifest with a `mask` column, segments each micrograph as `alloygan evaluate` would (one grey level for all,
fitted to all), and compares.

python benchmarks/segmentation.py ni/manifest.csv --contrast stretch --phase dark --smooth 1 --specks 20
"""

import argparse
import json
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from alloygan import Specimens, load_zoo
from alloygan.data.cutting import downscaled
from alloygan.data.images import read_image, read_mask
from alloygan.data.manifest import read_manifest
from alloygan.evaluation.segmentation import fit_threshold, segment
from failures import refuse, told_in_one_message
from numbers_given import at_least, not_negative
from result_page import file_to_write

DESCRIPTORS = (
    "equivalent_diameter", "number_density", "aspect_ratio", "area_fraction", "interface_density", "two_point",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Segment, compare, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, help="manifest.csv with a mask for each micrograph")
    parser.add_argument("--contrast", choices=("none", "stretch"), default="none", help="as data.contrast of a spec")
    parser.add_argument("--phase", choices=("bright", "dark"), default="bright", help="as evaluation.phase")
    parser.add_argument("--smooth", type=not_negative, default=0.0, help="as evaluation.smooth, px")
    parser.add_argument("--specks", type=at_least(0), default=0, help="as evaluation.specks, px²")
    parser.add_argument("--downscale", type=at_least(1), default=1, help="as data.downscale")
    parser.add_argument("--descriptors", nargs="+", default=list(DESCRIPTORS), help="kinds of descriptors")
    parser.add_argument("--json", type=file_to_write, help="file for the results")
    with told_in_one_message():
        _compare(parser.parse_args(arguments))


def _compare(options: argparse.Namespace) -> None:
    zoo = load_zoo()
    kinds = {kind: zoo.spec_from_values({"kind": kind}, "descriptor").build() for kind in options.descriptors}
    micrographs = [one for one in read_manifest(options.manifest, ()).micrographs if one.mask is not None]
    if not micrographs:
        refuse(f"{options.manifest}: no row has a mask; name the masks in a column mask")
    images, truths = [], []
    for one in micrographs:
        assert one.mask is not None
        whole = read_image(one.file, contrast=options.contrast)
        mask = read_mask(one.mask, size=(whole.shape[1], whole.shape[2]))
        if one.roi is not None:
            whole, mask = whole[:, one.roi.rows, one.roi.columns], mask[one.roi.rows, one.roi.columns]
        images.append(downscaled(whole, options.downscale))
        truths.append(downscaled((255 * mask[None]).astype(np.uint8), options.downscale)[0] > 127)
    # One level for all micrographs, which may differ in size: their pixels in one long row.
    threshold = fit_threshold(_in_a_row(images, options.smooth), 0.0)
    rows: list[dict[str, Any]] = []
    for one, image, truth in zip(micrographs, images, truths, strict=True):
        found = segment(image[None], threshold, options.smooth, options.phase == "bright", options.specks)
        row: dict[str, Any] = {"file": one.file.name, "iou": float((found[0] & truth).sum() / (found[0] | truth).sum())}
        for kind, descriptor in kinds.items():
            both = [descriptor.summary(descriptor.measure(Specimens(image[None], m))) for m in (truth[None], found)]
            row[kind] = {"mask": both[0], "segmented": both[1]}
        rows.append(row)
    _print(rows, list(kinds), threshold)
    if options.json is not None:
        about = {"date": str(date.today()), "hardware": platform.processor() or platform.machine()}
        settings = {name: value for name, value in vars(options).items() if name not in ("json", "manifest")}
        result = about | {"settings": settings, "threshold": threshold, "rows": rows}
        options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")


def _in_a_row(images: Sequence[NDArray[np.uint8]], smooth: float) -> NDArray[np.uint8]:
    from alloygan.evaluation.segmentation import grey

    return np.concatenate([np.rint(grey(image[None], smooth)).astype(np.uint8).ravel() for image in images])[
        None, None, None
    ]


def _print(rows: Sequence[dict[str, Any]], kinds: Sequence[str], threshold: float) -> None:
    console = Console()
    table = Table(title=f"segmentation against masks; one grey level for all: {threshold:g}", title_justify="left")
    table.add_column("micrograph")
    table.add_column("IoU", justify="right")
    for kind in kinds:
        table.add_column(kind, justify="right")
    for row in rows:
        table.add_row(row["file"], f"{row['iou']:.3f}", *(_cell(row[kind]) for kind in kinds))
    console.print(table)
    console.print("cells: from the mask → from the segmentation (relative difference)", style="dim")


def _cell(both: dict[str, float | None]) -> str:
    mask, found = both["mask"], both["segmented"]
    if mask is None or found is None:
        return "–"
    change = f" ({100 * (found - mask) / mask:+.0f} %)" if mask else ""
    return f"{mask:.3g} → {found:.3g}{change}"


if __name__ == "__main__":
    main()
