"""Tables of all scores of an ablation: a row a score, and for each cell its mean and its difference from the baseline.

A table has the baseline and a few more cells, so that it fits a screen and a sheet of paper.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alloygan.reports.wording import ABSENT, number, number_interval
from alloygan.sweeps.against_baseline import AgainstBaseline, ComparedScore
from alloygan.sweeps.cell_folder import Status
from alloygan.sweeps.grid import Cell
from alloygan.sweeps.score_names import score_groups, score_words

CELLS_ABREAST = 3


@dataclass(frozen=True)
class Entry:
    """A number with its interval, what is said of it (`better`, `worse` or nothing), and further notes."""

    text: str
    interval: str = ""
    verdict: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Line:
    """One score: its name with the way that is better, its floor, the baseline's mean, and mean and difference of each
    other cell.
    """

    name: str
    floor: str
    baseline: Entry
    cells: Sequence[tuple[Entry, Entry]]


@dataclass(frozen=True)
class Heading:
    """A cell above its columns, with a note where runs of it are missing."""

    letter: str
    name: str
    note: str


@dataclass(frozen=True)
class Table:
    """Groups of lines by title, for the baseline and the cells of `headings`."""

    baseline: Heading
    headings: Sequence[Heading]
    groups: Mapping[str, Sequence[Line]]


def ablation_tables(comparison: AgainstBaseline, statuses: Mapping[str, Status]) -> list[Table]:
    """A table for each few cells; none if there is no score yet."""
    ablation = comparison.ablation
    groups = score_groups(comparison.results.scores)
    tables = []
    for name in ablation.baselines if groups else ():
        base = ablation.cell(name)
        # Those that are compared with none stand beside the first.
        lone = name == ablation.baseline
        others = [
            cell
            for cell in ablation.cells
            if cell.baseline == name or (lone and cell.baseline is None and cell.name not in ablation.baselines)
        ]
        for start in range(0, len(others), CELLS_ABREAST) or [0]:
            part = others[start : start + CELLS_ABREAST]
            tables.append(
                Table(
                    _heading(comparison, base, statuses),
                    [_heading(comparison, cell, statuses) for cell in part],
                    {
                        title: [_line(comparison, score, base, part) for score in scores]
                        for title, scores in groups.items()
                    },
                )
            )
    return tables


def _heading(comparison: AgainstBaseline, cell: Cell, statuses: Mapping[str, Status]) -> Heading:
    done = sum(statuses[run.key].state == "done" for run in cell.runs)
    note = "" if done == len(cell.runs) else f"{done or 'none'} of {len(cell.runs)} runs done"
    return Heading(comparison.letters[cell.name], cell.name, note)


def _line(comparison: AgainstBaseline, score: str, baseline: Cell, cells: Sequence[Cell]) -> Line:
    arrow = "↑" if comparison.results.higher_is_better[score] else "↓"
    floors = list(comparison.floors(score).values())
    # Cells with data of their own have floors of their own.
    one_floor = all(math.isclose(floor, floors[0], rel_tol=1e-9) for floor in floors)
    floor = (number(floors[0]) if floors else ABSENT) if one_floor else "in the cells"
    base = comparison.of(baseline.name, score)
    return Line(
        f"{score_words(score)}\N{NO-BREAK SPACE}{arrow}",
        floor,
        _mean(comparison, base, own_floor=not one_floor),
        [
            (_mean(comparison, found, own_floor=not one_floor), _difference(comparison, found))
            for found in (comparison.of(cell.name, score) for cell in cells)
        ],
    )


def _mean(comparison: AgainstBaseline, found: ComparedScore | None, *, own_floor: bool) -> Entry:
    if found is None:
        return Entry(ABSENT)
    notes = _seeds(comparison, found.score.mean.count)
    if own_floor:
        notes.append(f"floor {number(found.score.floor)}")
    return Entry(number(found.score.mean.mean), number_interval(found.score.mean.interval), notes=notes)


def _difference(comparison: AgainstBaseline, found: ComparedScore | None) -> Entry:
    if found is None or found.score.difference is None:
        return Entry(ABSENT)
    difference = found.score.difference
    verdict = "" if found.better is None else "better" if found.better else "worse"
    notes = ["both at the floor"] if found.at_floor else []
    if difference.count != found.score.mean.count:
        notes += _seeds(comparison, difference.count)
    sign = "+" if difference.mean > 0 else ""
    return Entry(sign + number(difference.mean), number_interval(difference.interval), verdict, notes)


def _seeds(comparison: AgainstBaseline, count: int) -> list[str]:
    seeds = len(comparison.ablation.seeds)
    return [f"{count} of {seeds} seeds"] if count != seeds else []
