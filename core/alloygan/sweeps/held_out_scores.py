"""What the runs of an ablation score in each held-out condition, beside both references: `held_out.csv`."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any

from alloygan.data.held_out import condition_space_of
from alloygan.data.training_hull import gap_width
from alloygan.errors import AlloyganError, RunFolderError
from alloygan.evaluation.interpolation import way_left
from alloygan.files import write_text
from alloygan.specs.gan import GanSpec
from alloygan.sweeps.grid import Ablation
from alloygan.sweeps.results import evaluations_of

HELD_OUT_TABLE = "held_out.csv"

MEAN_VALUE = ".mean"
"""Ends the names of scores of mean values: |generated − real| / real, where a blend has one too."""


@dataclass(frozen=True)
class HeldOutScore:
    """One score of one run in one held-out condition.

    `baseline`: the name of the cell that its cell is compared with, empty for none. `place`: between the conditions
    trained on, or beyond. `gap`: width of the gap that it lies in, in scaled units (`gap_width`). `floor` and
    `nearest`: what other real images of the condition and real images of the nearest one score. `told_apart`: whether
    those two differ.
    """

    cell: str
    baseline: str
    seed: int
    condition: str
    place: str
    gap: float
    score: str
    value: float | None
    floor: float | None
    nearest: float | None
    told_apart: bool
    blend: float | None = None

    @property
    def counts(self) -> bool:
        """Whether it goes into sums: there is a way from nearest to floor."""
        return self.told_apart and self.floor is not None and self.nearest is not None

    @property
    def way(self) -> float:
        """From the floor to the nearest, of one that counts."""
        assert self.floor is not None
        assert self.nearest is not None
        return self.nearest - self.floor

    @property
    def way_left(self) -> float:
        """How much of it is left, of one that counts; what has nothing to measure is the worse for it."""
        assert self.floor is not None
        assert self.nearest is not None
        return way_left(self.value, self.floor, self.nearest)


def held_out_scores_of(ablation: Ablation, run_folders: Mapping[str, Path]) -> list[HeldOutScore]:
    """Scores of the runs that are done; `run_folders` by key."""
    found: list[HeldOutScore] = []
    widths: dict[str, dict[str, float]] = {}
    for cell, run, evaluation in evaluations_of(ablation, run_folders):
        held_out = (evaluation.get("interpolation") or {}).get("conditions") or ()
        if held_out and cell.name not in widths:
            widths[cell.name] = _widths(run.spec)
        for one in held_out:
            gap = widths[cell.name].get(one["text"], one["gap"])
            found += _of_condition(cell.name, cell.baseline or "", run.seed, one, gap)
    return found


def _widths(spec: GanSpec) -> dict[str, float]:
    """Widths of the gaps of held-out conditions, by their text; none where the data set cannot say its conditions."""
    try:
        space = condition_space_of(spec)
    except AlloyganError:
        return {}
    rows = [space.table[label] for label in space.held_out]
    return {space.text(row): gap_width(space, row) for row in rows}


def held_out_notes_of(ablation: Ablation, run_folders: Mapping[str, Path]) -> list[str]:
    """What to keep in mind of the data, such as single micrographs: each note of the runs that are done, once."""
    notes = ((one.get("interpolation") or {}).get("note") for _, _, one in evaluations_of(ablation, run_folders))
    return list(dict.fromkeys(note for note in notes if note))


def write_held_out_scores(scores: Sequence[HeldOutScore], path: Path) -> None:
    """Write a line a score; where there are none, no file, and not that of an earlier time either."""
    if not scores:
        path.unlink(missing_ok=True)
        return
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(HeldOutScore)])
    for one in scores:
        writer.writerow([_cell(value) for value in astuple(one)])
    write_text(path, text.getvalue())


def read_held_out_scores(path: Path) -> list[HeldOutScore]:
    """Read what `write_held_out_scores` wrote. Raises RunFolderError for anything else."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_read(row) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError, ValueError, TypeError) as error:
        raise RunFolderError(
            f"{path}: not a table of held-out conditions as `alloygan ablate` writes it ({error})"
        ) from error


def _of_condition(cell: str, baseline: str, seed: int, one: Mapping[str, Any], gap: float) -> Iterator[HeldOutScore]:
    of = (cell, baseline, seed, one["text"], one["place"], gap)
    for name, scores in one["scores"].items():
        told_apart = scores["told_apart"]
        yield HeldOutScore(*of, name, scores["score"], scores["floor"], scores["nearest"], told_apart)
        if scores.get("nearest_deviation") is not None:
            real = (scores["floor_deviation"], scores["nearest_deviation"])
            # Earlier evaluations do not say it.
            told_apart = scores.get("means_told_apart", _twice(*real))
            yield HeldOutScore(
                *of, name + MEAN_VALUE, scores["deviation"], *real, told_apart, scores.get("blend_deviation")
            )


def _twice(floor: float | None, nearest: float | None) -> bool:
    return floor is not None and nearest is not None and nearest > 2 * floor


def _cell(value: object) -> object:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value


def _read(row: Mapping[str, str]) -> HeldOutScore:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return HeldOutScore(
        row["cell"],
        row["baseline"],
        int(row["seed"]),
        row["condition"],
        row["place"],
        float(row["gap"]),
        row["score"],
        number("value"),
        number("floor"),
        number("nearest"),
        {"True": True, "False": False}[row["told_apart"]],
        number("blend"),
    )
