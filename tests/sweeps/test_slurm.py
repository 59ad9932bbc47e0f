"""Ablations on a real Slurm of one node, started by the test (marker system)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alloygan import Zoo, load_zoo
from alloygan.errors import LaunchError
from alloygan.interfaces.launcher import Task
from alloygan.testing.run_checks import run_checks

from . import slurm

VARY = "vary: {width: {narrow: {}, wide: {generator.width: 8}}}\nseeds: 1\n"

system = pytest.mark.system


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    gone = slurm.missing()
    if gone:
        pytest.skip(f"Debian's packages slurm-wlm and munge are not installed ({', '.join(gone)} missing)")
    with slurm.cluster() as configuration, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(configuration))
        yield


def start(path: Path, out: Path, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "alloygan", "ablate", str(path), "--out", str(out)]
    for option in options:
        command += ["--set", option]
    with (out.parent / f"{out.name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def tables(out: Path) -> tuple[str, str]:
    return (out / "results.csv").read_text(), (out / "summary.csv").read_text()


def wait(ready: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 180
    while not ready():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def workers(out: Path) -> list[int]:
    found = subprocess.run(["pgrep", "-f", f"alloygan.sweeps.work {out}"], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


SLURM = ("launcher.kind=slurm", "launcher.cpus=1", "launcher.minutes=10")


@system
def test_the_launcher_keeps_the_contract(cluster: None) -> None:
    results = run_checks("launcher", "slurm", spec={"cpus": 1, "minutes": 5})
    assert not [one for one in results if one.status != "passed"], results


@system
def test_the_same_table_as_on_this_machine(
    cluster: None, zoo: Zoo, write: Callable[[str], Path], tmp_path: Path
) -> None:
    path, out = write(VARY), (tmp_path / "cluster").resolve()
    assert start(path, out, *SLURM).wait(400) == 0, (tmp_path / "cluster.log").read_text()
    assert start(path, tmp_path / "here", "launcher.threads=1").wait(400) == 0
    assert tables(out) == tables(tmp_path / "here")
    script = next((out / "launcher").glob("*.sh")).read_text()
    assert "#SBATCH --array=0-1" in script
    assert "#SBATCH --cpus-per-task=1" in script


@system
@pytest.mark.parametrize("victim", ["worker", "launcher"])
def test_after_a_kill_the_same_command_ends_with_the_same_table(
    cluster: None, zoo: Zoo, write: Callable[[str], Path], tmp_path: Path, victim: str
) -> None:
    path = write(VARY + "training: {images: 2000, checkpoint_every: 200}\n")
    out = (tmp_path / "cluster").resolve()
    launcher = start(path, out, *SLURM)
    wait(lambda: any(out.glob("cells/*/run/checkpoints/*")), "no cell trains")
    if victim == "worker":
        os.kill(workers(out)[0], signal.SIGKILL)
        assert launcher.wait(400) == 1, (tmp_path / "cluster.log").read_text()
    else:
        launcher.kill()
        launcher.wait()
    assert start(path, out, *SLURM).wait(400) == 0, (tmp_path / "cluster.log").read_text()
    assert start(path, tmp_path / "here", "launcher.threads=1").wait(400) == 0
    assert tables(out) == tables(tmp_path / "here")


@system
def test_interrupting_takes_the_tasks_out_of_the_queue(
    cluster: None, zoo: Zoo, write: Callable[[str], Path], tmp_path: Path
) -> None:
    path = write(VARY + "training: {images: 200000}\n")
    out = (tmp_path / "cluster").resolve()
    launcher = start(path, out, *SLURM)
    wait(lambda: workers(out), "no worker has started")
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(120) == 130
    wait(lambda: not workers(out), "workers go on after the interrupt")


@system
def test_what_slurm_refuses_is_told(cluster: None, tmp_path: Path) -> None:
    spec = load_zoo().spec_from_values({"kind": "slurm", "partition": "nowhere"}, "launcher")
    with pytest.raises(LaunchError, match="Slurm refused the job"):
        spec.build().submit([Task("one", ("true",), tmp_path / "log.txt")], tmp_path / "launcher")


def test_where_slurm_is_not_there_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    spec = load_zoo().spec_from_values({"kind": "slurm"}, "launcher")
    with pytest.raises(LaunchError, match="no sbatch on this machine"):
        spec.build().submit([Task("one", ("true",), tmp_path / "log.txt")], tmp_path / "launcher")
