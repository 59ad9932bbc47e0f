"""Real patches beside generated ones: a row a condition, a column a noise vector (the paper's Figure 2)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alloygan.data.condition_space import Row
from alloygan.data.patches import Data, Patches
from alloygan.data.training_hull import in_words
from alloygan.data.unscaling import unscaled
from alloygan.evaluation.selection import spread_over_sources
from alloygan.interfaces.condition import OFF_TABLE
from alloygan.reports.pictures import Shrink, uri
from alloygan.reports.spread import spread_out, spread_words
from alloygan.sharing import SharedGenerator

REAL, NOISES = 2, 4

_MOST_BYTES = 2_500_000


@dataclass(frozen=True)
class GridRow:
    """One condition: its pictures as data URIs, and what is said where real ones are missing.

    `standing`: how a condition without training images lies to those that have some.
    """

    condition: Row
    name: str
    label: int
    standing: str
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
        notes.append(spread_words(range(len(found)), count, tabled=False))
    else:
        found = []
    shrink = Shrink.to_fit(model.image_shape, max(1, len(found)) * (REAL + NOISES), _MOST_BYTES)
    channels = model.image_shape[0]
    notes.append(shrink.note)
    if channels not in (1, 3):
        notes.append(f"Shown is the mean of the {channels} channels.")
    rows = [
        GridRow(
            one.condition, one.name, one.label, one.standing, _uris(one.real, shrink), _uris(one.generated, shrink),
            one.note,
        )
        for one in found
    ]  # fmt: skip
    return Grid(rows, [note for note in notes if note], shrink.crisp)


@dataclass(frozen=True)
class _Found:
    condition: Row
    name: str
    label: int
    standing: str
    real: Iterable[Tensor]
    generated: Iterable[Tensor]
    note: str = ""


def _rows_of_table(model: SharedGenerator, data: Data | None, labels: Sequence[int], seed: int) -> Iterator[_Found]:
    space = model.space
    for label in labels:
        row = space.table[label]
        real: Sequence[Tensor] | Tensor = ()
        if data is not None:
            mine = data.evaluation.condition.label == label
            real = real_patches(data.evaluation, mine, REAL, [seed, label])
        note = "no evaluation images" if not len(real) and data is not None else ""
        standing = in_words(space, row) if label in space.held_out else ""
        yield _Found(row, space.text(row), label, standing, real, model.sample(row, NOISES, seed), note)


def _rows_off_table(model: SharedGenerator, data: Data, seed: int) -> tuple[list[_Found], int]:
    patches = data.evaluation if len(data.evaluation) else data.train
    values = torch.unique(patches.condition.values, dim=0)
    rows: list[_Found] = []
    for i in spread_out(values):
        mine = (patches.condition.values == values[i]).all(dim=1)
        condition = patches.condition[mine][torch.zeros(NOISES, dtype=torch.int64)]
        real = real_patches(data.evaluation, mine, REAL, [seed, i]) if len(data.evaluation) else ()
        row = unscaled(model.space, values[i].tolist())
        note = "" if len(real) else "no evaluation images"
        generated = model.sample_at(condition, seed)
        rows.append(_Found(row, model.space.text(row), OFF_TABLE, "", real, generated, note))
    return rows, len(values)


def real_patches(patches: Patches, mine: Tensor, count: int, seed: Sequence[int]) -> Tensor:
    """At most `count` of the patches that are `mine` (N,) bool, from different sources as far as there are."""
    images, source = patches.images[mine], patches.source[mine]
    chosen = spread_over_sources(source.cpu().numpy(), min(count, len(images)), seed)
    return images[torch.from_numpy(chosen).to(images.device)]


def _uris(images: Iterable[Tensor], shrink: Shrink) -> list[str]:
    return [uri(image, shrink) for image in images]
