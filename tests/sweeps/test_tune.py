"""Searching with real workers: trials, what is kept, killed workers, and machines that share a study."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alloygan import Zoo
from alloygan.errors import RunFolderError
from alloygan.sweeps.search import Search, read_search
from alloygan.sweeps.study import done, open_study
from alloygan.sweeps.trials import importances
from alloygan.sweeps.tune import Tuned, tune

SHORT = ["search.trials=3", "search.random_trials=2", "search.looks=[0.5]", "search.launcher.threads=1"]


@pytest.fixture
def path(base: str, tmp_path: Path) -> Path:
    path = tmp_path / "search.yaml"
    path.write_text(base)
    return path


def run(search: Search, out: Path, **options: Any) -> Tuned:
    return tune(search, out, higher_is_better=False, **options)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_search_leaves_the_best_spec_and_goes_on(zoo: Zoo, path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tuned = run(read_search(path, zoo, SHORT), out)
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

    more = run(read_search(path, zoo, [*SHORT, "search.trials=4"]), out)
    assert len(rows(out)) == 4
    assert rows(out)[:3] == found, "what is there is kept"
    assert set(importances(more.study)) <= set(best.params)


def test_the_draws_depend_on_seed_and_trial_alone(zoo: Zoo, path: Path, tmp_path: Path) -> None:
    two = [*SHORT, "search.trials=2"]
    run(read_search(path, zoo, two), tmp_path / "one")
    run(read_search(path, zoo, two), tmp_path / "other")
    drop = ("seconds",)
    one, other = (
        [{k: v for k, v in row.items() if k not in drop} for row in rows(tmp_path / n)] for n in ("one", "other")
    )
    assert one == other
    assert one[0]["training.optimizer.lr"] != one[1]["training.optimizer.lr"], "each trial draws anew"


def test_another_search_in_the_folder_is_refused(zoo: Zoo, path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(read_search(path, zoo, [*SHORT, "search.trials=1"]), out)
    with pytest.raises(RunFolderError, match="a search of another spec"):
        run(read_search(path, zoo, [*SHORT, "training.images=128"]), out)


def test_trials_that_fail_are_told_and_end_the_search(zoo: Zoo, path: Path, tmp_path: Path) -> None:
    mad = "search.parameters={training.optimizer.lr: {low: 1.0e+30, high: 1.0e+35}}"
    search = read_search(
        path, zoo, ["training.optimizer={kind: sgd}", mad, *SHORT, "search.trials=20", "search.looks=[]"]
    )
    tuned = run(search, tmp_path / "out")
    assert tuned.best is None
    found = rows(tmp_path / "out")
    assert len(found) < 20, "it ends early"
    assert {row["state"] for row in found} == {"failed"}
    assert all("finite" in row["error"] for row in found)


def start(path: Path, out: Path, *options: str, storage: str | None = None) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "alloygan", "tune", str(path), "--out", str(out)]
    for option in (*SHORT, *options):
        command += ["--set", option]
    environment = os.environ | ({"ALLOYGAN_STORAGE": storage} if storage else {})
    with (out.parent / f"{out.name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def _workers(out: Path) -> list[int]:
    command = ["pgrep", "-f", f"alloygan.sweeps.try_one {out}$"]
    return [int(line) for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()]


def _until(ready: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 180
    while not ready():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def _kill_a_worker_in_its_trial(out: Path) -> Path:
    """Kill a worker that has a checkpoint; return the folder of its trial."""
    _until(lambda: any(out.glob("trials/*/run/checkpoints/*")), "no trial trains")
    (worker,) = _workers(out)
    os.kill(worker, signal.SIGKILL)
    return next(iter(out.glob("trials/*")))


def check_after_a_kill(zoo: Zoo, path: Path, out: Path, storage: str | None = None) -> None:
    long = "training={images: 2000, batch_size: 4, checkpoint_every: 100}"
    process = start(path, out, long, "search.looks=[]", storage=storage)
    folder = _kill_a_worker_in_its_trial(out)
    assert process.wait(400) == 0, (out.parent / f"{out.name}.log").read_text()
    found = rows(out)
    assert sorted(row["state"] for row in found).count("done") == 3
    (killed,) = [row for row in found if row["state"] == "interrupted"]
    again = [row for row in found if row["state"] == "done" and row["folder"] == killed["folder"]]
    assert len(again) == 1, "the trial was queued again with its values, and went on in its folder"
    assert killed["folder"].endswith(folder.name)


@pytest.mark.skipif(os.name != "posix", reason="kills by POSIX signals")
def test_a_trial_whose_worker_was_killed_goes_on(zoo: Zoo, path: Path, tmp_path: Path) -> None:
    check_after_a_kill(zoo, path, (tmp_path / "out").resolve())


def test_a_database_that_cannot_be_reached_is_told(zoo: Zoo, path: Path, tmp_path: Path) -> None:
    search = read_search(path, zoo, SHORT)
    with pytest.raises(RunFolderError, match="database"):
        run(search, tmp_path / "out", storage="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(RunFolderError, match="database"):
        run(search, tmp_path / "out2", storage="nonsense://here")


def test_two_searches_share_no_study_by_mistake(zoo: Zoo, path: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    search = read_search(path, zoo, [*SHORT, "search.trials=1"])
    run(search, tmp_path / "one", storage=url)
    other = read_search(path, zoo, [*SHORT, "training.images=128"])
    with pytest.raises(RunFolderError, match="of another search"):
        run(other, tmp_path / "other", storage=url)
    study = open_study(search, tmp_path / "one", False)
    assert len(study.trials) == 0, "the folder's own file is another study"
