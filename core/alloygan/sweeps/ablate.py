"""`alloygan ablate`: every cell of an ablation trained and measured, by workers that may die, into one folder."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alloygan.assembler import assemble
from alloygan.data.held_out import condition_space_of
from alloygan.errors import AlloyganError, RunFolderError, SpecError
from alloygan.files import write_json
from alloygan.interfaces.launcher import Launcher, Task
from alloygan.plugin_faults import plugin_fault
from alloygan.sweeps.ablation_page import COMMAND, write_ablation_page
from alloygan.sweeps.cell_folder import AT_WORK, CELLS, CellFolder, Status
from alloygan.sweeps.grid import Ablation, CellRun
from alloygan.sweeps.held_out_scores import HELD_OUT_TABLE, held_out_scores_of, write_held_out_scores
from alloygan.sweeps.results import Results, collect, write_tables
from alloygan.zoo import Zoo

ABLATION = "ablation.json"

_INTERVAL = 0.5  # s between two looks at the cells

Watch = Callable[[Mapping[str, Status]], None]


@dataclass(frozen=True)
class AblationRun:
    """What `ablate` leaves: how each run ended, by key, and the scores of those that are done."""

    out: Path
    statuses: Mapping[str, Status]
    results: Results

    def count(self, *states: str) -> int:
        """How many runs are in one of these states."""
        return sum(one.state in states for one in self.statuses.values())


def check_cells(ablation: Ablation) -> None:
    """Assemble every cell once, so that what cannot be built is told before the first one trains.

    Raises SpecError with a line for each cell.
    """
    problems = []
    for cell in ablation.cells:
        spec = cell.runs[0].spec
        try:
            spec.data.check_inputs(spec.conditions)
            assemble(spec, condition_space_of(spec))
        except AlloyganError as error:
            problems += [f"cell {cell.name}: {line}" for line in str(error).splitlines()]
        except Exception as error:
            fault = plugin_fault(error)
            if fault is None:
                raise
            problems.append(f"cell {cell.name}: {fault}")
    if problems:
        raise SpecError("\n".join(problems))


def ablate(
    ablation: Ablation,
    out: Path,
    launcher: Launcher,
    zoo: Zoo,
    *,
    plugins: Sequence[Path] = (),
    retry_failed: bool = False,
    watch: Watch | None = None,
    command: str = COMMAND,
) -> AblationRun:
    """Train and measure all runs that are not done yet, and write the tables of scores and the page.

    Runs are kept in `out/cells/KEY`, where the key is a hash of what is trained: a changed file runs only what changed.
    Runs that failed are left as they are unless `retry_failed`. `watch` is given the status of every run by key, twice
    a second. `command` is how the page says that it was made. Raises RunFolderError if `out` holds something else,
    LaunchError if nothing can be started.
    """
    _refuse_other_things(out)
    check_cells(ablation)
    folders = {run.key: CellFolder(out / CELLS / run.key) for run in ablation.runs}
    _describe(ablation, out)
    wanted = []
    for run in ablation.runs:
        folder = folders[run.key]
        folder.path.mkdir(parents=True, exist_ok=True)
        state = folder.status(run.spec.evaluation).state
        if state == "failed" and retry_failed:
            folder.forget_failure()
        if state in ("waiting", "interrupted") or (state == "failed" and retry_failed):
            folder.ask(run.spec, plugins)
            wanted.append(run)
    # Another command's workers may be at some of them; the tables wait for those too.
    if wanted or any(status.state in AT_WORK for status in _statuses(ablation, folders).values()):
        _run(launcher, [_task(run, folders[run.key]) for run in wanted], ablation, folders, out, watch)
    statuses = _statuses(ablation, folders)
    done = {key: folders[key].run for key, status in statuses.items() if status.state == "done"}
    results = collect(ablation, done)
    write_tables(results, out)
    write_held_out_scores(held_out_scores_of(ablation, done), out / HELD_OUT_TABLE)
    write_ablation_page(ablation, out, statuses, results, zoo, command=command)
    return AblationRun(out, statuses, results)


def _task(run: CellRun, folder: CellFolder) -> Task:
    command = (sys.executable, "-P", "-m", "alloygan.sweeps.work", str(folder.path.resolve()))
    return Task(run.key, command, folder.log.resolve())


def _run(
    launcher: Launcher,
    tasks: Sequence[Task],
    ablation: Ablation,
    folders: Mapping[str, CellFolder],
    out: Path,
    watch: Watch | None,
) -> None:
    try:
        if tasks:
            launcher.submit(tasks, out / "launcher")
        while True:
            ended = all(state == "ended" for state in launcher.poll().values())
            statuses = _statuses(ablation, folders)
            if watch is not None:
                watch(statuses)
            # Another launcher may be at work on some of them.
            if ended and not any(status.state in AT_WORK for status in statuses.values()):
                return
            time.sleep(_INTERVAL)
    except BaseException:
        launcher.cancel()
        raise


def _statuses(ablation: Ablation, folders: Mapping[str, CellFolder]) -> dict[str, Status]:
    return {run.key: folders[run.key].status(run.spec.evaluation) for run in ablation.runs}


def _refuse_other_things(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out}: is a file; name a folder for the ablation")
    if out.is_dir() and any(out.iterdir()) and not (out / ABLATION).is_file():
        raise RunFolderError(
            f"{out}: holds something else already (no {ABLATION} in it); name an empty or a new folder"
        )


def _describe(ablation: Ablation, out: Path) -> None:
    """Write what is in which folder. Cells of an earlier version of the file stay, and are found again by their key."""
    write_json(
        out / ABLATION,
        {
            "schema": 1,
            "name": ablation.name,
            "baseline": ablation.baseline,
            "baselines": list(ablation.baselines),
            "factors": list(ablation.factors),
            "seeds": list(ablation.seeds),
            "cells": [
                {
                    "name": cell.name,
                    "levels": dict(cell.levels),
                    "baseline": cell.baseline,
                    "changes": list(cell.changes),
                    "runs": {str(run.seed): f"{CELLS}/{run.key}" for run in cell.runs},
                }
                for cell in ablation.cells
            ],
        },
    )
