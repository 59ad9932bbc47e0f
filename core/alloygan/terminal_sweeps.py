"""Ablations on a terminal: the cells before anything runs, how far each is, and what they have scored."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alloygan.sweeps.grid import Ablation

if TYPE_CHECKING:
    from alloygan.sweeps.ablate import Watch
    from alloygan.sweeps.cell_folder import Status
    from alloygan.sweeps.cost import Cost
    from alloygan.sweeps.results import CellScore, Results
    from alloygan.sweeps.statistics import Summary

_STYLES = {"done": "green", "failed": "red", "interrupted": "yellow", "training": "bold", "measuring": "bold"}


def print_cells(console: Console, ablation: Ablation, costs: "Mapping[str, Cost]") -> None:
    """What would run: each cell, what it changes, its parameters and its estimated cost for one seed."""
    for note in ablation.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("cell, and what it changes of the baseline", overflow="fold", ratio=1)
    for heading in ("parameters", "images", "arithmetic", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for cell in ablation.cells:
        cost = costs[cell.name]
        base = cell.name in ablation.baselines
        changes = ["a baseline" if len(ablation.baselines) > 1 else "the baseline"] if base else cell.changes
        table.add_row(
            Group(Text(cell.name), *(Padding(Text(line, style="dim"), (0, 0, 0, 2)) for line in changes)),
            f"{(cost.generator_parameters + cost.critic_parameters) / 1e6:.2f} M",
            f"{cost.images:,}",
            _flop(cost.flop),
            duration(cost.seconds),
        )
    console.print(table, highlight=False)
    seeds = len(ablation.seeds)
    total = seeds * sum(costs[cell.name].seconds for cell in ablation.cells)
    console.print(
        f"{len(ablation.cells)} cells × {seeds} seed{'s' if seeds > 1 else ''} = {len(ablation.runs)} runs; about "
        f"{duration(total)} of training one after another on this machine, estimated from one update's passes; "
        "measuring comes on top",
        markup=False,
        highlight=False,
    )


_FEWEST_ROWS = 8


class Board:
    """The live table of all runs."""

    def __init__(self, console: Console, ablation: Ablation, run_folders: Mapping[str, Path]) -> None:
        self._console, self._ablation, self._folders = console, ablation, run_folders
        self._scores: dict[str, tuple[str, float, bool]] = {}
        self._said: dict[str, str] = {}
        self.live = Live(console=console, refresh_per_second=2, auto_refresh=False)

    def watch(self, statuses: "Mapping[str, Status]") -> None:
        """Show how far the runs are; a line for each change where the output is no terminal."""
        for key, status in statuses.items():
            if status.state == "done" and key not in self._scores:
                self._scores[key] = _headline(self._folders[key])
        if self._console.is_terminal:
            self.live.update(self._table(statuses), refresh=True)
            return
        for cell in self._ablation.cells:
            for run in cell.runs:
                state = statuses[run.key].state
                if self._said.get(run.key) != state:
                    self._said[run.key] = state
                    self._console.print(f"{cell.name}, seed {run.seed}: {state}", markup=False, highlight=False)

    def _table(self, statuses: "Mapping[str, Status]") -> Table:
        names = {name for name, _, _ in self._scores.values() if name}
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in ("cell", "seed", "state", "images", "images/s", "left", next(iter(names), "score")):
            table.add_column(heading, justify="left" if heading in ("cell", "state") else "right", no_wrap=True)
        best = self._best()
        runs = [(cell.name, run) for cell in self._ablation.cells for run in cell.runs]
        shown = self._fitting([statuses[run.key].state for _, run in runs])
        for name, run in (runs[i] for i in shown):
            status = statuses[run.key]
            score = self._scores.get(run.key, ("", 0.0, False))
            value = f"{score[1]:.3g}" if score[0] else ""
            table.add_row(
                escape(name),
                str(run.seed),
                f"[{_STYLES.get(status.state, 'dim')}]{status.state}[/]",
                f"{100 * status.images_seen / status.images:.0f} %" if status.images else "",
                f"{status.images_per_s:,.0f}" if status.state == "training" and status.images_per_s else "",
                _left(status),
                f"[bold]{value}[/]" if run.key == best else value,
            )
        hidden = Counter(statuses[run.key].state for i, (_, run) in enumerate(runs) if i not in shown)
        if hidden:
            words = ", ".join(f"{count} {state}" for state, count in hidden.items())
            table.add_row(f"[dim]and {sum(hidden.values())} more[/]", "", f"[dim]{words}[/]")
        return table

    def _fitting(self, states: Sequence[str]) -> list[int]:
        """Positions of the runs that fit the terminal: those that are worked on first, then the best known."""
        most = max(_FEWEST_ROWS, self._console.height - 4)
        if len(states) <= most:
            return list(range(len(states)))
        urgency = {"training": 0, "measuring": 0, "starting": 0, "failed": 1, "done": 2}
        return sorted(sorted(range(len(states)), key=lambda i: urgency.get(states[i], 3))[:most])

    def _best(self) -> str | None:
        known = [(key, value, higher) for key, (name, value, higher) in self._scores.items() if name]
        if not known:
            return None
        return max(known, key=lambda one: one[1] if one[2] else -one[1])[0]


@contextmanager
def board(console: Console, ablation: Ablation, run_folders: Mapping[str, Path]) -> "Iterator[Watch]":
    """Show the runs while they work."""
    shown = Board(console, ablation, run_folders)
    with shown.live:
        yield shown.watch


def print_results(console: Console, results: "Results") -> None:
    """A table for each cell: every score beside the baseline's, with the paired difference and the floor."""
    ablation = results.ablation
    if not results.scores:
        return
    for cell in [cell for cell in ablation.cells if cell.name not in ablation.baselines] or ablation.cells:
        compared = cell.baseline is not None
        console.print(escape(cell.name) + (f" [dim]against {escape(cell.baseline)}[/]" if cell.baseline else ""))
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("", no_wrap=True)
        headings = ("baseline", "mean", "difference", "95 %", "floor") if compared else ("mean", "95 %", "floor")
        for heading in headings:
            dim = heading in ("95 %", "floor")
            table.add_column(heading, justify="right", style="dim" if dim else None, no_wrap=True)
        group = ""
        for score in results.scores:
            of_what, _, what = score.rpartition(".")
            if of_what != group:
                group = of_what
                table.add_row(escape(group))
            one, base = results.of(cell.name, score), results.of(cell.baseline, score) if cell.baseline else None
            difference = one.difference if one else None
            row = [f"  {escape(what)} {'↑' if results.higher_is_better[score] else '↓'}"]
            if compared:
                text = f"{difference.mean:+.3g}" if difference else "–"
                bold = one is not None and one.differs
                row += [_mean(base), _mean(one), f"[bold]{text}[/]" if bold else text, _interval(difference)]
            else:
                row += [_mean(one), _interval(one.mean if one else None)]
            table.add_row(*row, f"{one.floor:.3g}" if one is not None and one.floor is not None else "–")
        _print_whole(console, table)
        console.print()
    console.print(
        "Means over seeds; differences are paired by seed, with 95 % bootstrap intervals of the seeds, and bold where "
        "the interval leaves 0 out. ↓ lower is better, ↑ higher.",
        style="dim",
        highlight=False,
    )


def _print_whole(console: Console, table: Table) -> None:
    """Print a table of numbers, of which none is cut: a terminal that is too narrow breaks the lines itself."""
    width = max(console.width, Console(width=1000).measure(table).maximum)
    wide = Console(file=console.file, width=width, force_terminal=console.is_terminal)
    wide.print(table, highlight=False)


def _mean(one: "CellScore | None") -> str:
    return "–" if one is None else f"{one.mean.mean:.3g}"


def _interval(one: "Summary | None") -> str:
    return "" if one is None or one.interval is None else escape(f"[{one.interval[0]:.3g}, {one.interval[1]:.3g}]")


def _headline(run: Path) -> tuple[str, float, bool]:
    """The judge's accuracy, or else the first score that there is."""
    from alloygan.errors import RunFolderError
    from alloygan.evaluation.of_run import EVALUATION
    from alloygan.evaluation.score_list import listed_scores
    from alloygan.files import read_json

    try:
        scores = listed_scores(read_json(run / EVALUATION))
    except RunFolderError:
        return "", 0.0, False
    one = next((one for one in scores if one.name == "fidelity.accuracy"), scores[0] if scores else None)
    return ("", 0.0, False) if one is None else (one.name, one.value, one.higher_is_better)


def _left(status: "Status") -> str:
    if status.state != "training" or not status.images_per_s:
        return ""
    return duration((status.images - status.images_seen) / status.images_per_s)


def _flop(count: float) -> str:
    for size, unit in ((1e18, "EFLOP"), (1e15, "PFLOP"), (1e12, "TFLOP")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1e9:.3g} GFLOP"


def duration(seconds: float) -> str:
    """Seconds in words: 40 s, 12 min, 3.5 h, 2.1 d."""
    for size, unit in ((86_400, "d"), (3_600, "h")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def unfinished(ablation: Ablation, statuses: "Mapping[str, Status]") -> Iterator[str]:
    """A line for each run that is not done, with its error if it failed."""
    for cell in ablation.cells:
        for run in cell.runs:
            status = statuses[run.key]
            if status.state != "done":
                yield f"{cell.name}, seed {run.seed}: {status.state}" + (f": {status.error}" if status.error else "")
