"""Samples in a folder: PNGs by condition, one grid, and a record of what was drawn."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from alloygan.data.condition_space import ConditionSpace, Row
from alloygan.data.training_hull import in_words, place
from alloygan.errors import DataError
from alloygan.files import write_bytes, write_json
from alloygan.pictures import captioned, enlarged, png_bytes
from alloygan.sharing import load_generator
from alloygan.zoo import Zoo

_MOST_GRID_COLUMNS = 16


def parse_condition(text: str, space: ConditionSpace) -> Row:
    """A condition from `a=1,b=2`. Raises DataError with the columns that there are."""
    values: dict[str, str] = {}
    names = "|".join(re.escape(column.name) for column in space.columns)
    # Only a comma before a column's name separates: names of classes may have commas of their own.
    for part in re.split(rf",(?=\s*(?:{names})\s*=)", text):
        name, separator, value = part.partition("=")
        if not separator or not name.strip():
            columns = ",".join(f"{column.name}=…" for column in space.columns)
            raise DataError(f"--condition {text}: write it as {columns}")
        if name.strip() in values:
            raise DataError(f"--condition {text}: {name.strip()} stands twice")
        values[name.strip()] = value.strip()
    try:
        return space.row(values)
    except DataError as error:
        raise DataError(f"--condition {text}: {error}") from None


def sample_to_folder(
    run: Path, zoo: Zoo, conditions: Sequence[str], count: int, seed: int, out: Path
) -> dict[str, Any]:
    """Write `OUT/<condition index>/<i:04d>.png`, `OUT/grid.png` and `OUT/samples.json`; returns the last's content.

    Raises AlloyganError before anything is written.
    """
    if count < 1:
        raise DataError(f"--count {count}: at least 1")
    if not 0 <= seed < 2**31:
        raise DataError(f"--seed {seed}: between 0 and {2**31 - 1}")
    if not conditions:
        raise DataError("--condition: name at least one")
    if out.exists() and not out.is_dir():
        raise DataError(f"--out {out}: is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / "samples.json").is_file():
        raise DataError(f"--out {out}: holds other files; name an empty or a new folder")
    model = load_generator(run, zoo, "cuda" if torch.cuda.is_available() else "cpu")
    rows = [parse_condition(text, model.space) for text in conditions]
    for row in rows:
        model.check(row)
    images = [model.sample(row, count, seed).numpy() for row in rows]
    _remove_earlier(out)
    files: list[list[str]] = []
    for index, batch in enumerate(images):
        names = [f"{index}/{i:04d}.png" for i in range(count)]
        for name, image in zip(names, batch, strict=True):
            write_bytes(out / name, png_bytes(image))
        files.append(names)
    pictures = [[enlarged(image) for image in batch[:_MOST_GRID_COLUMNS]] for batch in images]
    standings = [in_words(model.space, row) for row in rows]
    captions = [
        ", ".join(filter(None, (model.space.text(row), where))) for row, where in zip(rows, standings, strict=True)
    ]
    grid = captioned(pictures, captions)
    write_bytes(out / "grid.png", png_bytes(grid))
    record = {
        "schema": 1,
        "model": model.name,
        "images_seen": model.images_seen,
        "seed": seed,
        "count": count,
        "conditions": [
            {
                "condition": model.space.named(row),
                "text": model.space.text(row),
                "label": model.space.label(row),
                "outside": model.space.outside(row),
                "place": place(model.space, row),
                "standing": standing,
                "served_by": None if model.served_by(row) == row else model.space.text(model.served_by(row)),
                "files": names,
            }
            for row, standing, names in zip(rows, standings, files, strict=True)
        ],
    }
    write_json(out / "samples.json", record)
    return record


def _remove_earlier(out: Path) -> None:
    """Remove the pictures of an earlier call, so that old and new ones do not mix."""
    if not (out / "samples.json").is_file():
        return
    for path in (*out.glob("[0-9]*/[0-9]*.png"), out / "grid.png", out / "samples.json"):
        path.unlink(missing_ok=True)
    for folder in out.glob("[0-9]*"):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
