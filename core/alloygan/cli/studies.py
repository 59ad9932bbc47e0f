"""Commands of many runs: ablations and searches."""

import shlex
from collections.abc import Mapping, Sequence
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
    ablation = read_ablation(spec, zoo, _with_short(set_, {"launcher.jobs": jobs}))
    from alloygan.sweeps.ablate import ablate, check_cells
    from alloygan.sweeps.cell_folder import CELLS
    from alloygan.terminal_sweeps import board, print_cells, print_results, unfinished

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
                    "baselines": list(ablation.baselines),
                    "seeds": list(ablation.seeds),
                    "notes": list(ablation.notes),
                    "cells": [
                        {
                            "name": cell.name,
                            "levels": dict(cell.levels),
                            "baseline": cell.baseline,
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
            ablation,
            out,
            ablation.launcher.build(),
            zoo,
            plugins=plugin,
            retry_failed=retry_failed,
            watch=watch,
            command=_ablate_command(spec, out, jobs, set_, plugin),
        )
    left = [*unfinished(ablation, done.statuses)]
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
        screen.print(
            f"runs: {done.count('done')} of {len(done.statuses)}\npage: {out / 'ablation.html'}",
            markup=False,
            soft_wrap=True,
            highlight=False,
        )
    if left:
        again = "--retry-failed tries failed ones again; interrupted ones go on with the same command"
        fail("\n".join([*left, again]), 1)


def _with_short(overrides: Sequence[str], short: Mapping[str, int | None]) -> list[str]:
    """The overrides and those that short options stand for, after a change of the launcher; what --set names wins."""
    named = {text.partition("=")[0].strip() for text in overrides}
    given = [f"{field}={value}" for field, value in short.items() if value is not None and field not in named]
    return [*overrides, *given]


def _ablate_command(spec: str, out: Path, jobs: int | None, set_: Sequence[str], plugins: Sequence[Path]) -> str:
    options = [("--out", out), *([("--jobs", jobs)] if jobs is not None else []), *(("--set", one) for one in set_)]
    words = [word for option in (*options, *(("--plugin", one) for one in plugins)) for word in option]
    return shlex.join(["alloygan", "ablate", spec, *map(str, words)])


@app.command
def tune(
    spec: str,
    *,
    out: Path,
    trials: int | None = None,
    jobs: int | None = None,
    storage: str | None = None,
    dashboard: Flag = False,
    set_: Overrides = (),
    plugin: Plugins = (),
    as_json: AsJson = False,
) -> None:
    """Search hyperparameters by Bayesian optimisation (the paper's appendix A.3), and write the best spec.

    The same command goes on where it was cut off; several at once, on one machine or many, work on one study.

    Parameters
    ----------
    spec
        A spec file, with `search` for the fields, their ranges and the objective; by default the paper's.
    out
        Folder of the search: best.yaml, trials.csv, tune.html, and a run folder a trial.
    trials
        So many trainings in all; short for --set search.trials=N.
    jobs
        At most so many at once; short for --set search.launcher.jobs=N.
    storage
        URL of a database that machines share, such as postgresql://user@host/name; by default a file in the folder.
        The variable ALLOYGAN_STORAGE does the same, and keeps a password out of the list of processes.
    dashboard
        Serve Optuna's dashboard on this machine while the search runs (needs alloygan[dashboard]).
    set_
        Override a field of the file, such as search.objective=fidelity.accuracy or search.launcher.kind=slurm.
    """
    zoo = load_zoo(plugin)
    from alloygan.sweeps.search import higher_is_better, read_search

    search = read_search(spec, zoo, _with_short(set_, {"search.trials": trials, "search.launcher.jobs": jobs}))
    search.base.data.check_inputs(search.base.conditions)
    higher = higher_is_better(search)
    from alloygan.sweeps.dashboard import require_dashboard, served
    from alloygan.sweeps.search_spec import SearchSpec
    from alloygan.sweeps.study import done, ended, storage_url
    from alloygan.sweeps.trials import importances
    from alloygan.sweeps.tune import tune
    from alloygan.terminal_search import board, print_search

    if dashboard:
        require_dashboard()
    elsewhere = search.spec.launcher.kind != SearchSpec.model_fields["launcher"].default
    if elsewhere and storage_url(out, storage).startswith("sqlite:"):
        messages.print(
            f"note: the study is a SQLite file, which several machines cannot share safely over a network; where "
            f"{search.spec.launcher.kind} means other machines, give a database: --storage postgresql://…",
            markup=False,
        )
    with board(messages, search, higher) as watch:
        tuned = tune(
            search,
            out,
            higher_is_better=higher,
            storage=storage,
            plugins=plugin,
            watch=watch,
            serve=(lambda url: served(url, messages.print)) if dashboard else None,
        )
    finished = done(tuned.study)
    shares = importances(tuned.study)
    if as_json:
        print_json(
            {
                "out": str(out),
                "trials": len(ended(tuned.study)),
                "best": finished[0].params if finished else None,
                "value": finished[0].value if finished else None,
                "spec": str(tuned.best) if tuned.best else None,
                "importances": shares,
            }
        )
    elif finished:
        print_search(screen, search, tuned, shares)
        screen.print(f"spec: {tuned.best}\npage: {out / 'tune.html'}", markup=False, soft_wrap=True, highlight=False)
    missing = search.spec.trials - len(ended(tuned.study))
    if missing > 0 or not finished:
        errors = dict.fromkeys(str(one.user_attrs["error"]) for one in ended(tuned.study) if "error" in one.user_attrs)
        said = [f"{len(ended(tuned.study))} of {search.spec.trials} trials have ended; the same command goes on"]
        fail("\n".join([*said, *list(errors)[:3], f"what workers print is in {out / 'logs'}"]), 1)
