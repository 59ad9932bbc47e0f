"""The live table of an ablation with more runs than a terminal has lines."""

import io
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from alloygan import Zoo
from alloygan.sweeps.cell_folder import Status
from alloygan.sweeps.grid import Ablation, read_ablation
from alloygan.terminal_sweeps import Board, _print_whole

Write = Callable[[str], Path]


def shown(ablation: Ablation, statuses: dict[str, Status], height: int) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=100, height=height, force_terminal=True, color_system=None)
    board = Board(console, ablation, {run.key: Path("nowhere") for run in ablation.runs})
    console.print(board._table(statuses))
    return [line for line in file.getvalue().splitlines() if line.strip()]


def test_runs_that_work_are_always_on_the_screen(zoo: Zoo, write: Write) -> None:
    ablation = read_ablation(write("vary: {w: {a: {}, b: {generator.width: 8}}}\nseeds: 25\n"), zoo)
    statuses = {run.key: Status("waiting") for run in ablation.runs}
    last, failed = ablation.runs[-1].key, ablation.runs[30].key
    statuses[last] = Status("training", images_seen=50, images=100, images_per_s=7.0)
    statuses[failed] = Status("failed", error="no")
    lines = shown(ablation, statuses, height=24)
    assert len(lines) <= 24
    assert sum("training" in line for line in lines) == 1
    assert sum("failed" in line for line in lines) == 1
    assert "and 30 more" in lines[-1]
    assert "30 waiting" in lines[-1]


def test_all_runs_are_shown_where_they_fit(zoo: Zoo, write: Write) -> None:
    ablation = read_ablation(write("vary: {w: {a: {}, b: {generator.width: 8}}}\nseeds: 3\n"), zoo)
    lines = shown(ablation, {run.key: Status("waiting") for run in ablation.runs}, height=24)
    assert len(lines) == 7
    assert "more" not in lines[-1]


def test_numbers_of_a_result_are_not_cut() -> None:
    table = Table(box=None)
    for _ in range(6):
        table.add_column("", no_wrap=True)
    table.add_row(*(escape("[0.123456, 7.891]") for _ in range(6)))
    console = Console(width=40, file=StringIO())
    _print_whole(console, table)
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().count("[0.123456, 7.891]") == 6
