"""`alloygan tune`: workers try hyperparameters until there are enough trials, on one machine or on many at once."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from optuna.study import Study
from optuna.trial import FrozenTrial

from alloygan.assembler import assemble
from alloygan.data.held_out import condition_space_of
from alloygan.errors import AlloyganError, RunFolderError, SpecError
from alloygan.files import read_json, write_json, write_text
from alloygan.interfaces.launcher import Task
from alloygan.specs.components import LauncherSpec
from alloygan.sweeps.search import Search, plain
from alloygan.sweeps.search_page import write_search_page
from alloygan.sweeps.study import (
    STORAGE,
    begun,
    chosen,
    database_errors,
    done,
    ended,
    give_up_dead_workers,
    open_study,
    storage_url,
)
from alloygan.sweeps.trials import table
from alloygan.sweeps.try_one import SEARCH
from alloygan.training.run_folder import to_yaml

BEST, TABLE = "best.yaml", "trials.csv"

_INTERVAL = 1.0  # s between two looks at the study
_PATIENCE = 30.0  # s to wait for signs of life of workers that may be dead
_FEWEST = 3  # so many failures without any success end the search

Watch = Callable[[Sequence[FrozenTrial]], None]


@dataclass(frozen=True)
class Tuned:
    """What a search leaves: its study, and the spec file with the best values (None if no trial was finished)."""

    study: Study
    best: Path | None


def tune(
    search: Search,
    out: Path,
    *,
    higher_is_better: bool,
    storage: str | None = None,
    plugins: Sequence[Path] = (),
    watch: Watch | None = None,
    serve: Callable[[str], AbstractContextManager[None]] | None = None,
) -> Tuned:
    """Run trials until the study has as many as are asked for; the same call goes on with what is there.

    `storage`: the URL of a database that several machines share; by default a file in `out`. Several of these commands
    may work on one study at once, each into a folder of its own or a shared one. `watch` is given all trials once a
    second; `serve` is entered with the database's URL while the trials run. Raises RunFolderError if `out` or the study
    is of another search, LaunchError if nothing can be started.
    """
    check_choices(search)
    _refuse_other_things(out, search)
    with _storage(storage), database_errors():
        study = open_study(search, out, higher_is_better)
        _claim(study, search)
        write_json(
            out / SEARCH,
            plain(search)
            | {
                "schema": 1,
                "key": search.key,
                "plugins": [str(path.resolve()) for path in plugins],
                "higher_is_better": higher_is_better,
            },
        )
        with serve(storage_url(out)) if serve is not None else nullcontext():
            _work(search, study, out, watch)
        write_text(out / TABLE, table(study, search))
        best = write_best(study, search, out)
        write_search_page(search, study, out, best.read_text(encoding="utf-8") if best is not None else None)
        return Tuned(study, best)


def check_choices(search: Search) -> None:
    """Raise SpecError for choices whose parts cannot be built, such as a critic that does not fit the images."""
    problems = []
    for name, parameter in search.parameters.items():
        for value in parameter.choices or (parameter.low, parameter.high):
            spec = search.trial({name: value})
            try:
                assemble(spec, condition_space_of(spec))
            except AlloyganError as error:
                problems.append(f"search.parameters.{name}: {json.dumps(value)}: {error}")
    if problems:
        raise SpecError("\n".join(problems))


def _work(search: Search, study: Study, out: Path, watch: Watch | None) -> None:
    """Start workers for what is missing, a round at a time, until nothing is, or nothing comes of it."""
    give_up_dead_workers(study, _PATIENCE)
    # Failures of earlier commands may have been mended.
    before = ended(study)
    while (left := search.spec.trials - len(ended(study))) > 0 and not _hopeless(study, before):
        to_start = left - begun(study)  # of other commands' workers
        if to_start <= 0:
            if watch is not None:
                watch(study.get_trials(deepcopy=False))
            time.sleep(_INTERVAL)
            give_up_dead_workers(study)
            continue
        known = len(ended(study))
        _round(search.spec.launcher, to_start, search, study, out, before, watch)
        give_up_dead_workers(study, _PATIENCE)
        if len(ended(study)) == known and not begun(study):
            return  # every worker was killed; the same command goes on


def _hopeless(study: Study, before: Sequence[FrozenTrial]) -> bool:
    """Whether all that was tried by now failed: something is wrong that no other values will mend."""
    old = {trial.number for trial in before}
    new = [trial for trial in ended(study) if trial.number not in old]
    return len(new) >= _FEWEST and all("error" in trial.user_attrs for trial in new)


def _round(
    launcher_spec: LauncherSpec,
    count: int,
    search: Search,
    study: Study,
    out: Path,
    before: Sequence[FrozenTrial],
    watch: Watch | None,
) -> None:
    """Start so many workers, a trial each, and wait for them."""
    launcher = launcher_spec.build()
    command = (sys.executable, "-P", "-m", "alloygan.sweeps.try_one", str(out.resolve()))
    tasks = [Task(f"worker{i}", command, (out / "logs" / f"worker{i}.txt").resolve()) for i in range(count)]
    try:
        launcher.submit(tasks, out / "launcher")
        while True:
            all_ended = all(state == "ended" for state in launcher.poll().values())
            if watch is not None:
                watch(study.get_trials(deepcopy=False))
            if all_ended:
                return
            if len(ended(study)) >= search.spec.trials or _hopeless(study, before):
                launcher.cancel()  # of the rest: other commands' workers may have done it
                return
            time.sleep(_INTERVAL)
    except BaseException:
        launcher.cancel()
        raise


@contextmanager
def _storage(url: str | None) -> Iterator[None]:
    """Tell the database to this process and to the workers that it starts."""
    before = os.environ.get(STORAGE)
    if url is not None:
        os.environ[STORAGE] = url
    try:
        yield
    finally:
        if url is not None and before is None:
            del os.environ[STORAGE]
        elif before is not None:
            os.environ[STORAGE] = before


def _refuse_other_things(out: Path, search: Search) -> None:
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out}: is a file; name a folder for the search")
    if not out.is_dir():
        out.mkdir(parents=True)
        return
    if (out / SEARCH).is_file():
        if read_json(out / SEARCH).get("key") != search.key:
            raise RunFolderError(
                f"{out}: holds a search of another spec (other fields, ranges, objective or looks); name another folder"
            )
    elif any(out.iterdir()):
        raise RunFolderError(f"{out}: holds something else (no {SEARCH} in it); name an empty or a new folder")


def _claim(study: Study, search: Search) -> None:
    """Note what is searched in the study itself: in a shared database its name alone does not say it."""
    key = study.user_attrs.get("alloygan_key")
    if key is None:
        study.set_user_attr("alloygan_key", search.key)
    elif key != search.key:
        raise RunFolderError(
            f"the database has a study {study.study_name!r} of another search (other fields, ranges, objective or "
            "looks); give the spec another name"
        )


def write_best(study: Study, search: Search, out: Path) -> Path | None:
    """Write the spec with the best values, complete, as best.yaml."""
    best = next(iter(done(study)), None)
    if best is None:
        return None
    values = search.trial(chosen(best.params, search.parameters)).model_dump(mode="json")
    values["name"] = f"{search.base.name}-tuned"
    write_text(out / BEST, to_yaml(values))
    return out / BEST
