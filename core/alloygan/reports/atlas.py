"""The atlas: microstructures drawn beforehand over the space of conditions, to look at by condition and noise."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from torch import Tensor

from alloygan.data.condition_space import Row
from alloygan.data.patches import Data
from alloygan.data.training_hull import place
from alloygan.interfaces.condition import OFF_TABLE, Condition
from alloygan.reports.atlas_points import AtlasPoints, atlas_points
from alloygan.reports.atlas_values import descriptors_of, measurable, measured, primary_bright, summary_name
from alloygan.reports.microstructure_grid import NOISES, real_patches
from alloygan.reports.pictures import Shrink, base64_png, most_png_bytes
from alloygan.reports.wording import ABSENT, number, unit_text
from alloygan.sharing import SharedGenerator
from alloygan.zoo import Zoo

MOST_BYTES = 5_800_000
"""Of all pictures as PNG; in a page they are a third larger."""

MOST_NOISES = 8
LARGEST_SIDE = 256

_MOST_PICTURES = 800
_SMALLEST_SIDE = 48
_ROUNDING = 1e-3
_AS_SEEN = 0.01  # of a column's range: so little beyond what was seen is no extrapolation

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Atlas:
    """What the page's script is handed, and what is said above it. `of`: condition → its position in the points."""

    data: dict[str, Any]
    notes: list[str]
    of: dict[Row, int]
    noises: int
    crisp: bool

    @property
    def json(self) -> Markup:
        """The data as text for a script element, which nothing in it can end."""
        text = json.dumps(self.data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        for letter in "<>&\u2028\u2029":
            text = text.replace(letter, f"\\u{ord(letter):04x}")
        return Markup(text)


def atlas(
    model: SharedGenerator,
    data: Data | None,
    evaluation: dict[str, Any],
    zoo: Zoo,
    asked: Sequence[Row],
    seed: int,
    progress: Progress | None = None,
) -> Atlas | None:
    """Draw the atlas. `asked` are conditions that it must hold; noise i of `seed` is the same at every condition.

    Each image is measured alone, by the descriptors of the evaluation and with its grey level between the phases.
    None where there is nothing to choose from: no table, and no condition asked or between bounds.
    """
    shrink, pictures = _room(model.image_shape)
    points = atlas_points(model, asked, pictures // (MOST_NOISES + 1), pictures // (NOISES + 1))
    if not points.rows:
        return None
    noises = max(NOISES, min(MOST_NOISES, pictures // len(points.rows) - 1))
    seen = _seen(model, data)
    descriptors = descriptors_of(evaluation, zoo)
    entries = []
    for done, row in enumerate(points.rows):
        if progress is not None:
            progress(done, len(points.rows))
        images = model.sample(row, noises, seed)
        bright = primary_bright(model, evaluation, row)
        entry = _entry(model, data, evaluation, row, seen, seed, shrink)
        entry["images"] = [base64_png(image, shrink) for image in images]
        entry["values"] = measured(descriptors, images.numpy(), evaluation["segmentation"], bright, model.um_per_px)
        entries.append(entry)
    if progress is not None:
        progress(len(points.rows), len(points.rows))
    kept = measurable(entries, descriptors)
    for entry, places, on_grid in zip(entries, points.places, points.on_grid, strict=True):
        entry |= {"at": places, "grid": on_grid}
    named = {one["name"]: one for one in evaluation["descriptors"]}
    handed = {
        "columns": [
            {
                "name": column.name,
                "category": column.scale == "category",
                "levels": [column.text(value) for value in levels],
            }
            for column, levels in zip(model.space.columns, points.levels, strict=True)
        ],
        "descriptors": [
            {"name": summary_name(named[name]), "unit": unit_text(named[name]["unit"] or "")} for name in kept
        ],
        "means": any(text != ABSENT for entry in entries for text in entry["generated"] + entry["real"]),
        "noises": noises,
        "points": entries,
    }
    return Atlas(
        handed, _notes(model, points, shrink), {row: i for i, row in enumerate(points.rows)}, noises, shrink.crisp
    )


def _room(shape: tuple[int, int, int]) -> tuple[Shrink, int]:
    """How much smaller the pictures are shown, and how many there may be."""
    factor = max(1, math.ceil(max(shape[1:]) / LARGEST_SIDE))
    # Small pictures of a few conditions say more than large ones of two or three.
    while (
        MOST_BYTES // most_png_bytes(shape, factor) < 12 * (NOISES + 2)
        and min(shape[1:]) // (factor + 1) >= _SMALLEST_SIDE
    ):
        factor += 1
    shrink = Shrink(factor, math.ceil(shape[2] / factor))
    return shrink, min(_MOST_PICTURES, MOST_BYTES // most_png_bytes(shape, factor))


def _seen(model: SharedGenerator, data: Data | None) -> Tensor | None:
    """Scaled values (N, F) of the conditions that training images had, as far as that is known."""
    rows = [row for i, row in enumerate(model.space.table) if i not in model.space.held_out]
    if rows:
        return model.space.condition(rows).values
    return data.train.condition.values.cpu() if data is not None and len(data.train) else None


def _entry(
    model: SharedGenerator,
    data: Data | None,
    evaluation: dict[str, Any],
    row: Row,
    seen: Tensor | None,
    seed: int,
    shrink: Shrink,
) -> dict[str, Any]:
    space, label = model.space, model.space.label(row)
    real: Sequence[Tensor] | Tensor = ()
    if data is not None and len(data.evaluation):
        mine = _having(data.evaluation.condition, space.condition([row]))
        real = real_patches(data.evaluation, mine, 1, [seed, max(label, 0)])
    scores: dict[str, Any] = next(
        (one["scores"] for one in evaluation["conditions"] if label >= 0 and one["label"] == label), {}
    )
    known = {
        key: [number(scores[n][key]) if n in scores else ABSENT for n in _names(evaluation)]
        for key in ("real", "generated")
    }
    return {
        "text": space.text(row),
        "label": label,
        "held": label in space.held_out,
        "columns": [column.text(value) for column, value in zip(space.columns, row, strict=True)],
        "note": _standing(model, row, label, seen, has_real=len(real) > 0),
        "patch": base64_png(real[0], shrink) if len(real) else None,
        **known,
    }


def _having(conditions: Condition, one: Condition) -> Tensor:
    """Which of N conditions are the one given: by id, or off the table by values, but for rounding to four digits."""
    label = int(one.label[0])
    if label != OFF_TABLE:
        return conditions.label == label
    return (conditions.values - one.values.to(conditions.values.device)).abs().amax(dim=1) < _ROUNDING


def _standing(model: SharedGenerator, row: Row, label: int, seen: Tensor | None, *, has_real: bool) -> str:
    """How a condition stands to those that the generator was trained on, in words."""
    space = model.space
    beyond = _beyond(model, row, seen)
    extrapolates = f" It extrapolates: {', '.join(beyond)} beyond all that was seen in training." if beyond else ""
    if label in space.held_out:
        lies = extrapolates or " It extrapolates beyond those that had."
        if place(space, row) == "between":
            lies = " It lies between those that had."
        served = model.served_by(row)
        of_nearest = f" The pictures are of the nearest class, {space.text(served)}." if served != row else ""
        return f"Held out: no training image had this condition.{lies}{of_nearest}"
    if label >= 0:
        return "A condition of the training images."
    if has_real:
        return f"A condition of evaluation images.{extrapolates}"
    near = space.nearest_row(row)
    nearest = f" The nearest of the data: {space.text(near)}." if near is not None else ""
    where = extrapolates or (" It lies within the range that was seen in training." if seen is not None else "")
    if not beyond and place(space, row) == "beyond":
        where = " It extrapolates: not between conditions seen in training, though no column alone is beyond them."
    return f"No real image has this condition.{where}{nearest}"


def _beyond(model: SharedGenerator, row: Row, seen: Tensor | None) -> list[str]:
    space = model.space
    if seen is None:
        return space.outside(row)
    values = space.condition([row]).values[0]
    low, high = seen.amin(dim=0) - _AS_SEEN, seen.amax(dim=0) + _AS_SEEN
    names, start = [], 0
    for column in space.columns:
        part = slice(start, start + column.width)
        start += column.width
        if bool(((values[part] < low[part]) | (values[part] > high[part])).any()):
            names.append(column.name)
    return names


def _names(evaluation: dict[str, Any]) -> list[str]:
    return [str(one["name"]) for one in evaluation["descriptors"]]


def _notes(model: SharedGenerator, points: AtlasPoints, shrink: Shrink) -> list[str]:
    notes = []
    shown = sum(row in model.space.table for row in points.rows)
    if 0 < shown < len(model.space.table):
        notes.append(f"{shown} of {len(model.space.table)} conditions of the data, chosen to lie far apart.")
    if shrink.note:
        notes.append(shrink.note)
    return notes
