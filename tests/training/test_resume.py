"""A run that is cut off anywhere and resumed ends with the bits of an uninterrupted one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from alloygan import Zoo, load_zoo, train
from alloygan.data.patches import Data
from alloygan.errors import RunFolderError
from alloygan.specs.gan import GanSpec
from alloygan.training.loop import Progress
from alloygan.training.run_folder import RunFolder, to_yaml

Tiny = Callable[..., GanSpec]

OPTIMIZERS = {
    "rmsprop": {"kind": "rmsprop", "lr": 0.001, "momentum": 0.5},
    "adam": {"kind": "adam", "lr": 0.001, "betas": [0.5, 0.9]},
    "adamw": {"kind": "adamw", "lr": 0.001},
    "sgd": {"kind": "sgd", "lr": 0.01, "momentum": 0.9, "nesterov": True},
}
LOSSES = [entry.kind for entry in load_zoo().registries["loss"]]


class CutOffError(Exception):
    """Stands for the end of the process."""


def cut_off_at(images: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.images_seen >= images:
            raise CutOffError

    return report


def final_state(run: Path) -> dict[str, torch.Tensor]:
    newest = sorted((run / "checkpoints").glob("*.pt"))[-1]
    loaded = torch.load(newest, weights_only=True)

    def tensors(value: object, path: str = "") -> dict[str, torch.Tensor]:
        if isinstance(value, torch.Tensor):
            return {path: value}
        if isinstance(value, (dict, list, tuple)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            return {k: v for key, inner in items for k, v in tensors(inner, f"{path}.{key}").items()}
        return {}

    return tensors(loaded["state"])


def assert_same_bits(one: Path, other: Path) -> None:
    assert (one / "generator.safetensors").read_bytes() == (other / "generator.safetensors").read_bytes()
    left, right = final_state(one), final_state(other)
    assert left.keys() == right.keys()
    for name, tensor in left.items():
        assert torch.equal(tensor, right[name]), name

    def lines(run: Path) -> list[dict[str, object]]:
        read = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return [{key: value for key, value in line.items() if key != "images_per_s"} for line in read]

    assert lines(one) == lines(other)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_each_optimiser_resumes_bit_for_bit(
    tiny: Tiny, tiny_data: Data, tmp_path: Path, optimizer: dict[str, object]
) -> None:
    spec = tiny({"optimizer": optimizer, "lr_schedule": "cosine"})
    train(spec, tmp_path / "whole", data=tiny_data)
    for moment in (40, 72):  # after the checkpoints at 32 and 64
        with pytest.raises(CutOffError):
            train(spec, tmp_path / "cut", data=tiny_data, report=cut_off_at(moment))
    train(spec, tmp_path / "cut", data=tiny_data)
    assert_same_bits(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_resumes_bit_for_bit(tiny: Tiny, tiny_data: Data, tmp_path: Path, loss: str) -> None:
    losses = {"adversarial": {"kind": "wgan"}, "other": {"kind": loss, "every": 2}}
    spec = tiny({"optimizer": OPTIMIZERS["adam"]}, losses=losses)
    train(spec, tmp_path / "whole", data=tiny_data)
    with pytest.raises(CutOffError):
        train(spec, tmp_path / "cut", data=tiny_data, report=cut_off_at(56))
    train(spec, tmp_path / "cut", data=tiny_data)
    assert_same_bits(tmp_path / "whole", tmp_path / "cut")


def test_the_seed_matters(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    for seed in (0, 1):
        train(tiny({"seed": seed}), tmp_path / str(seed), data=tiny_data)
    with pytest.raises(AssertionError):
        assert_same_bits(tmp_path / "0", tmp_path / "1")


@pytest.mark.timeout(300)
def test_killed_processes_resume_bit_for_bit(tiny: Tiny, tmp_path: Path) -> None:
    """SIGKILL at several moments of a real `alloygan train`, then the same command again."""
    spec = tiny({"images": 256, "checkpoint_every": 24})
    (tmp_path / "spec.yaml").write_text(to_yaml(spec.model_dump(mode="json")))

    def command(out: str) -> list[str]:
        return [sys.executable, "-m", "alloygan", "train", str(tmp_path / "spec.yaml"), "--out", str(tmp_path / out)]

    env = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    subprocess.run(command("whole"), check=True, env=env, capture_output=True)
    metrics, kills = tmp_path / "cut" / "metrics.jsonl", 0
    for wanted in (2, 5, 9):  # lines of metrics after which to kill
        process = subprocess.Popen(command("cut"), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if metrics.is_file() and len(metrics.read_bytes().splitlines()) >= wanted:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
        process.wait(timeout=60)
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 2, "the processes ended before they could be killed"
    subprocess.run(command("cut"), check=True, env=env, capture_output=True)
    assert_same_bits(tmp_path / "whole", tmp_path / "cut")


def test_a_broken_checkpoint_is_passed_over(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    spec = tiny()
    train(spec, tmp_path / "whole", data=tiny_data)
    with pytest.raises(CutOffError):
        train(spec, tmp_path / "cut", data=tiny_data, report=cut_off_at(72))
    newest = sorted((tmp_path / "cut" / "checkpoints").glob("*.pt"))[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    train(spec, tmp_path / "cut", data=tiny_data)
    assert_same_bits(tmp_path / "whole", tmp_path / "cut")


def test_a_finished_run_is_left_as_it_is(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "run", data=tiny_data)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    train(tiny(), tmp_path / "run", data=tiny_data)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_another_spec_is_refused_with_the_differences(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "run", data=tiny_data)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = tiny({"batch_size": 8}, losses={"adversarial": {"kind": "wgan"}})
    with pytest.raises(RunFolderError) as caught:
        train(other, tmp_path / "run", data=tiny_data)
    message = str(caught.value)
    assert "training.batch_size: 4 there, 8 now" in message
    assert "losses.contrastive.kind: contragan_2c there, (absent) now" in message
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_folder_that_is_no_run_is_refused(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunFolderError, match="no run"):
        train(tiny(), tmp_path, data=tiny_data)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_one_process_at_a_time(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    def again(progress: Progress) -> None:
        with pytest.raises(RunFolderError, match="another process"):
            train(tiny(), tmp_path / "run", data=tiny_data)
        raise CutOffError

    with pytest.raises(CutOffError):
        train(tiny(), tmp_path / "run", data=tiny_data, report=again)


def test_reading_the_resolved_spec_gives_the_same_spec(tiny: Tiny, tiny_data: Data, zoo: Zoo, tmp_path: Path) -> None:
    spec = tiny()
    run = train(spec, tmp_path / "run", data=tiny_data)
    assert zoo.read_spec(run / "spec.yaml") == spec


def test_a_run_without_a_checkpoint_takes_another_spec(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    """It was killed early, or could not be trained: the cure is not refused."""
    run = tmp_path / "run"
    RunFolder(run).check(tiny({"seed": 1}))
    run.mkdir()
    RunFolder(run).start(tiny({"seed": 1}), torch.device("cpu"))
    train(tiny({"seed": 2, "images": 32}), run, data=tiny_data)
    assert "seed: 2" in (run / "spec.yaml").read_text()
    with pytest.raises(RunFolderError, match=r"training\.seed: 2 there, 1 now"):
        train(tiny({"seed": 1, "images": 32}), run, data=tiny_data)
