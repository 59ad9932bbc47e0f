"""Microstructures of all cells side by side: a row a condition, the same noise in every cell."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from alloygan.data.condition_space import ConditionSpace, Row
from alloygan.data.held_out import load_data
from alloygan.data.patches import Data
from alloygan.data.training_hull import in_words
from alloygan.data.unscaling import unscaled
from alloygan.errors import AlloyganError
from alloygan.plugin_faults import plugin_fault
from alloygan.reports.microstructure_grid import real_patches
from alloygan.reports.pictures import Shrink, uri
from alloygan.reports.spread import spread_out, spread_words
from alloygan.reports.wording import listed
from alloygan.sharing import SharedGenerator, load_generator
from alloygan.specs.gan import GanSpec
from alloygan.sweeps.cell_folder import CELLS, CellFolder, Status
from alloygan.sweeps.grid import Ablation, CellRun
from alloygan.zoo import Zoo

MOST_CONDITIONS = 6
_MOST_BYTES = 5_000_000
_NOISES = {1: 4, 2: 3, 3: 2, 4: 2}  # by the number of cells; one where there are more


@dataclass(frozen=True)
class Column:
    """The pictures of one cell, or real ones, over all rows: for each row as many data URIs as there are noises."""

    letter: str
    name: str
    pictures: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Pictures:
    """Names of the rows with where each lies to what was trained on (empty: it was), the columns, and what is said of
    all of them.
    """

    rows: Sequence[tuple[str, str]] = ()
    columns: Sequence[Column] = ()
    notes: Sequence[str] = ()
    noises: int = 1
    crisp: bool = True


@dataclass
class _Models:
    """One run of each cell with its model, as far as there is one, and what is to be said."""

    found: dict[str, tuple[CellRun, SharedGenerator]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def cell_pictures(
    ablation: Ablation, out: Path, statuses: Mapping[str, Status], letters: Mapping[str, str], zoo: Zoo
) -> Pictures:
    """Pictures of one run of each cell; the data set is built only if there is any."""
    models = _load(ablation, out, statuses, letters, zoo)
    if not models.found:
        return Pictures(notes=models.notes)
    # The baseline's conditions are asked of all, or those of the first cell that there is.
    lead = ablation.baseline if ablation.baseline in models.found else next(iter(models.found))
    run, model = models.found[lead]
    data, problem = _data(run.spec, model.space)
    if problem:
        models.notes.append(f"Real images are missing, since the data set could not be used: {problem}")
    elif len({one.spec.data.model_dump_json(exclude={"held_out"}) for one, _ in models.found.values()}) > 1:
        models.notes.append(f"Real images are of the data set of {letters[lead]}; other cells have other data.")
    held_out = {one.space.table[label] for _, one in models.found.values() for label in one.space.held_out}
    rows, words = _rows(model.space, data, held_out)
    models.notes += [words] if words else []
    if not rows:
        models.notes.append("The conditions are those of the data set, which could not be used.")
        return Pictures(notes=models.notes)
    models.notes += _noise_notes(models, letters)
    noises = _NOISES.get(len(ablation.cells), 1)
    count = len(rows) * noises * (len(models.found) + 1)
    columns = [_real(data, rows, min(noises, 2), run.spec.evaluation.seed, count)] if data is not None else []
    for cell in ablation.cells:
        if cell.name in models.found:
            made = _generated(models, cell.name, letters, model.space, rows, noises, run.spec.evaluation.seed, count)
            columns.append(Column(letters[cell.name], cell.name, made))
    shrinks = {_shrink(one, count) for _, one in models.found.values()}
    models.notes += sorted({shrink.note for shrink in shrinks if shrink.note})
    names = [(model.space.text(row), _places(models, letters, row)) for row in rows]
    return Pictures(names, columns, models.notes, noises, all(shrink.crisp for shrink in shrinks))


def _load(
    ablation: Ablation, out: Path, statuses: Mapping[str, Status], letters: Mapping[str, str], zoo: Zoo
) -> _Models:
    models = _Models()
    other_seed: list[str] = []
    missing: list[str] = []
    for cell in ablation.cells:
        run = next((run for run in cell.runs if statuses[run.key].state == "done"), None)
        if run is None:
            missing.append(letters[cell.name])
            continue
        try:
            loaded = load_generator(
                CellFolder(out / CELLS / run.key).run, zoo, "cuda" if torch.cuda.is_available() else "cpu"
            )
        except Exception as error:
            models.notes.append(f"{letters[cell.name]} has no pictures: {_said(error)}")
            continue
        models.found[cell.name] = run, loaded
        if run is not cell.runs[0]:
            other_seed.append(f"{letters[cell.name]} is of seed {run.seed}")
    if missing:
        models.notes.append(f"No run is done of {listed(missing)}, so there are no pictures of it.")
    if other_seed:
        models.notes.append(f"{listed(other_seed)}, since the run of the first seed is not done.")
    return models


def _data(spec: GanSpec, space: ConditionSpace) -> tuple[Data | None, str]:
    try:
        data: Data = load_data(spec)
    except Exception as error:
        return None, _said(error)
    if data.space.columns != space.columns or data.space.table != space.table:
        return None, "its conditions are no longer those that the models were trained on"
    return data, ""


def _said(error: Exception) -> str:
    """What the page says of an error of the user's files or of a plugin; any other is raised again."""
    said = str(error) if isinstance(error, AlloyganError) else plugin_fault(error)
    if said is None:
        raise error
    return said


def _places(models: _Models, letters: Mapping[str, str], row: Row) -> str:
    """Whether a condition is held out, and in which cells where not in all; empty where all were trained on it."""
    found: dict[str, list[str]] = {}
    for name, (_, model) in models.found.items():
        held_out = model.space.label(row) in model.space.held_out
        found.setdefault(in_words(model.space, row) if held_out else "", []).append(letters[name])
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{words} in {listed(cells)}" for words, cells in found.items() if words)


def _rows(space: ConditionSpace, data: Data | None, held_out: Collection[Row]) -> tuple[list[Row], str | None]:
    """The conditions that are shown, most of them held out in some cell, and what is said of the choice."""
    if space.table:
        first = [label for label, row in enumerate(space.table) if row in held_out]
        shown = spread_out(space.condition(space.table).values, MOST_CONDITIONS, first)
        return [space.table[label] for label in shown], spread_words(shown, len(space.table), tabled=False)
    if data is None:
        return [], None
    patches = data.evaluation if len(data.evaluation) else data.train
    values = torch.unique(patches.condition.values, dim=0)
    shown = spread_out(values, MOST_CONDITIONS)
    return [unscaled(space, values[i].tolist()) for i in shown], spread_words(shown, len(values), tabled=False)


def _noise_notes(models: _Models, letters: Mapping[str, str]) -> list[str]:
    by_width: dict[int, list[str]] = {}
    for name, (_, model) in models.found.items():
        by_width.setdefault(model.generator.noise_width, []).append(letters[name])
    if len(by_width) == 1:
        return []
    widths = "; ".join(f"{width} in {listed(cells)}" for width, cells in by_width.items())
    return [f"The noise is not the same in cells whose noises differ in width ({widths})."]


def _real(data: Data, rows: Sequence[Row], most: int, seed: int, count: int) -> Column:
    patches = data.evaluation
    shrink = Shrink.to_fit(_shape(patches.images.shape[1:]), count, _MOST_BYTES)
    pictures = []
    for number, row in enumerate(rows):
        label = data.space.label(row)
        if label >= 0:
            mine = patches.condition.label == label
        else:
            # A row is rounded to four digits, so it is the nearest condition that is meant.
            distance = (patches.condition.values - data.space.condition([row]).values).norm(dim=1)
            mine = distance <= distance.min() if len(distance) else distance > 0
        found = real_patches(patches, mine, most, [seed, number]) if bool(mine.any()) else ()
        pictures.append([uri(image, shrink) for image in found])
    return Column("", "real", pictures)


def _generated(
    models: _Models,
    cell: str,
    letters: Mapping[str, str],
    space: ConditionSpace,
    rows: Sequence[Row],
    noises: int,
    seed: int,
    count: int,
) -> list[list[str]]:
    _, model = models.found[cell]
    shrink = _shrink(model, count)
    pictures: list[list[str]] = []
    problems: dict[str, None] = {}
    for row in rows:
        try:
            asked = model.space.row(space.named(row))
            pictures.append([uri(image, shrink) for image in model.sample(asked, noises, seed)])
        except Exception as error:
            problems[_said(error)] = None
            pictures.append([])
    models.notes += [f"{letters[cell]}: {problem}" for problem in problems]
    return pictures


def _shrink(model: SharedGenerator, count: int) -> Shrink:
    return Shrink.to_fit(model.image_shape, count, _MOST_BYTES)


def _shape(sizes: Sequence[int]) -> tuple[int, int, int]:
    channels, height, width = sizes
    return channels, height, width
