"""Running an ablation: what is run, what is kept, and what is told; with real workers."""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from alloygan import Zoo
from alloygan.errors import RunFolderError, SpecError
from alloygan.locks import held
from alloygan.sweeps.ablate import AblationRun, ablate
from alloygan.sweeps.cell_folder import CellFolder
from alloygan.sweeps.grid import read_ablation

from .processes import beginnings, ends, kill, start, tables, until, workers

CONTRASTIVE = """
vary:
  contrastive:
    with: {}
    without: {losses.contrastive: null}
seeds: 2
"""

Write = Callable[[str], Path]


def run(zoo: Zoo, path: Path, out: Path, **options: bool) -> AblationRun:
    ablation = read_ablation(path, zoo, ["launcher.jobs=2", "launcher.threads=1"])
    return ablate(ablation, out, ablation.launcher.build(), zoo, **options)


def states(done: AblationRun) -> list[str]:
    return [status.state for status in done.statuses.values()]


def times(out: Path) -> Mapping[str, float]:
    return {path.parent.parent.name: path.stat().st_mtime for path in out.glob("cells/*/run/generator.safetensors")}


@pytest.fixture(scope="module")
def finished(zoo: Zoo, base: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AblationRun]:
    folder = tmp_path_factory.mktemp("ablation")
    (folder / "base.yaml").write_text(base)
    (folder / "ablation.yaml").write_text("extends: base.yaml\nname: small\n" + CONTRASTIVE)
    return folder, run(zoo, folder / "ablation.yaml", folder / "out")


def test_every_cell_is_trained_and_measured_for_every_seed(finished: tuple[Path, AblationRun]) -> None:
    folder, done = finished
    assert states(done) == ["done"] * 4
    logs = [path.read_text() for path in (folder / "out").glob("cells/*/log.txt")]
    assert len(logs) == 4
    assert not any("Fatal" in log for log in logs), "workers end in peace"
    with (folder / "out" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["cell"], row["contrastive"], row["seed"]) for row in rows} == {
        ("with", "with", "0"), ("with", "with", "1"), ("without", "without", "0"), ("without", "without", "1"),
    }  # fmt: skip
    assert {"area_fraction.deviation", "pixel_std.distance"} <= {row["score"] for row in rows}
    described = json.loads((folder / "out" / "ablation.json").read_text())
    for cell in described["cells"]:
        for seed, path in cell["runs"].items():
            scores = json.loads((folder / "out" / path / "run" / "evaluation.json").read_text())["overall"]
            row = next(
                row
                for row in rows
                if (row["cell"], row["seed"], row["score"]) == (cell["name"], seed, "area_fraction.deviation")
            )
            assert float(row["value"]) == scores["area_fraction"]["mean_deviation"]
            assert float(row["floor"]) == scores["area_fraction"]["mean_floor_deviation"]


def test_the_summary_is_of_the_values(finished: tuple[Path, AblationRun]) -> None:
    folder, _ = finished
    with (folder / "out" / "results.csv").open() as file:
        values = {(row["cell"], row["seed"]): float(row["value"]) for row in csv.DictReader(file)
                  if row["score"] == "pixel_std.distance"}  # fmt: skip
    with (folder / "out" / "summary.csv").open() as file:
        rows = {row["cell"]: row for row in csv.DictReader(file) if row["score"] == "pixel_std.distance"}
    assert float(rows["without"]["mean"]) == pytest.approx((values["without", "0"] + values["without", "1"]) / 2)
    differences = [values["without", seed] - values["with", seed] for seed in "01"]
    assert float(rows["without"]["difference"]) == pytest.approx(sum(differences) / 2)
    assert float(rows["without"]["difference_low"]) == pytest.approx(min(differences))
    assert rows["with"]["difference"] == "", "the baseline against itself"


def test_the_same_command_again_runs_nothing(zoo: Zoo, finished: tuple[Path, AblationRun]) -> None:
    folder, _ = finished
    before, kept = times(folder / "out"), tables(folder / "out")
    run(zoo, folder / "ablation.yaml", folder / "out")
    assert times(folder / "out") == before
    assert tables(folder / "out") == kept


def test_a_changed_file_runs_only_what_changed(zoo: Zoo, finished: tuple[Path, AblationRun]) -> None:
    folder, _ = finished
    before = times(folder / "out")
    changed = folder / "changed.yaml"
    changed.write_text(
        "extends: ablation.yaml\nname: renamed\nvary: {contrastive: {weak: {losses.contrastive.weight: 0.1}}}\n"
    )
    done = run(zoo, changed, folder / "out")
    assert states(done) == ["done"] * 6
    after = times(folder / "out")
    assert len(after) == 6
    assert {key: after[key] for key in before} == before


def test_a_changed_evaluation_measures_again_without_training(zoo: Zoo, finished: tuple[Path, AblationRun]) -> None:
    folder, _ = finished
    before = times(folder / "out")
    ablation = read_ablation(folder / "ablation.yaml", zoo, ["evaluation.images=3", "launcher.jobs=2"])
    done = ablate(ablation, folder / "out", ablation.launcher.build(), zoo)
    assert states(done) == ["done"] * 4
    for status in done.statuses.values():
        assert status.measured_by["images"] == 3
    assert {key: times(folder / "out")[key] for key in before} == before


def test_a_failed_cell_is_kept_and_the_others_go_on(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    # A learning rate that makes the first update overflow.
    path = write("vary: {rate: {sane: {}, mad: {training.optimizer: {kind: sgd, lr: 1.0e+30}}}}\nseeds: 1\n")
    done = run(zoo, path, tmp_path / "out")
    assert states(done) == ["done", "failed"]
    failed = list(done.statuses.values())[1]
    assert "not finite" in failed.error or "non-finite" in failed.error
    (trace,) = (tmp_path / "out").glob("cells/*/error.txt")
    assert "Traceback" in trace.read_text()
    moment = trace.stat().st_mtime_ns
    assert states(run(zoo, path, tmp_path / "out")) == ["done", "failed"]
    assert trace.stat().st_mtime_ns == moment, "not tried again"
    assert states(run(zoo, path, tmp_path / "out", retry_failed=True)) == ["done", "failed"]
    assert trace.stat().st_mtime_ns > moment, "tried again when asked"


def test_a_cell_that_cannot_be_built_is_told_before_the_first_one_trains(
    zoo: Zoo, write: Write, tmp_path: Path
) -> None:
    plugin = tmp_path / "sick.py"
    plugin.write_text(SICK)
    from alloygan import load_zoo

    with_plugin = load_zoo([plugin])
    ablation = read_ablation(write("vary: {loss: {a: {}, b: {losses.more: sick}}}\nseeds: 1\n"), with_plugin)
    with pytest.raises(SpecError, match=r"(?s)cell b: plugin sick\.py failed: ValueError: cannot be built"):
        ablate(ablation, tmp_path / "out", ablation.launcher.build(), with_plugin)
    assert not (tmp_path / "out").exists()


SICK = '''
from typing import Literal
from alloygan import LossSpec, hookimpl

class Sick(LossSpec):
    """A loss that cannot be built."""
    kind: Literal["sick"] = "sick"
    def build(self, site):
        raise ValueError("cannot be built")

@hookimpl
def alloygan_register_losses(register):
    register(Sick)
'''


def test_a_folder_of_something_else_is_refused(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(RunFolderError, match="holds something else"):
        run(zoo, write(CONTRASTIVE), tmp_path / "out")


WORKER = "alloygan.sweeps.work"


@pytest.mark.skipif(os.name != "posix", reason="kills by POSIX signals")
@pytest.mark.parametrize("victim", ["worker", "launcher"])
def test_after_a_kill_the_same_command_goes_on_to_the_same_table(
    zoo: Zoo, write: Write, tmp_path: Path, victim: str
) -> None:
    path = write(CONTRASTIVE.replace("seeds: 2", "seeds: 1") + "training: {images: 2000, checkpoint_every: 200}\n")
    out, whole = (tmp_path / "killed").resolve(), tmp_path / "whole"
    launcher = start("ablate", path, out, "launcher.threads=1")
    until(lambda: any(out.glob("cells/*/run/checkpoints/*")), "no cell trains")
    (worker,) = workers(WORKER, out)
    if victim == "worker":
        kill(worker)
        assert ends(launcher, out) == 1, "one run is not done"
    else:
        launcher.kill()
        launcher.wait()
        until(lambda: not workers(WORKER, out), "the worker goes on without its launcher")
    begun = beginnings(out, "cells/*")
    assert ends(start("ablate", path, out, "launcher.threads=1"), out) == 0
    assert begun.items() <= beginnings(out, "cells/*").items(), "it goes on where it was"
    assert ends(start("ablate", path, whole, "launcher.threads=1"), whole) == 0
    assert tables(out) == tables(whole)


def test_the_tables_wait_for_the_workers_of_another_command(
    zoo: Zoo, finished: tuple[Path, AblationRun], tmp_path: Path
) -> None:
    folder, _ = finished
    ablation = read_ablation(folder / "ablation.yaml", zoo, ["training.images=1000"])
    out = tmp_path / "out"
    folders = [CellFolder(out / "cells" / run.key) for run in ablation.runs]
    for one, of in zip(folders, ablation.runs, strict=True):
        one.path.mkdir(parents=True)
        one.ask(of.spec, ())
    (out / "ablation.json").write_text("{}")
    others = [subprocess.Popen([sys.executable, "-m", "alloygan.sweeps.work", str(one.path)]) for one in folders]
    until(lambda: all(one.status().state not in ("waiting", "interrupted") for one in folders), "no worker begins")
    done = ablate(ablation, out, ablation.launcher.build(), zoo)
    assert states(done) == ["done"] * 4
    assert [other.wait(60) for other in others] == [0] * 4


def test_a_worker_waits_for_one_who_only_looks(zoo: Zoo, finished: tuple[Path, AblationRun]) -> None:
    folder, _ = finished
    cell = CellFolder(next(iter((folder / "out" / "cells").iterdir())))
    with held(cell.lock):
        process = subprocess.Popen([sys.executable, "-m", WORKER, str(cell.path)])
        time.sleep(1.5)  # about as long as the worker takes to begin, and less than its patience more
    assert process.wait(60) == 0
