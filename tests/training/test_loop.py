"""What the loop promises to losses, and what it does when something goes wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch

from alloygan import Critic, CriticStep, GeneratorStep, Loss, LossSpec, Site, Terms, Zoo, load_zoo, train
from alloygan.data.patches import Data
from alloygan.errors import TrainingError
from alloygan.specs.gan import GanSpec
from alloygan.training import loop as loop_module

Tiny = Callable[..., GanSpec]


class Spy(LossSpec):
    """Records what a loss sees."""

    kind: Literal["spy"] = "spy"
    explode_at: int = 10**9

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"real_in_generator_step"})

    def build(self, site: Site) -> "SpyLoss":
        return SpyLoss(self.explode_at)


class SpyLoss(Loss):
    def __init__(self, explode_at: int) -> None:
        super().__init__()
        self.explode_at = explode_at
        self.factor = torch.nn.Parameter(torch.ones(()))
        self.steps: list[CriticStep | GeneratorStep] = []

    def critic(self, step: CriticStep) -> Terms:
        self.steps.append(step)
        bad = step.images_seen >= self.explode_at
        return Terms({"critic": torch.where(bad, torch.nan, self.factor.square()) + 0 * step.real.score.sum()})

    def generator(self, step: GeneratorStep) -> Terms:
        self.steps.append(step)
        return Terms({"generator": 0 * step.fake.score.sum()}, {"seen": step.images_seen})


@pytest.fixture
def with_spy(zoo: Zoo) -> Zoo:
    own = load_zoo()
    own.registries["loss"].register(Spy, origin="tests:spy")
    return own


def test_the_loop_is_one_readable_file() -> None:
    assert len(Path(loop_module.__file__).read_text().splitlines()) < 250


def test_what_a_loss_sees(tiny: Tiny, tiny_data: Data, with_spy: Zoo, tmp_path: Path) -> None:
    values = tiny({"images": 16}).model_dump(mode="json")
    values["losses"]["spy"] = {"kind": "spy"}
    spec = with_spy.spec_from_values(values)
    built: list[SpyLoss] = []
    original = Spy.build

    def build(self: Spy, site: Site) -> SpyLoss:
        assert site.critic_outputs["image_embedding"] == (8,)
        built.append(original(self, site))
        return built[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Spy, "build", build)
        train(spec, tmp_path / "run", data=tiny_data)
    steps = built[0].steps
    assert [type(step).__name__ for step in steps] == ["CriticStep", "CriticStep", "GeneratorStep"] * 2
    assert [int(step.images_seen) for step in steps if isinstance(step, CriticStep)] == [0, 4, 8, 12]
    critic_step, generator_step = steps[0], steps[2]
    assert not critic_step.fake_images.requires_grad
    assert critic_step.real_images.shape == (4, 1, 16, 16)
    assert generator_step.real is not None
    assert generator_step.fake_images.requires_grad
    # Each critic update has a fresh batch and fresh noise.
    assert not torch.equal(steps[0].fake_images, steps[1].fake_images)
    # The loss's own parameter is trained with the critic, and not clipped with it.
    assert built[0].factor.item() != 1
    assert built[0].factor.item() > 0.009


def test_an_extra_forward_leaves_the_running_statistics(tiny: Tiny, tiny_data: Data) -> None:
    from alloygan import assemble
    from alloygan.interfaces.step import ExtraForward

    gan = assemble(tiny(), tiny_data.space)
    condition = tiny_data.train.condition[:4]
    images = torch.randn(4, 1, 16, 16)
    before = {name: buffer.clone() for name, buffer in gan.critic.named_buffers()}
    extra = ExtraForward(gan.critic)(images, condition)
    assert all(torch.equal(buffer, before[name]) for name, buffer in gan.critic.named_buffers())
    assert torch.equal(extra.score, gan.critic(images, condition).score)
    assert not all(torch.equal(buffer, before[name]) for name, buffer in gan.critic.named_buffers())
    extra.score.sum().backward()
    assert all(p.grad is not None for p in gan.critic.score.parameters())  # type: ignore[union-attr]


def test_a_non_finite_term_stops_the_run_and_names_itself(
    tiny: Tiny, tiny_data: Data, with_spy: Zoo, tmp_path: Path
) -> None:
    values = tiny().model_dump(mode="json")
    values["losses"]["spy"] = {"kind": "spy", "explode_at": 60}
    with pytest.raises(TrainingError) as caught:
        train(with_spy.spec_from_values(values), tmp_path / "run", data=tiny_data)
    message = str(caught.value)
    assert "spy.critic" in message
    assert "after 60 images" in message
    assert "000000000032.pt" in message
    assert caught.value.exit_code == 1
    # Nothing after the last good checkpoint was written.
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoints").glob("*.pt")) == ["000000000032.pt"]
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert all(json.loads(line)["images"] <= 64 for line in lines)


def test_clipping_follows_the_optimiser_s_step(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    """No critic parameter is ever outside the clip when the generator meets it."""
    largest: list[float] = []
    original = Critic.__call__

    def spy(self: Critic, images: torch.Tensor, condition: object) -> object:
        largest.append(max(p.detach().abs().max().item() for p in self.parameters()))
        return original(self, images, condition)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Critic, "__call__", spy)
        train(tiny({"images": 24, "optimizer": {"kind": "sgd", "lr": 1.0}}), tmp_path / "run", data=tiny_data)
    # The first calls see the initial weights (assembly, the first critic update), every later one clipped ones.
    assert max(largest[4:]) <= 0.009 + 1e-9
    assert max(largest[:2]) > 0.009


def test_removing_a_part_does_not_move_another_s_start(tiny: Tiny, tiny_data: Data) -> None:
    from alloygan import assemble

    one = assemble(tiny(), tiny_data.space)
    other = assemble(
        tiny(generator={"kind": "dcgan_attention", "width": 4, "noise": 6, "attention": False}), tiny_data.space
    )
    assert torch.equal(one.generator.linear.weight, other.generator.linear.weight)  # type: ignore[union-attr, arg-type]
    assert all(torch.equal(p, q) for p, q in zip(one.critic.parameters(), other.critic.parameters(), strict=True))
    state = torch.random.get_rng_state()
    assemble(tiny(), tiny_data.space)
    assert torch.equal(state, torch.random.get_rng_state())


def test_ema_and_schedule(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    from alloygan.training.optimizers import lr_factor

    spec = tiny({"lr_schedule": "linear", "decay_from": 0.5})
    assert [lr_factor(spec.training, share) for share in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]
    spec = tiny({"ema": 0.0})
    run = train(spec, tmp_path / "run", data=tiny_data)
    newest = sorted((run / "checkpoints").glob("*.pt"))[-1]
    state = torch.load(newest, weights_only=True)["state"]
    assert all(torch.equal(state["ema"][key], value) for key, value in state["generator"].items())
