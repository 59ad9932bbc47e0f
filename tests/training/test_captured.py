"""A captured update makes the same weights as the eager one, bit for bit, and says what cannot be captured."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from torch import nn

from alloygan import Zoo, load_zoo, train
from alloygan.errors import SpecError, TrainingError
from alloygan.specs.gan import GanSpec
from alloygan.specs.optimizers import OptimizerSpec
from alloygan.testing.recorded_graphs import RecordedGraphs
from alloygan.training.optimizers import build_optimizer

from .test_processes import BASE, SPECS, split

LONG = ["training.images=192", "training.log_every=64", "training.checkpoint_every=96"]
EVERY = SPECS | {
    "lazy term": "losses: {r1: {kind: r1, every: 3}}\n",
    "falling rate": "training: {optimizer: {kind: adam, lr: 0.01}, lr_schedule: linear}\n",
    "moving average": "training: {optimizer: {kind: adamw, lr: 0.01}, ema: 0.9}\n",
}


def specs(zoo: Zoo, folder: Path, text: str, device: str) -> tuple[GanSpec, GanSpec]:
    """The spec eager and captured, in float32."""
    (folder / "0.yaml").write_text(BASE)
    parts = split(text)
    for number, part in enumerate(parts, start=1):
        (folder / f"{number}.yaml").write_text(f"extends: {number - 1}.yaml\n{part}")
    settings = [*LONG, "training.precision=fp32", f"training.device={device}"]
    last = folder / f"{len(parts)}.yaml"
    eager, captured = (zoo.read_spec(last, [*settings, *extra]) for extra in ([], ["training.cuda_graph=true"]))
    return eager, captured


def outcome(run: Path) -> tuple[bytes, bytes, list[dict[str, object]]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["images_per_s"]
    return (run / "generator.safetensors").read_bytes(), (run / "critic.safetensors").read_bytes(), lines


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> RecordedGraphs:
    """Captures by recording on the CPU; learning rates are tensors, as they are on a GPU."""
    graphs = RecordedGraphs()

    def with_tensors(
        spec: OptimizerSpec, parameters: Iterable[nn.Parameter], device: torch.device
    ) -> torch.optim.Optimizer:
        optimizer = build_optimizer(spec, parameters, device)
        for group in optimizer.param_groups:
            if group["fused"]:
                group["lr"] = torch.tensor(group["lr"])
        return optimizer

    monkeypatch.setattr("alloygan.training.loop.graphs_on", lambda device, group: graphs)
    monkeypatch.setattr("alloygan.training.state.build_optimizer", with_tensors)
    return graphs


@pytest.mark.parametrize("text", EVERY.values(), ids=EVERY.keys())
def test_recorded_and_replayed_it_makes_the_same_bits(
    text: str, zoo: Zoo, tmp_path: Path, recorded: RecordedGraphs
) -> None:
    eager, captured = specs(zoo, tmp_path, text, "auto")
    first = train(eager, tmp_path / "eager")
    second = train(captured, tmp_path / "captured")
    assert outcome(first) == outcome(second)
    assert recorded.captures == (3 if "every" in text else 1), "one for each set of losses that take part"
    assert recorded.replays >= (3 if "every" in text else 6)


@pytest.mark.parametrize("mode", ["precision=fp64", "precision=bf16", "channels_last=true"])
def test_in_other_modes_too(mode: str, zoo: Zoo, tmp_path: Path, recorded: RecordedGraphs) -> None:
    text = "losses: {contrastive: {kind: proportional_2c, alpha: learned}}\n"
    specs(zoo, tmp_path, text, "auto")
    last = [*LONG, "training.precision=fp32", "training.device=auto", f"training.{mode}", "training.log_every=32"]
    first = train(zoo.read_spec(tmp_path / "1.yaml", last), tmp_path / "eager")
    second = train(zoo.read_spec(tmp_path / "1.yaml", [*last, "training.cuda_graph=true"]), tmp_path / "captured")
    assert outcome(first) == outcome(second)
    assert recorded.captures == 1


def test_a_resumed_run_is_captured_again(zoo: Zoo, tmp_path: Path, recorded: RecordedGraphs) -> None:
    eager, captured = specs(zoo, tmp_path, EVERY["falling rate"], "auto")
    first = train(eager, tmp_path / "eager")
    train(captured, tmp_path / "captured", until=96)
    second = train(captured, tmp_path / "captured")
    assert outcome(first) == outcome(second)
    assert recorded.captures == 2


def test_a_number_of_python_s_is_noticed(
    zoo: Zoo, tmp_path: Path, recorded: RecordedGraphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorder sees what a GPU would do wrong: here a learning rate that is not on the device."""
    monkeypatch.setattr("alloygan.training.state.build_optimizer", build_optimizer)
    eager, captured = specs(zoo, tmp_path, EVERY["falling rate"], "auto")
    first = train(eager, tmp_path / "eager")
    second = train(captured, tmp_path / "captured")
    assert outcome(first) != outcome(second)


READS_BACK = """
from typing import Literal
from alloygan import Loss, LossSpec, Terms, hookimpl

class Reads(LossSpec):
    "Looks at a score on the host."
    kind: Literal["reads"] = "reads"
    def build(self, site):
        return ReadsLoss()

class ReadsLoss(Loss):
    def critic(self, step):
        return Terms({"critic": step.real.score.mean() * (2 if step.real.score.mean() > 0 else 1)})

@hookimpl
def alloygan_register_losses(register):
    register(Reads)
"""


def test_a_loss_that_reads_back_is_named(tmp_path: Path, recorded: RecordedGraphs) -> None:
    (tmp_path / "reads.py").write_text(READS_BACK)
    zoo = load_zoo([tmp_path / "reads.py"])
    _, captured = specs(zoo, tmp_path, "losses: {mine: reads}\n", "auto")
    with pytest.raises(TrainingError, match=r"cuda_graph: .* stopped in losses\.mine: "):
        train(captured, tmp_path / "captured")


COUNTS = """
from typing import Literal
from alloygan import Loss, LossSpec, Terms, hookimpl

class Counts(LossSpec):
    "Counts its updates on the host."
    kind: Literal["counts"] = "counts"
    def build(self, site):
        return CountsLoss()

class CountsLoss(Loss):
    updates = 0.0

    def critic(self, step):
        self.updates += 1.0
        return Terms({"critic": step.real.score.mean() / self.updates})

@hookimpl
def alloygan_register_losses(register):
    register(Counts)
"""


def test_a_loss_that_counts_in_python_is_refused(tmp_path: Path, recorded: RecordedGraphs) -> None:
    (tmp_path / "counts.py").write_text(COUNTS)
    zoo = load_zoo([tmp_path / "counts.py"])
    _, captured = specs(zoo, tmp_path, "losses: {mine: counts}\n", "auto")
    with pytest.raises(TrainingError, match=r"cuda_graph: .* another term mine\.critic .* Keep it in a buffer"):
        train(captured, tmp_path / "captured")


def test_without_a_gpu_it_is_refused(zoo: Zoo, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    _, captured = specs(zoo, tmp_path, SPECS["minimax"], "auto")
    with pytest.raises(SpecError, match=r"training\.cuda_graph: true: torch finds no CUDA device"):
        train(captured, tmp_path / "captured")
    assert not (tmp_path / "captured" / "spec.yaml").exists()
    with pytest.raises(SpecError, match="cuda_graph: true needs a GPU"):
        specs(zoo, tmp_path, SPECS["minimax"], "cpu")


@pytest.mark.gpu
@pytest.mark.parametrize("text", EVERY.values(), ids=EVERY.keys())
def test_on_cuda_it_makes_the_same_bits(text: str, zoo: Zoo, tmp_path: Path) -> None:
    eager, captured = specs(zoo, tmp_path, text, "cuda")
    assert outcome(train(eager, tmp_path / "eager")) == outcome(train(captured, tmp_path / "captured"))


DROPS = """
from typing import Literal

from torch.nn.functional import dropout

from alloygan import Loss, LossSpec, Terms, hookimpl


class Drops(LossSpec):
    "Drops scores."

    kind: Literal["drops"] = "drops"

    def build(self, site):
        return DropsLoss()


class DropsLoss(Loss):
    def critic(self, step):
        return Terms({"critic": dropout(step.real.score, 0.5).square().mean()})

    def generator(self, step):
        return Terms({"generator": dropout(step.fake.score, 0.5).square().mean()})


@hookimpl
def alloygan_register_losses(register):
    register(Drops)
"""


@pytest.mark.parametrize("until", [None, 96])
def test_what_draws_from_torch_s_own_generator_draws_the_same_again(
    until: int | None, tmp_path: Path, recorded: RecordedGraphs
) -> None:
    (tmp_path / "drops.py").write_text(DROPS)
    eager, captured = specs(load_zoo([tmp_path / "drops.py"]), tmp_path, "losses: {drops: drops}\n", "auto")
    torch.manual_seed(5)
    first = train(eager, tmp_path / "eager")
    after = torch.rand(())
    torch.manual_seed(6)
    assert outcome(first) == outcome(train(eager, tmp_path / "again"))
    train(captured, tmp_path / "captured", until=until)
    assert outcome(first) == outcome(train(captured, tmp_path / "captured"))
    assert recorded.captures == (1 if until is None else 2)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(())), "a training leaves the generator as it was"
