"""Real patches beside generated ones: a row a condition, a column a noise vector (the paper's Figure 2)."""

import math
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alloygan.data.condition_space import Column, ConditionSpace
from alloygan.data.patches import Data, Patches
from alloygan.evaluation.selection import spread_over_sources
from alloygan.interfaces.condition import OFF_TABLE
from alloygan.pictures import png_bytes
from alloygan.reports.spread import spread_out, spread_words
from alloygan.sharing import SharedGenerator

REAL, NOISES = 2, 4
CRISP_UP_TO = 128
"""Patches up to so many pixels wide are enlarged with hard pixels; larger ones are not enlarged on a page."""

_MOST_BYTES = 2_500_000


@dataclass(frozen=True)
class GridRow:
    """One condition: its pictures as data URIs, and what is said where real ones are missing."""

    name: str
    label: int
    held_out: bool
    real: list[str]
    generated: list[str]
    note: str = ""


@dataclass(frozen=True)
class Grid:
    """The rows, and what is said of all of them."""

    rows: list[GridRow]
    notes: list[str]
    crisp: bool
    columns: tuple[str, ...] = ("real", *(f"z{i + 1}" for i in range(NOISES)))


def microstructure_grid(model: SharedGenerator, data: Data | None, labels: Sequence[int], seed: int) -> Grid:
    """Two evaluation patches, from two sources where there are two, and four generated images for each condition.

    `labels` are the ids to show; without a table, conditions of the evaluation patches that lie far apart. Noise zi
    is the same in all rows.
    """
    notes = []
    if model.space.table:
        found = list(_rows_of_table(model, data, labels, seed))
        notes.append(spread_words(labels, len(model.space.table)))
    elif data is not None:
        found, count = _rows_off_table(model, data, seed)
        notes.append(spread_words(range(len(found)), count))
    else:
        found = []
    channels, height, width = model.image_shape
    cells = max(1, len(found)) * (REAL + NOISES)
    raw = cells * height * width * (3 if channels == 3 else 1)
    factor = max(1, math.ceil(math.sqrt(raw / _MOST_BYTES)))
    if factor > 1:
        notes.append(f"Pictures are shown at 1/{factor} of their size, averaged.")
    if channels not in (1, 3):
        notes.append(f"Shown is the mean of the {channels} channels.")
    rows = [
        GridRow(name, label, held_out, _uris(real, factor), _uris(generated, factor), note)
        for name, label, held_out, real, generated, note in found
    ]
    return Grid(rows, [note for note in notes if note], width // factor <= CRISP_UP_TO)


_Found = tuple[str, int, bool, Iterable[Tensor], Iterable[Tensor], str]


def _rows_of_table(model: SharedGenerator, data: Data | None, labels: Sequence[int], seed: int) -> Iterator[_Found]:
    space = model.space
    for label in labels:
        row = space.table[label]
        real = _of(data.evaluation, data.evaluation.condition.label == label, [seed, label]) if data is not None else ()
        note = "no evaluation images" if not len(real) and data is not None else ""
        yield space.text(row), label, label in space.held_out, real, model.sample(row, NOISES, seed), note


def _rows_off_table(model: SharedGenerator, data: Data, seed: int) -> tuple[list[_Found], int]:
    patches = data.evaluation if len(data.evaluation) else data.train
    values = torch.unique(patches.condition.values, dim=0)
    rows: list[_Found] = []
    for i in spread_out(values):
        mine = (patches.condition.values == values[i]).all(dim=1)
        condition = patches.condition[mine][torch.zeros(NOISES, dtype=torch.int64)]
        real = _of(data.evaluation, mine, [seed, i]) if len(data.evaluation) else ()
        text = scaled_text(model.space, values[i].tolist())
        note = "" if len(real) else "no evaluation images"
        rows.append((text, OFF_TABLE, False, real, model.sample_at(condition, seed), note))
    return rows, len(values)


def _of(patches: Patches, mine: Tensor, seed: Sequence[int]) -> Tensor:
    images, source = patches.images[mine], patches.source[mine]
    chosen = spread_over_sources(source.cpu().numpy(), min(REAL, len(images)), seed)
    return images[torch.from_numpy(chosen).to(images.device)]


def scaled_text(space: ConditionSpace, values: Sequence[float]) -> str:
    """A condition for people from its scaled values."""
    parts = []
    start = 0
    for column in space.columns:
        parts.append(f"{column.name} = {_column_text(column, values[start : start + column.width])}")
        start += column.width
    return ", ".join(parts)


def _column_text(column: Column, values: Sequence[float]) -> str:
    if column.scale == "category":
        return column.text(column.levels[max(range(len(values)), key=values.__getitem__)])
    low, high = column.low, column.high
    if column.scale == "log":
        low, high = math.log(low), math.log(high)
    value = low + values[0] * ((high - low) if high > low else 1.0)
    # Scaled values are float32: more digits than these would be its rounding.
    return column.text(float(f"{math.exp(value) if column.scale == 'log' else value:.4g}"))


def _uris(images: Iterable[Tensor], factor: int) -> list[str]:
    return [
        "data:image/png;base64," + b64encode(png_bytes(_smaller(image, factor).cpu().numpy())).decode()
        for image in images
    ]


def _smaller(image: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return image
    smaller = torch.nn.functional.avg_pool2d(image.float(), factor, ceil_mode=True)
    return smaller.round().to(torch.uint8)
