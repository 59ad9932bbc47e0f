"""Searching with real workers: trials, what is kept, killed workers, and machines that share a study."""

import csv
import os
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest

from alloygan import Zoo, load_zoo
from alloygan.errors import RunFolderError
from alloygan.sweeps.search import Search, read_search
from alloygan.sweeps.study import chosen, done, open_study, suggest
from alloygan.sweeps.trials import importances
from alloygan.sweeps.tune import Tuned, tune

from .processes import beginnings, ends, kill, start, until, workers

SHORT = ["search.trials=3", "search.random_trials=2", "search.looks=[0.5]", "search.launcher.threads=1"]


def run(search: Search, out: Path, **options: Any) -> Tuned:
    return tune(search, out, higher_is_better=False, **options)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_search_leaves_the_best_spec_and_goes_on(zoo: Zoo, search_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tuned = run(read_search(search_file, zoo, SHORT), out)
    found = rows(out)
    assert len(found) == 3
    assert {row["state"] for row in found} <= {"done", "hopeless"}
    values = [float(row["mean_deviation"]) for row in found if row["state"] == "done"]
    best = done(tuned.study)[0]
    assert best.value == min(values)
    spec = zoo.read_spec(out / "best.yaml")
    assert spec.name == "base-tuned"
    assert spec.training.optimizer.lr == best.params["training.optimizer.lr"]
    assert spec.training.critic_updates == best.params["training.critic_updates"]

    page = (out / "tune.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert f"number {best.number}, has a mean_deviation of" in page
    assert "name: base-tuned" in page

    more = run(read_search(search_file, zoo, [*SHORT, "search.trials=4"]), out)
    assert len(rows(out)) == 4
    assert rows(out)[:3] == found, "what is there is kept"
    assert set(importances(more.study)) <= set(best.params)


def test_the_draws_depend_on_seed_and_trial_alone(zoo: Zoo, search_file: Path, tmp_path: Path) -> None:
    two = [*SHORT, "search.trials=2"]
    run(read_search(search_file, zoo, two), tmp_path / "one")
    run(read_search(search_file, zoo, two), tmp_path / "other")
    drop = ("seconds",)
    one, other = (
        [{k: v for k, v in row.items() if k not in drop} for row in rows(tmp_path / n)] for n in ("one", "other")
    )
    assert one == other
    assert one[0]["training.optimizer.lr"] != one[1]["training.optimizer.lr"], "each trial draws anew"


def test_another_search_in_the_folder_is_refused(zoo: Zoo, search_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(read_search(search_file, zoo, [*SHORT, "search.trials=1"]), out)
    with pytest.raises(RunFolderError, match="a search of another spec"):
        run(read_search(search_file, zoo, [*SHORT, "training.images=128"]), out)


def test_trials_that_fail_are_told_and_end_the_search(zoo: Zoo, search_file: Path, tmp_path: Path) -> None:
    mad = "search.parameters={training.optimizer.lr: {low: 1.0e+30, high: 1.0e+35}}"
    search = read_search(
        search_file, zoo, ["training.optimizer={kind: sgd}", mad, *SHORT, "search.trials=20", "search.looks=[]"]
    )
    tuned = run(search, tmp_path / "out")
    assert tuned.best is None
    found = rows(tmp_path / "out")
    assert len(found) < 20, "it ends early"
    assert {row["state"] for row in found} == {"failed"}
    assert all("finite" in row["error"] for row in found)


WORKER = "alloygan.sweeps.try_one"


def check_after_a_kill(search_file: Path, out: Path, storage: str | None = None) -> None:
    long = "training={images: 2000, batch_size: 4, checkpoint_every: 100}"
    process = start("tune", search_file, out, *SHORT, long, "search.looks=[]", storage=storage)
    until(lambda: any(out.glob("trials/*/run/checkpoints/*")), "no trial trains")
    (worker,) = workers(WORKER, out)
    kill(worker)
    begun = beginnings(out, "trials/*")
    assert ends(process, out) == 0
    found = rows(out)
    assert [row["state"] for row in found].count("done") == 3
    (killed,) = [row for row in found if row["state"] == "interrupted"]
    again = [row for row in found if row["state"] == "done" and row["folder"] == killed["folder"]]
    assert len(again) == 1, "the trial was queued again with its values"
    assert begun.items() <= beginnings(out, "trials/*").items(), "and goes on where it was"


@pytest.mark.skipif(os.name != "posix", reason="kills by POSIX signals")
def test_a_trial_whose_worker_was_killed_goes_on(search_file: Path, tmp_path: Path) -> None:
    check_after_a_kill(search_file, (tmp_path / "out").resolve())


def test_a_database_that_cannot_be_reached_is_told(zoo: Zoo, search_file: Path, tmp_path: Path) -> None:
    search = read_search(search_file, zoo, SHORT)
    with pytest.raises(RunFolderError, match="database"):
        run(search, tmp_path / "out", storage="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(RunFolderError, match="database"):
        run(search, tmp_path / "out2", storage="nonsense://here")


def test_two_searches_share_no_study_by_mistake(zoo: Zoo, search_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    search = read_search(search_file, zoo, [*SHORT, "search.trials=1"])
    run(search, tmp_path / "one", storage=url)
    other = read_search(search_file, zoo, [*SHORT, "training.images=128"])
    with pytest.raises(RunFolderError, match="of another search"):
        run(other, tmp_path / "other", storage=url)
    study = open_study(search, tmp_path / "one", False)
    assert len(study.trials) == 0, "the folder's own file is another study"


def test_failures_of_an_earlier_command_do_not_end_the_next(zoo: Zoo, search_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plugin = tmp_path / "breaks.py"
    plugin.write_text(BREAKS)
    own = load_zoo([plugin])
    asked = [*SHORT, "losses.more=breaks", "search.looks=[]", "search.trials=4"]
    flag = tmp_path / "broken"
    flag.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BREAKS_WHILE", str(flag))
        assert run(read_search(search_file, own, asked), out, plugins=[plugin]).best is None
        assert [row["state"] for row in rows(out)] == ["failed"] * 3
        flag.unlink()
        assert run(read_search(search_file, own, asked), out, plugins=[plugin]).best is not None


BREAKS = '''
import os
from pathlib import Path
from typing import Literal
from alloygan import Loss, LossSpec, Terms, hookimpl

class Breaks(Loss):
    def critic(self, step):
        if Path(os.environ["BREAKS_WHILE"]).exists():
            raise OSError("the disk is full")
        return Terms({})

class BreaksSpec(LossSpec):
    """A loss that fails while a file is there."""
    kind: Literal["breaks"] = "breaks"
    def build(self, site):
        return Breaks()

@hookimpl
def alloygan_register_losses(register):
    register(BreaksSpec)
'''


def test_two_trials_of_the_same_values_take_turns(zoo: Zoo, search_file: Path, tmp_path: Path) -> None:
    one_place = "search.parameters={training.critic_updates: {low: 1, high: 2}}"
    at_once = ["search.looks=[]", "search.trials=4", "search.launcher.jobs=3", "search.random_trials=4"]
    asked = [*SHORT, one_place, *at_once]
    run(read_search(search_file, zoo, asked), tmp_path / "out")
    assert {row["state"] for row in rows(tmp_path / "out")} == {"done"}


def test_choices_may_be_lists_and_mappings(zoo: Zoo, search_file: Path) -> None:
    text = "search:\n  parameters:\n    channels: {fields: [generator.channels], choices: [[16, 8, 8], [8, 8, 8]]}\n"
    text += "    term: {fields: [losses.contrastive], choices: [null, contragan_2c, {kind: contragan_2c, every: 2}]}\n"
    search_file.write_text(search_file.read_text() + text)
    search = read_search(search_file, zoo)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(12):
            trial = study.ask()
            values = suggest(trial, search.parameters)
            spec = search.trial(values)
            seen.add((spec.generator.model_dump()["channels"], spec.losses.get("contrastive") is None))
            study.tell(trial, float(number % 5))
            assert chosen(trial.params, search.parameters) == values
    assert len(seen) == 4
    assert set(importances(study)) == {"channels", "term"}
