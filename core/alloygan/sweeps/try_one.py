"""A worker of a search: one trial, from the choice of its hyperparameters to its value, as a process of its own.

    python -m alloygan.sweeps.try_one OUT

A trial whose worker was killed is queued again by the others, and goes on from its last checkpoint.
"""

import math
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import Trial

from alloygan.data.held_out import load_data
from alloygan.errors import AlloyganError
from alloygan.evaluation.of_run import evaluate_run
from alloygan.evaluation.score_list import ListedScore, listed_scores
from alloygan.files import read_json
from alloygan.locks import held
from alloygan.plugin_faults import plugin_fault
from alloygan.sweeps.cell_folder import CellFolder, Reporter
from alloygan.sweeps.grid import run_key
from alloygan.sweeps.search import Search, stored_search
from alloygan.sweeps.study import begun, ended, open_study, queued, suggest
from alloygan.sweeps.work import end_with_stdin
from alloygan.training.length import images_of
from alloygan.training.loop import Progress, train
from alloygan.zoo import load_zoo

SEARCH, TRIALS = "search.json", "trials"


def main(arguments: Sequence[str]) -> int:
    """Work on one trial of the search in the folder that is named; 0 it has ended, 1 it failed."""
    if os.environ.get("ALLOYGAN_END_WITH_STDIN"):
        threading.Thread(target=end_with_stdin, daemon=True).start()
    out = Path(arguments[0])
    values = read_json(out / SEARCH)
    search = stored_search(values, load_zoo([Path(path) for path in values["plugins"]]))
    study = open_study(search, out, values["higher_is_better"])
    if len(ended(study)) + begun(study) >= search.spec.trials and not queued(study):
        return 0  # workers of other commands do the rest
    failed = False

    def objective(trial: Trial) -> float:
        nonlocal failed
        try:
            return _value_of(trial, search, out)
        except optuna.TrialPruned:
            raise
        except Exception as error:
            failed = True
            said = str(error) if isinstance(error, AlloyganError) else plugin_fault(error)
            trial.set_user_attr("error", said or f"{type(error).__name__}: {error}")
            trial.set_user_attr("traceback", traceback.format_exc())
            raise

    # Of Optuna's ways to run a trial this one alone shows signs of life.
    study.optimize(objective, n_trials=1, catch=(Exception,))
    return 1 if failed else 0


def _value_of(trial: Trial, search: Search, out: Path) -> float:
    spec = search.trial(suggest(trial, search.parameters))
    folder = CellFolder(out / TRIALS / run_key(spec))
    folder.path.mkdir(parents=True, exist_ok=True)
    trial.set_user_attr("folder", f"{TRIALS}/{folder.path.name}")
    reporter = Reporter(folder)
    # Two trials of the same values share a folder, one after the other; signs of life go on meanwhile.
    with held(folder.lock, math.inf):
        data = load_data(spec)
        images = images_of(spec.training, len(data.train))
        shared: dict[str, Any] = {"data": data}

        def training(at: Progress) -> None:
            about = {"images_seen": at.images_seen, "images": at.images, "images_per_s": at.images_per_s}
            reporter.sometimes(state="training", **about)

        def measured() -> ListedScore:
            reporter.now(state="measuring")
            return _score(evaluate_run(folder.run, search.zoo, **shared), search.spec.objective)

        passed = trial.study.trials[trial.number].intermediate_values
        for number, share in enumerate(search.spec.looks):
            if number in passed:
                continue  # before the worker was killed that this one follows
            reporter.now(state="training")
            train(spec, folder.run, until=math.ceil(share * images), report=training, **shared)
            trial.report(measured().value, number)
            if trial.should_prune():
                reporter.now(state="done")
                raise optuna.TrialPruned
        reporter.now(state="training")
        train(spec, folder.run, report=training, **shared)
        score = measured()
        reporter.now(state="done", measured_by=spec.evaluation.model_dump(mode="json"))
    if score.floor is not None:
        trial.set_user_attr("floor", score.floor)
    return score.value


def _score(evaluation: dict[str, Any], name: str) -> ListedScore:
    scores = {one.name: one for one in listed_scores(evaluation)}
    if name not in scores:
        raise AlloyganError(f"the evaluation has no value of {name}; it has: {', '.join(scores)}")
    return scores[name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
