"""Several processes that share a batch make the update that one process with all of it makes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from alloygan import Zoo, assemble, train
from alloygan.data.held_out import condition_space_of
from alloygan.errors import DataError
from alloygan.training.checkpoint import newest_checkpoint
from alloygan.training.processes import Processes

from .several_processes import run

BASE = """
name: shared
data: {kind: spinodal, composition: [0.35, 0.5, 0.65], time: [5, 10], size: 32, patch: 16, runs: 2, evaluation_runs: 1,
  cache: simulations}
conditions: [{name: composition}, {name: time, scale: log}]
generator: {kind: dcgan_attention, conditioner: continuous_mlp, injection: film, width: 4, noise: 6, output_norm: false}
critic: {kind: dcgan_contrastive, conditioner: continuous_mlp, width: 4, norm: spectral, embedding: 8,
  projection_hidden: 8}
losses: {adversarial: hinge}
training: {images: 48, batch_size: 8, critic_updates: 2, optimizer: {kind: sgd, lr: 0.05}, ema: 0.5, precision: fp64,
  synchronise_batch_norm: true, device: cpu, log_every: 16, checkpoint_every: 48}
"""
ONE_HOT = "generator: {conditioner: one_hot}\ncritic: {conditioner: one_hot}\n"
EQ_1 = "{kind: proportional_2c, label_distance: fixed, relative: true, anchored: true, alpha: 1.0}"
# Whatever can differ between a part of the batch and all of it: losses over pairs, penalties, heads, unused heads,
# batch norm in the critic, augmentation of generated images, weights of a vicinal sampler, fused optimisers that go by
# memory.
SPECS = {
    "paper": ONE_HOT + "critic: {norm: batch}\nlosses: {adversarial: wgan, contrastive: contragan_2c}\n",
    "wgan with an unused head": "critic: {norm: batch}\nlosses: {adversarial: {kind: wgan, clip: 0}}\n",
    "eq. 1 learned": "losses: {contrastive: {kind: proportional_2c, alpha: learned}}\n",
    "eq. 1 anchored": f"losses: {{contrastive: {EQ_1}}}\n",
    "penalties": "critic: {norm: none}\n"
    "losses: {adversarial: {kind: wgan, clip: 0}, gp: gradient_penalty, r1: r1, r2: r2}\n",
    "penalty alone": "critic: {norm: none}\nlosses: {adversarial: null, gp: gradient_penalty}\n",
    "relativistic": "losses: {adversarial: relativistic}\n",
    "minimax": "losses: {adversarial: minimax}\n",
    "non-saturating, classifier": ONE_HOT + "losses: {adversarial: non_saturating, classes: auxiliary_classifier}\n",
    "vicinal": "losses: {adversarial: vicinal_hinge}\ntraining: {sampler: {kind: vicinal, vicinity: soft}}\n",
    "channels last": "training: {channels_last: true, optimizer: {kind: adam, lr: 0.01, eps: 0.01}}\n",
    "augmented": "training: {augment: {kind: diffaugment, first: d4}, sampler: balanced}\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    (folder / "base.yaml").write_text(BASE)
    for number, text in enumerate(SPECS.values()):
        # Keys that a spec has twice are laid one over the other.
        parts = [
            f"extends: {'base' if i == 0 else f'{number}-{i - 1}'}.yaml\n{part}" for i, part in enumerate(split(text))
        ]
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            (folder / (f"{number}.yaml" if last else f"{number}-{i}.yaml")).write_text(part)
    return folder


def split(text: str) -> list[str]:
    """The lines of a spec in files that have each key once."""
    files: list[dict[str, str]] = [{}]
    for line in text.splitlines():
        key = line.split(":")[0]
        if key in files[-1]:
            files.append({})
        files[-1][key] = line
    return ["\n".join(one.values()) + "\n" for one in files]


@pytest.fixture(scope="module")
def alone(folder: Path, zoo: Zoo) -> dict[str, dict[str, Any]]:
    """Trained in this process, with all of each batch."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for number in range(len(SPECS)):
            train(zoo.read_spec(folder / f"{number}.yaml"), folder / f"{number}-alone")
    finally:
        torch.set_num_threads(before)
    return {name: state(folder / f"{number}-alone") for number, name in enumerate(SPECS)}


@pytest.fixture(scope="module", params=[2, 4])
def shared(folder: Path, alone: dict[str, dict[str, Any]], request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """Trained by several processes."""
    count = request.param
    runs = {folder / f"{number}.yaml": folder / f"{number}-{count}" for number in range(len(SPECS))}
    for process in run(runs, count):
        assert process.returncode == 0, process.stderr[-3000:]
    return {name: state(folder / f"{number}-{count}") for number, name in enumerate(SPECS)}


def state(out: Path) -> dict[str, Any]:
    found = newest_checkpoint(out / "checkpoints")
    assert found is not None
    return {**found[1]["state"], "metrics": (out / "metrics.jsonl").read_text()}


def tensors(state: dict[str, Any]) -> dict[str, Tensor]:
    parts = {name: part for name, part in state.items() if "optimizer" not in name and name != "metrics"}
    return {f"{name}.{key}": value for name, part in parts.items() for key, value in part.items()}


@pytest.mark.parametrize("name", SPECS)
def test_the_update_is_that_of_one_process(
    name: str, folder: Path, alone: dict[str, dict[str, Any]], shared: dict[str, dict[str, Any]], zoo: Zoo
) -> None:
    """Three generator updates, by plain gradient descent but for one: what moves a weight is the sum of gradients."""
    number = list(SPECS).index(name)
    start = untrained(zoo, folder / f"{number}.yaml")
    one, several = tensors(alone[name]), tensors(shared[name])
    assert one.keys() == several.keys()
    moved = 0.0
    for key, value in one.items():
        if not value.is_floating_point():
            assert torch.equal(value, several[key]), key
            continue
        change = float((value - start[key]).norm())
        moved += change
        rounding = 1e-13 * float(value.norm())
        assert float((several[key] - value).norm()) <= 1e-6 * change + rounding, key
    assert moved > 1e-3


def untrained(zoo: Zoo, path: Path) -> dict[str, Tensor]:
    """Every weight before the first update."""
    spec = zoo.read_spec(path)
    gan = assemble(spec, condition_space_of(spec))
    # The moving average starts where the generator does.
    parts = {"generator": gan.generator, "critic": gan.critic, "ema": gan.generator}
    parts |= {f"losses.{n}": one for n, one in gan.losses.items()}
    return {f"{name}.{key}": value.double() for name, part in parts.items() for key, value in part.state_dict().items()}


@pytest.mark.parametrize("name", SPECS)
def test_what_is_logged_is_of_the_whole_batch(
    name: str, alone: dict[str, dict[str, Any]], shared: dict[str, dict[str, Any]]
) -> None:
    for mine, other in zip(*(x[name]["metrics"].splitlines() for x in (alone, shared)), strict=True):
        first, second = json.loads(mine), json.loads(other)
        for kind in ("terms", "observed"):
            assert first[kind].keys() == second[kind].keys()
            for key, value in first[kind].items():
                assert second[kind][key] == pytest.approx(value, rel=1e-6, abs=1e-9), key


@pytest.mark.slow
def test_compiled_networks_share_a_batch_too(folder: Path, alone: dict[str, dict[str, Any]]) -> None:
    number = list(SPECS).index("eq. 1 learned")
    (folder / "compiled.yaml").write_text(f"extends: {number}.yaml\ntraining: {{compile: nets}}\n")
    for process in run({folder / "compiled.yaml": folder / "compiled"}, 2, timeout=600):
        assert process.returncode == 0, process.stderr[-3000:]
    one, several = tensors(alone["eq. 1 learned"]), tensors(state(folder / "compiled"))
    for key, value in one.items():
        torch.testing.assert_close(
            several[key], value, rtol=1e-6, atol=1e-9, msg=lambda text, key=key: f"{key}: {text}"
        )


def test_what_a_data_set_leaves_is_made_by_the_first_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for rank, expected in ((0, ["build", "wait"]), (1, ["wait", "build"])):
        done: list[str] = []
        monkeypatch.setattr(Processes, "wait", lambda self, done=done: done.append("wait"))
        with Processes(rank, 2).first_alone():
            done.append("build")
        assert done == expected
        with pytest.raises(DataError), Processes(rank, 2).first_alone():
            raise DataError("the disk is full")
        assert done.count("wait") == 2, "the others are not left waiting"
        with Processes(rank, 2).first_alone(False):
            pass
        assert done.count("wait") == 2
