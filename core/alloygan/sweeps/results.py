"""What the cells of an ablation have scored: values by cell, score and seed, and their statistics."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from alloygan.errors import RunFolderError
from alloygan.evaluation.of_run import EVALUATION
from alloygan.evaluation.score_list import ListedScore, listed_scores
from alloygan.files import read_json, write_text
from alloygan.sweeps.grid import Ablation, Cell, CellRun
from alloygan.sweeps.statistics import Summary, paired_difference, summary

RESULTS, SUMMARY = "results.csv", "summary.csv"

BySeed = Mapping[int, ListedScore]


@dataclass(frozen=True)
class CellScore:
    """One score of one cell: the mean over seeds, the paired difference from the baseline, and the mean floor."""

    mean: Summary
    difference: Summary | None
    floor: float | None

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference leaves 0 out."""
        interval = self.difference.interval if self.difference is not None else None
        return interval is not None and (interval[0] > 0 or interval[1] < 0)


@dataclass(frozen=True)
class Results:
    """Scores of the cells that are done: `values` by cell and score name; `scores` lists the names with what they are.

    `higher_is_better` by score name.
    """

    ablation: Ablation
    values: Mapping[str, Mapping[str, BySeed]]
    scores: tuple[str, ...] = ()
    higher_is_better: Mapping[str, bool] = field(default_factory=dict)
    _known: dict[tuple[str, str], CellScore | None] = field(default_factory=dict, repr=False, compare=False)

    def of(self, cell: str, score: str) -> CellScore | None:
        """The statistics of a score of a cell, computed once; None where no seed of it has a value."""
        if (cell, score) not in self._known:
            self._known[cell, score] = self._of(cell, score)
        return self._known[cell, score]

    def _of(self, cell: str, score: str) -> CellScore | None:
        found = self.values.get(cell, {}).get(score, {})
        mean = summary({seed: one.value for seed, one in found.items()})
        if mean is None:
            return None
        difference = None
        base = self.ablation.cell(cell).baseline
        if base is not None:
            other = self.values.get(base, {}).get(score, {})
            difference = paired_difference(
                {seed: one.value for seed, one in found.items()}, {seed: one.value for seed, one in other.items()}
            )
        floors = [one.floor for one in found.values() if one.floor is not None]
        return CellScore(mean, difference, sum(floors) / len(floors) if floors else None)


def collect(ablation: Ablation, run_folders: Mapping[str, Path]) -> Results:
    """Read the scores of the runs that are done; `run_folders` by key."""
    values: dict[str, dict[str, dict[int, ListedScore]]] = {}
    higher: dict[str, bool] = {}
    for cell in ablation.cells:
        values.setdefault(cell.name, {})
    for cell, run, evaluation in evaluations_of(ablation, run_folders):
        for one in listed_scores(evaluation):
            values[cell.name].setdefault(one.name, {})[run.seed] = one
            higher.setdefault(one.name, one.higher_is_better)
    return Results(ablation, values, tuple(higher), higher)


def evaluations_of(
    ablation: Ablation, run_folders: Mapping[str, Path]
) -> Iterator[tuple[Cell, CellRun, dict[str, Any]]]:
    """The content of evaluation.json of each run that is done and has one."""
    for cell in ablation.cells:
        for run in cell.runs:
            if run.key not in run_folders:
                continue
            try:
                yield cell, run, read_json(run_folders[run.key] / EVALUATION)
            except RunFolderError:
                continue


def write_tables(results: Results, out: Path) -> None:
    """Write results.csv, a line a value, and summary.csv, a line a cell and score."""
    ablation = results.ablation
    values, lines = _Table(), _Table()
    values.row(["cell", *ablation.factors, "seed", "score", "value", "floor", "higher_is_better"])
    lines.row(
        [
            "cell", *ablation.factors, "score", "higher_is_better", "seeds", "mean", "mean_low", "mean_high",
            "difference", "difference_low", "difference_high", "floor",
        ]
    )  # fmt: skip
    for cell in ablation.cells:
        levels = [cell.levels.get(factor, "") for factor in ablation.factors]
        for score in results.scores:
            better = "yes" if results.higher_is_better[score] else "no"
            for seed, one in sorted(results.values[cell.name].get(score, {}).items()):
                values.row([cell.name, *levels, seed, score, one.value, one.floor, better])
            found = results.of(cell.name, score)
            if found is not None:
                known = [*_numbers(found.mean), *_numbers(found.difference)]
                lines.row([cell.name, *levels, score, better, found.mean.count, *known, found.floor])
    write_text(out / RESULTS, values.text)
    write_text(out / SUMMARY, lines.text)


def _numbers(one: Summary | None) -> Sequence[float | None]:
    return (None, None, None) if one is None else (one.mean, *(one.interval or (None, None)))


class _Table:
    def __init__(self) -> None:
        self._text = StringIO()
        self._writer = csv.writer(self._text, lineterminator="\n")

    def row(self, cells: Sequence[object]) -> None:
        self._writer.writerow(["" if cell is None else cell for cell in cells])

    @property
    def text(self) -> str:
        return self._text.getvalue()
