"""The trials of a search in plain words: their state and value, as a table, and what mattered."""

import csv
from io import StringIO
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from alloygan.sweeps.search import Search
from alloygan.sweeps.study import done


def table(study: Study, search: Search) -> str:
    """All trials as CSV: number, state, value, floor, hyperparameters, how long it took, folder, error."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(search.parameters)
    writer.writerow(["trial", "state", search.spec.objective, "floor", *names, "seconds", "folder", "error"])
    for trial in study.get_trials(deepcopy=False):
        seconds = trial.duration.total_seconds() if trial.duration is not None else ""
        writer.writerow(
            [
                trial.number,
                state_of(trial),
                "" if value_of(trial) is None else value_of(trial),
                trial.user_attrs.get("floor", ""),
                *(trial.params.get(name, "") for name in names),
                seconds,
                trial.user_attrs.get("folder", ""),
                trial.user_attrs.get("error", ""),
            ]
        )
    return text.getvalue()


def value_of(trial: FrozenTrial) -> float | None:
    """The value of a finished trial; one that was ended early has only been measured on the way."""
    return trial.value if trial.state == TrialState.COMPLETE else None


def state_of(trial: FrozenTrial) -> str:
    """The state of a trial in the words of an ablation's table."""
    if trial.state == TrialState.FAIL:
        return "failed" if "error" in trial.user_attrs else "interrupted"
    words = {TrialState.COMPLETE: "done", TrialState.PRUNED: "hopeless", TrialState.RUNNING: "training"}
    return words.get(trial.state, "waiting")


def importances(study: Study) -> dict[str, float]:
    """Share of each hyperparameter in what the value varies by (PED-ANOVA, Watanabe et al. 2023), largest first.

    Empty with fewer than four finished trials, or where all have one value.
    """
    finished = done(study)
    if len(finished) < 4 or len({trial.value for trial in finished}) < 2:
        return {}
    found: dict[str, Any] = optuna.importance.get_param_importances(study)
    return {name: float(share) for name, share in found.items()}
