"""Simulated micrographs as a folder that everything else reads: a manifest with images, masks and what is true."""

import csv
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.data.manifest import OWN_COLUMNS
from alloygan.data.simulated import SimulatedMicrograph
from alloygan.errors import DataError
from alloygan.files import whole_folder, write_bytes, write_json, write_text
from alloygan.pictures import png_bytes

SIMULATION = "simulation.json"
OWN = (SIMULATION, "manifest.csv", "images", "masks", "cracks", "truth")


def write_simulation(
    micrographs: Iterable[SimulatedMicrograph],
    out: Path,
    about: Mapping[str, Any],
    report: Callable[[str, int], None] | None = None,
) -> dict[str, Any]:
    """Write `manifest.csv`, `images/NAME.png`, `masks/NAME.png` (255 on the primary phase), `cracks/NAME.png` (255 on
    cracks, where there are any), `truth/NAME.csv` (what was drawn) and `simulation.json` (`about`, such as the spec),
    whole or not at all; return the latter's content. The manifest keeps training and evaluation micrographs apart as
    the simulation does, by its column `evaluation`.

    `report(name, done)` is called after each micrograph. Raises DataError where the folder holds something else.
    """
    rows: list[dict[str, Any]] = []
    names_so_far: set[str] = set()
    with whole_folder(out, SIMULATION, OWN) as folder:
        for one in micrographs:
            _refuse_bad(one, names_so_far)
            names_so_far.add(one.name.lower())
            rows.append(_write(one, folder))
            if report is not None:
                report(one.name, len(rows))
        names = list(dict.fromkeys(name for row in rows for name in row))
        # A column that all micrographs leave empty says nothing.
        names = [name for name in names if any(row.get(name) not in (None, "") for row in rows)]
        write_text(folder / "manifest.csv", _csv(names, [[row.get(name, "") for name in names] for row in rows]))
        summary = {"schema": 1, "alloygan": version("alloygan"), **about, "micrographs": len(rows)}
        write_json(folder / SIMULATION, summary)
    return summary


def _refuse_bad(one: SimulatedMicrograph, names_so_far: set[str]) -> None:
    """What a plugin may get wrong, before it becomes a file."""
    if not re.fullmatch(r"[\w.+=-]+", one.name) or one.name.startswith("."):
        raise DataError(
            f"a simulated micrograph is called {one.name!r}; letters, digits and _ . + = - make a file name"
        )
    if one.name.lower() in names_so_far:
        raise DataError(f"two simulated micrographs are called {one.name!r}; each needs a name of its own")
    for name, value in one.conditions.items():
        if name in OWN_COLUMNS:
            raise DataError(f"{one.name}: the condition {name!r} has the name of a manifest's own column; rename it")
        if isinstance(value, float) and not math.isfinite(value):
            raise DataError(f"{one.name}: the condition {name!r} is {value}, not a finite number")


def _write(one: SimulatedMicrograph, folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"file": f"images/{one.name}.png", **one.conditions}
    write_bytes(folder / row["file"], png_bytes(one.image))
    row["um_per_px"] = "" if one.um_per_px is None else f"{one.um_per_px:.10g}"
    if one.mask is not None:
        row["mask"] = f"masks/{one.name}.png"
        write_bytes(folder / row["mask"], _mask_png(one.mask))
    if one.training is not None:
        row["evaluation"] = "none" if one.training else "all"
    if one.crack_mask is not None and one.crack_mask.any():
        write_bytes(folder / f"cracks/{one.name}.png", _mask_png(one.crack_mask))
    if one.truth is not None:
        columns = list(one.truth.values())
        text = _csv(list(one.truth), [list(line) for line in zip(*columns, strict=True)])
        write_text(folder / f"truth/{one.name}.csv", text)
    return row


def _mask_png(mask: NDArray[np.bool_]) -> bytes:
    return png_bytes(np.where(mask, 255, 0).astype(np.uint8)[None])


def _csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([f"{value:.10g}" if isinstance(value, float) else value for value in row] for row in rows)
    return text.getvalue()
