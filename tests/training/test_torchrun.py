"""Trainings that several processes share, from the command line: started, killed, gone on with, refused."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from alloygan import Zoo, train
from alloygan.training.checkpoint import newest_checkpoint
from alloygan.training.torchrun import REFUSAL, leave_refusal, refused_already

from .several_processes import run
from .test_processes import BASE, tensors

TIME_LIMIT = 300.0

DIES_ONCE = '''
import os
from pathlib import Path
from typing import Literal
from alloygan import Loss, LossSpec, Terms, hookimpl


class DiesOnce(LossSpec):
    """Kills the second process in the middle of the training, once."""

    kind: Literal["dies_once"] = "dies_once"
    marker: str

    @property
    def over(self):
        return "images"

    def build(self, site):
        return DiesOnceLoss(self.marker)


class DiesOnceLoss(Loss):
    def __init__(self, marker):
        super().__init__()
        self.marker = Path(marker)

    def critic(self, step):
        if os.environ.get("RANK") == "1" and int(step.images_seen) == 48 and not self.marker.exists():
            self.marker.touch()
            os._exit(9)
        return Terms({"critic": 0 * step.real.score.mean()})


@hookimpl
def alloygan_register_losses(register):
    register(DiesOnce)
'''
DRIFTS = '''
import os
from typing import Literal
from alloygan import Loss, LossSpec, Terms, hookimpl


class Drifts(LossSpec):
    """Changes a weight in one process and not in the other."""

    kind: Literal["drifts"] = "drifts"

    def build(self, site):
        return DriftsLoss()


class DriftsLoss(Loss):
    def critic(self, step):
        return Terms({"critic": 0 * step.real.score.mean()})

    def after_critic_update(self, critic):
        if os.environ.get("RANK") == "1":
            next(critic.parameters()).data.add_(1e-3)


@hookimpl
def alloygan_register_losses(register):
    register(Drifts)
'''


def write(folder: Path, text: str) -> Path:
    (folder / "base.yaml").write_text(BASE)
    path = folder / "spec.yaml"
    path.write_text("extends: base.yaml\n" + text)
    return path


def command(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alloygan", *map(str, words)], capture_output=True, text=True, timeout=TIME_LIMIT
    )


@pytest.mark.parametrize(
    "contrastive",
    ["", "losses: {contrastive: {kind: proportional_2c, alpha: 1.0}}\n"],
    ids=["noticed in the gradient", "noticed in a loss"],
)
def test_a_killed_process_starts_again_and_the_training_ends_as_it_would_have(
    contrastive: str, zoo: Zoo, tmp_path: Path
) -> None:
    (tmp_path / "dies_once.py").write_text(DIES_ONCE)
    marker = tmp_path / "dead"
    text = "training: {images: 96, checkpoint_every: 16, keep_checkpoints: 9}\n"
    plain = write(tmp_path, text + contrastive)
    # Before the contrastive loss, in which the other one then waits for this one's part.
    spec = plain.with_name("dies.yaml")
    spec.write_text(
        f"extends: base.yaml\n{text}losses: {{dies: {{kind: dies_once, marker: {marker}}}"
        + (", contrastive: {kind: proportional_2c, alpha: 1.0}}\n" if contrastive else "}\n")
    )
    done = command("train", spec, "--out", tmp_path / "run", "--processes", 2, "--plugin", tmp_path / "dies_once.py")
    assert done.returncode == 0, done.stderr[-3000:]
    assert marker.exists()
    assert done.stdout.count("trained:") == 1, "the first process speaks for all"
    images = [json.loads(line)["images"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert images == sorted(set(images))
    assert "plugin" not in done.stderr
    train(zoo.read_spec(plain), tmp_path / "alone")
    same_weights(tmp_path / "run", tmp_path / "alone")


def test_a_run_goes_on_with_another_number_of_processes(zoo: Zoo, tmp_path: Path) -> None:
    spec = write(tmp_path, "training: {images: 96, checkpoint_every: 16}\n")
    read = zoo.read_spec(spec)
    train(read, tmp_path / "alone")
    train(read, tmp_path / "run", until=32)
    for process in run({spec: tmp_path / "run"}, 2):
        assert process.returncode == 0, process.stderr[-3000:]
    same_weights(tmp_path / "run", tmp_path / "alone")


def same_weights(one: Path, other: Path) -> None:
    found = [newest_checkpoint(path / "checkpoints") for path in (one, other)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0][1]["images_seen"] == found[1][1]["images_seen"] == 96
    first, second = (tensors(content[1]["state"]) for content in found if content is not None)
    for key, value in second.items():
        if value.is_floating_point():
            torch.testing.assert_close(first[key], value, rtol=1e-8, atol=1e-12, msg=key)


def test_a_batch_that_cannot_be_shared_is_refused_before_anything_starts(tmp_path: Path) -> None:
    spec = write(tmp_path, "training: {batch_size: 8}\n")
    done = command("train", spec, "--out", tmp_path / "run", "--processes", 3)
    assert done.returncode == 2
    assert "8 images cannot be shared by 3 processes; take a multiple of 3, such as 9" in " ".join(done.stderr.split())
    assert not (tmp_path / "run").exists()
    assert command("train", spec, "--out", tmp_path / "run", "--processes", 0).returncode == 2


@pytest.mark.parametrize(
    ("setting", "code", "said"),
    [
        ("training.compile=step", 2, "training.compile: step: 2 processes"),
        ("training.optimizer.lr=3e38", 1, "became non-finite"),
    ],
)
def test_what_a_process_refuses_is_told_once_and_not_tried_again(
    setting: str, code: int, said: str, tmp_path: Path
) -> None:
    spec = write(tmp_path, "training: {keep_checkpoints: 2}\n")
    done = command("train", spec, "--out", tmp_path / "run", "--processes", 2, "--set", setting)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("error:") == 1, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_message_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not leave_refusal("alone", 2)
    assert not refused_already()
    monkeypatch.setenv(REFUSAL, str(tmp_path / "refusal.json"))
    assert not refused_already()
    assert leave_refusal("first", 2)
    assert leave_refusal("second", 1)
    assert refused_already()
    assert '"first"' in (tmp_path / "refusal.json").read_text()


@pytest.mark.parametrize("batch_norm", ["spectral", "batch"])
def test_weights_that_drift_apart_stop_the_training(tmp_path: Path, batch_norm: str) -> None:
    (tmp_path / "drifts.py").write_text(DRIFTS)
    spec = write(tmp_path, f"losses: {{drifts: drifts}}\ncritic: {{norm: {batch_norm}}}\n")
    ended = run({spec: tmp_path / "run"}, 2, plugins=[tmp_path / "drifts.py"])
    assert {process.returncode for process in ended} == {2}, "".join(process.stderr[-3000:] for process in ended)
    assert all("is not the same in all 2 processes after 48 images" in process.stderr for process in ended)
    assert not list((tmp_path / "run" / "checkpoints").glob("*.pt"))


def test_statistics_of_their_own_are_those_of_the_first_in_what_is_kept(tmp_path: Path) -> None:
    """Without synchronised batch norm each process has its own running statistics; a resumed run must have one set."""
    spec = write(tmp_path, "training: {synchronise_batch_norm: false}\ncritic: {norm: batch}\n")
    for process in run({spec: tmp_path / "run"}, 2):
        assert process.returncode == 0, process.stderr[-3000:]
    found = newest_checkpoint(tmp_path / "run" / "checkpoints")
    assert found is not None
    assert all(value.isfinite().all() for value in tensors(found[1]["state"]).values())


def test_two_machines_train_one_model(zoo: Zoo, tmp_path: Path) -> None:
    """Two of torch's launchers, as on two machines, with a process each; the weights are those of one process."""
    spec = write(tmp_path, "training: {keep_checkpoints: 2}\n")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    launcher = [
        sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1",
        "--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", "two",
        "--local-addr", "127.0.0.1", "-m", "alloygan", "train", str(spec), "--out", str(tmp_path / "both"),
    ]  # fmt: skip
    environment = os.environ | {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1", "OMP_NUM_THREADS": "1"}
    machines = [subprocess.Popen(launcher, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        said = [machine.communicate(timeout=240)[1] for machine in machines]
    finally:
        for machine in machines:
            machine.kill()
    assert [machine.returncode for machine in machines] == [0, 0], said
    train(zoo.read_spec(spec), tmp_path / "alone")
    both, alone = (load_file(tmp_path / run / "generator.safetensors") for run in ("both", "alone"))
    for name, tensor in alone.items():
        torch.testing.assert_close(both[name], tensor, rtol=1e-6, atol=1e-9)
