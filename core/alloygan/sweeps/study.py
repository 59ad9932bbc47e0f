"""The study that all workers of a search share: Optuna's, in a local file or a database."""

import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alloygan.errors import LaunchError, RunFolderError
from alloygan.sweeps.search import Search
from alloygan.sweeps.search_spec import ParameterSpec

try:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler, GPSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial, TrialState
    from sqlalchemy.exc import IntegrityError, ProgrammingError
except ImportError:
    raise LaunchError("searching needs Optuna, which is not installed: pip install 'alloygan[search]'") from None

STORAGE = "ALLOYGAN_STORAGE"
"""The variable that tells workers the database; not a file and not a command, since it may hold a password."""

_TRIES = 4
"""How often the tables of a database are asked for before it is given up."""

_HEARTBEAT, _GRACE = 5, 20
"""Seconds between the signs of life of a worker, and from when on one without is given up."""


def storage_url(out: Path, given: str | None = None) -> str:
    """The database of a search, with its driver: what is given, what the variable says, or a file in its folder."""
    url = given or os.environ.get(STORAGE) or f"sqlite:///{(out / 'study.db').resolve()}"
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def database_errors() -> Iterator[None]:
    """Say what is wrong with the database in one line, as a RunFolderError."""
    try:
        yield
    except ImportError as error:
        raise RunFolderError(
            f"the database needs a driver that is not installed ({error.name}); for PostgreSQL: pip install "
            "'alloygan[postgres]'"
        ) from None
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("sqlalchemy", "optuna", "psycopg", "sqlite3"):
            raise
        reason = str(error).strip().splitlines()[0]
        raise RunFolderError(f"the study's database cannot be used: {reason}") from None


def open_study(search: Search, out: Path, higher_is_better: bool) -> Study:
    """Open the study of a search, or start it. Raises RunFolderError for a database that cannot be used."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # Its signs of life have been experimental since 2021; an update that changes them fails our tests first.
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    with database_errors():
        storage = _storage(storage_url(out))
        return optuna.create_study(
            storage=storage,
            study_name=search.base.name,
            load_if_exists=True,
            direction="maximize" if higher_is_better else "minimize",
            sampler=SeededByTrial(search.spec.seed, search.spec.random_trials),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=min(5, search.spec.random_trials)),
        )


def _storage(url: str) -> optuna.storages.RDBStorage:
    """The database, with its tables. Machines that start at once may make them at once, and all but one then fail."""
    for tries_left in reversed(range(_TRIES)):
        try:
            return optuna.storages.RDBStorage(
                url,
                heartbeat_interval=_HEARTBEAT,
                grace_period=_GRACE,
                heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(
                    max_retry=5,
                    # A trial that goes on cannot be measured again at the moments that it has passed.
                    inherit_intermediate_values=True,
                ),
            )
        except (IntegrityError, ProgrammingError):
            if not tries_left:
                raise
            time.sleep(1)
    raise AssertionError("not reached")


class SeededByTrial(BaseSampler):
    """Optuna's Gaussian-process sampler, with random numbers from (seed, number of the trial).

    Each trial has a process of its own, so a sampler with one seed would draw the same first trial in every one.
    """

    def __init__(self, seed: int, random_trials: int) -> None:
        self._seed, self._random_trials = seed, random_trials
        self._sampler: BaseSampler = self._of(0)

    def _of(self, number: int) -> BaseSampler:
        seed = (self._seed * 1_000_003 + number) % 2**32
        return GPSampler(seed=seed, n_startup_trials=self._random_trials, warn_independent_sampling=False)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Choose the random numbers."""
        self._sampler = self._of(trial.number)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the Gaussian process's."""
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the Gaussian process's."""
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the Gaussian process's."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)


def suggest(trial: Trial, parameters: Mapping[str, ParameterSpec]) -> dict[str, Any]:
    """Ask for a value of every hyperparameter."""
    values: dict[str, Any] = {}
    for name, one in parameters.items():
        if one.choices is not None:
            trial.suggest_categorical(name, [stored_choice(choice) for choice in one.choices])
            values[name] = chosen(trial.params, parameters)[name]
        elif isinstance(one.low, int) and isinstance(one.high, int):
            values[name] = trial.suggest_int(name, one.low, one.high, log=one.log)
        else:
            values[name] = trial.suggest_float(name, float(one.low or 0), float(one.high or 0), log=one.log)
    return values


def stored_choice(choice: Any) -> Any:
    """A choice as a study can hold it: a single value, or lists and mappings as JSON."""
    if isinstance(choice, list | tuple | Mapping):
        return json.dumps(choice, sort_keys=True)
    return str(choice) if isinstance(choice, str) else choice  # without its place in the file


def chosen(params: Mapping[str, Any], parameters: Mapping[str, ParameterSpec]) -> dict[str, Any]:
    """The values of a trial's parameters: inverse of `stored_choice`."""
    values = dict(params)
    for name, one in parameters.items():
        if one.choices is not None and name in values:
            values[name] = next(choice for choice in one.choices if stored_choice(choice) == values[name])
    return values


def ended(study: Study) -> list[FrozenTrial]:
    """Trials that count: done, hopeless, or failed by themselves; not those whose worker was killed."""
    trials = study.get_trials(deepcopy=False)
    good = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    failed = [trial for trial in trials if trial.state == TrialState.FAIL and "error" in trial.user_attrs]
    return [*good, *failed]


def done(study: Study) -> list[FrozenTrial]:
    """Trials with a value, best first."""
    found = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    sign = -1 if study.direction.name == "MAXIMIZE" else 1
    return sorted(found, key=lambda trial: sign * float(trial.value or 0))


def begun(study: Study) -> int:
    """How many trials are being worked on."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))


def queued(study: Study) -> int:
    """How many trials wait to go on, since their worker was killed."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))


def give_up_dead_workers(study: Study, patience: float = 0.0) -> None:
    """Queue the trials again whose worker shows no sign of life; waits up to `patience` seconds for that to be sure."""
    end = time.monotonic() + patience
    while True:
        optuna.storages.fail_stale_trials(study)
        if not begun(study) or time.monotonic() >= end:
            return
        time.sleep(1.0)
