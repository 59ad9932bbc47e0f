"""Ablations on a real Slurm of one node, started by the test (marker system)."""

import signal
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
from .processes import ends, kill, start, tables, until, workers

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


WORKER = "alloygan.sweeps.work"
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
    assert ends(start("ablate", path, out, *SLURM), out) == 0
    assert ends(start("ablate", path, tmp_path / "here", "launcher.threads=1"), tmp_path / "here") == 0
    assert tables(out) == tables(tmp_path / "here")
    assert "#SBATCH --array=0-1%2" in next((out / "launcher").glob("*.sh")).read_text()
    script = next((out / "launcher").glob("*.sh")).read_text()
    assert "#SBATCH --cpus-per-task=1" in script


@system
@pytest.mark.parametrize("victim", ["worker", "launcher"])
def test_after_a_kill_the_same_command_ends_with_the_same_table(
    cluster: None, zoo: Zoo, write: Callable[[str], Path], tmp_path: Path, victim: str
) -> None:
    path = write(VARY + "training: {images: 2000, checkpoint_every: 200}\n")
    out = (tmp_path / "cluster").resolve()
    launcher = start("ablate", path, out, *SLURM)
    until(lambda: any(out.glob("cells/*/run/checkpoints/*")), "no cell trains")
    if victim == "worker":
        kill(workers(WORKER, out)[0])
        assert ends(launcher, out) == 1
    else:
        launcher.kill()
        launcher.wait()
    assert ends(start("ablate", path, out, *SLURM), out) == 0
    assert ends(start("ablate", path, tmp_path / "here", "launcher.threads=1"), tmp_path / "here") == 0
    assert tables(out) == tables(tmp_path / "here")


@system
def test_interrupting_takes_the_tasks_out_of_the_queue(
    cluster: None, zoo: Zoo, write: Callable[[str], Path], tmp_path: Path
) -> None:
    path = write(VARY + "training: {images: 200000}\n")
    out = (tmp_path / "cluster").resolve()
    launcher = start("ablate", path, out, *SLURM)
    until(lambda: workers(WORKER, out), "no worker has started")
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(300) == 130
    until(lambda: not workers(WORKER, out), "workers go on after the interrupt")


@system
def test_a_search_runs_on_it(cluster: None, search_file: Path, tmp_path: Path) -> None:
    options = [f"search.{one}" for one in (*SLURM, "trials=2", "random_trials=2", "looks=[]")]
    out = (tmp_path / "search").resolve()
    assert ends(start("tune", search_file, out, *options), out) == 0
    assert (out / "best.yaml").is_file()
    assert list((out / "logs").glob("*.txt"))


@system
@pytest.mark.slow
def test_a_task_whose_time_is_up_is_queued_again(cluster: None, tmp_path: Path) -> None:
    """Slurm counts in minutes, so this takes some."""
    starts = tmp_path / "starts"
    code = (
        f"import time; from pathlib import Path; starts = Path({str(starts)!r}); again = starts.exists(); "
        "starts.open('a').write('x'); time.sleep(0 if again else 900)"
    )
    spec = load_zoo().spec_from_values({"kind": "slurm", "cpus": 1, "minutes": 2, "jobs": 1}, "launcher")
    launcher = spec.build()
    launcher.submit([Task("long", (sys.executable, "-c", code), tmp_path / "log.txt")], tmp_path / "launcher")
    end = time.monotonic() + 550
    while launcher.poll()["long"] != "ended":
        assert time.monotonic() < end
        time.sleep(1)
    assert starts.read_text() == "xx"


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
