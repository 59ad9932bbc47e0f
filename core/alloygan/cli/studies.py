"""Commands of many runs: ablations."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from alloygan.cli.app import AsJson, Overrides, Plugins, app, fail, messages, print_json, screen
from alloygan.sweeps.grid import read_ablation
from alloygan.terminal import progress_display
from alloygan.zoo import load_zoo

Flag = Annotated[bool, Parameter(negative=())]


@app.command
def ablate(
    spec: str,
    *,
    out: Path,
    jobs: int | None = None,
    dry_run: Flag = False,
    retry_failed: Flag = False,
    set_: Overrides = (),
    plugin: Plugins = (),
    as_json: AsJson = False,
) -> None:
    """Train and measure every cell of an ablation for every seed, and compare them with statistics.

    The same command goes on where it was cut off; a changed file runs only what changed.

    Parameters
    ----------
    spec
        An ablation file: a spec with `vary` (named levels of overrides), `cells`, `exclude`, `seeds`, `baseline`.
    out
        Folder of the ablation: cells, results.csv (a line a value), summary.csv and ablation.html.
    jobs
        At most so many runs at once; short for --set launcher.jobs=N.
    dry_run
        Print the cells, what each changes, its parameters and estimated cost, and run nothing.
    retry_failed
        Try the runs again that have failed; by default they are left as they are.
    set_
        Override a field of the file, such as training.images=10000, seeds=5 or launcher.kind=slurm.
    """
    zoo = load_zoo(plugin)
    ablation = read_ablation(spec, zoo, [*set_, *([] if jobs is None else [f"launcher.jobs={jobs}"])])
    from alloygan.sweeps.ablate import CELLS, ablate, check_cells
    from alloygan.terminal_sweeps import board, failures, print_cells, print_results

    if dry_run:
        from alloygan.sweeps.cost import estimate_cells

        check_cells(ablation)
        with progress_display(messages) as display:
            costs = estimate_cells(ablation, display.work)
        if as_json:
            print_json(
                {
                    "name": ablation.name,
                    "baseline": ablation.baseline,
                    "seeds": list(ablation.seeds),
                    "notes": list(ablation.notes),
                    "cells": [
                        {
                            "name": cell.name,
                            "levels": dict(cell.levels),
                            "changes": list(cell.changes),
                            "cost": vars(costs[cell.name]),
                        }
                        for cell in ablation.cells
                    ],
                }
            )
        else:
            print_cells(screen, ablation, costs)
        return
    for note in ablation.notes:
        messages.print(f"note: {note}", markup=False)
    folders = {run.key: out / CELLS / run.key / "run" for run in ablation.runs}
    with board(messages, ablation, folders) as watch:
        done = ablate(
            ablation, out, ablation.launcher.build(), plugins=plugin, retry_failed=retry_failed, watch=watch
        )  # fmt: skip
    left = [*failures(ablation, done.statuses, ("failed", "interrupted"))]
    if as_json:
        print_json(
            {
                "out": str(out),
                "runs": len(done.statuses),
                "done": done.count("done"),
                "not_done": left,
                "scores": {
                    cell.name: {
                        score: {"mean": found.mean.mean, "interval": found.mean.interval, "floor": found.floor}
                        | ({"difference": vars(found.difference)} if found.difference else {})
                        for score in done.results.scores
                        if (found := done.results.of(cell.name, score)) is not None
                    }
                    for cell in ablation.cells
                },
            }
        )
    else:
        print_results(screen, done.results)
        screen.print(f"runs: {done.count('done')} of {len(done.statuses)}; all in {out}", markup=False, highlight=False)
    if left:
        again = "--retry-failed tries failed ones again; interrupted ones go on with the same command"
        fail("\n".join([*left, again]), 1)
