"""Components of hard shapes can be written outside the core: each is one file, trains, and does what its paper says."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from alloygan import (
    Batch,
    Condition,
    Critic,
    CriticStep,
    Critique,
    GeneratorStep,
    Patches,
    Site,
    Terms,
    Zoo,
    load_zoo,
    train,
)
from alloygan.assembler import assemble
from alloygan.errors import SpecError
from alloygan.interfaces.step import ExtraForward
from alloygan.testing import conformance_tests

HARD = Path(__file__).parents[1] / "third_party" / "hard_shapes"
BATCH, UPDATES = 6, 2

test_relativistic = conformance_tests("loss", "hard_relativistic", plugins=[HARD / "relativistic.py"])
test_gradient_penalty = conformance_tests("loss", "hard_gradient_penalty", plugins=[HARD / "gradient_penalty.py"])
test_auxiliary_classifier = conformance_tests(
    "loss", "hard_auxiliary_classifier", plugins=[HARD / "auxiliary_classifier.py"]
)
test_vicinal_hinge = conformance_tests("loss", "hard_vicinal_hinge", plugins=[HARD / "vicinal.py"])
test_vicinal = conformance_tests("sampler", "hard_vicinal", plugins=[HARD / "vicinal.py"])
test_projection = conformance_tests(
    "critic", "sn_projection", spec={"conditioner": "one_hot"}, plugins=[HARD / "projection_critic.py"]
)
test_projection_of_values = conformance_tests(
    "critic", "sn_projection", spec={"conditioner": "continuous_mlp"}, plugins=[HARD / "projection_critic.py"]
)


def zoo_of(*names: str) -> tuple[Zoo, ModuleType]:
    """A zoo with these plugin files, and the module of the first."""
    zoo = load_zoo([HARD / f"{name}.py" for name in names])
    return zoo, sys.modules[f"alloygan_file_plugin_{names[0]}"]


def spec_text(losses: str, *, critic: str = "{kind: dcgan_contrastive, width: 4}", **training: str) -> str:
    more = "".join(f", {key}: {value}" for key, value in training.items())
    return (
        "name: hard\n"
        "data: {kind: spinodal, composition: [0.3, 0.4, 0.6], time: [5.0], runs: 4, evaluation_runs: 1, size: 16}\n"
        f"generator: {{kind: dcgan_attention, width: 4, noise: 8, conditioner: continuous_mlp}}\ncritic: {critic}\n"
        f"losses: {losses}\n"
        f"training: {{images: {BATCH * UPDATES}, batch_size: {BATCH}, critic_updates: 1, log_every: {BATCH}, "
        f"device: cpu{more}}}\n"
    )


Trained = tuple[Any, Mapping[str, Any], list[CriticStep], list[GeneratorStep]]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trained]:
    """Train a spec, and give it back with the last checkpoint's state and the steps that a class of losses saw."""

    def trained(zoo: Zoo, text: str, watched: type[Any]) -> Trained:
        critic_steps: list[CriticStep] = []
        generator_steps: list[GeneratorStep] = []
        critic, generator = watched.critic, watched.generator

        def watch_critic(self: Any, step: CriticStep) -> Terms:
            critic_steps.append(step)
            return critic(self, step)

        def watch_generator(self: Any, step: GeneratorStep) -> Terms:
            generator_steps.append(step)
            return generator(self, step)

        monkeypatch.setattr(watched, "critic", watch_critic)
        monkeypatch.setattr(watched, "generator", watch_generator)
        file = tmp_path / "hard.yaml"
        file.write_text(text)
        spec = zoo.read_spec(file)
        run = train(spec, tmp_path / "run")
        assert len(critic_steps) == len(generator_steps) == UPDATES
        state = torch.load(max((run / "checkpoints").glob("*.pt")), weights_only=True)["state"]
        return spec, state, critic_steps, generator_steps

    return trained


def start_of(spec: Any) -> dict[str, dict[str, Tensor]]:
    """The parts' states before training."""
    gan = assemble(spec, spec.data.condition_space(spec.conditions))
    parts = {"generator": gan.generator, "critic": gan.critic} | {f"losses.{n}": p for n, p in gan.losses.items()}
    return {name: {key: value.clone() for key, value in part.state_dict().items()} for name, part in parts.items()}


def condition_of(count: int) -> Condition:
    return Condition(torch.rand(count, 1), torch.full((count,), -1, dtype=torch.int64))


# Relativistic --------------------------------------------------------------------------------------------------------


def test_a_relativistic_generator_step_sees_the_critique_of_real_images(trained: Callable[..., Trained]) -> None:
    zoo, module = zoo_of("relativistic")
    _, _, critic_steps, generator_steps = trained(
        zoo, spec_text("{adversarial: hard_relativistic}"), module.RelativisticLoss
    )
    for step in generator_steps:
        assert step.real is not None
        assert step.real.score.shape == (BATCH,)
    # The images are those of the critic's update, judged by a critic that has moved since.
    for before, after in zip(critic_steps, generator_steps, strict=True):
        assert torch.equal(before.real_images, after.real_images)
        assert after.real is not None
        assert not torch.equal(before.real.score, after.real.score)


def test_without_a_relativistic_loss_real_images_are_not_judged_again(trained: Callable[..., Trained]) -> None:
    zoo, module = zoo_of("vicinal")
    *_, generator_steps = trained(zoo, spec_text("{adversarial: hard_vicinal_hinge}"), module.VicinalHingeLoss)
    assert [step.real for step in generator_steps] == [None] * UPDATES


def test_the_relativistic_value_is_that_of_the_pairs() -> None:
    _, module = zoo_of("relativistic")
    real, fake = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 3.0, 0.5])
    step: Any = StepOf(real=Critique(real), fake=Critique(fake))
    loss = module.RelativisticLoss()
    by_hand = torch.log1p(torch.exp(torch.tensor([-1.0, 5.0, 0.0]))).mean()
    assert torch.allclose(loss.critic(step).objective["critic"], by_hand)
    by_hand = torch.log1p(torch.exp(torch.tensor([1.0, -5.0, 0.0]))).mean()
    assert torch.allclose(loss.generator(step).objective["generator"], by_hand)


class StepOf:
    """Just those parts of a step that a hand computation needs."""

    def __init__(self, **parts: Any) -> None:
        vars(self).update(parts)


# Gradient penalty ----------------------------------------------------------------------------------------------------


class LinearCritic(Critic):
    """score = ⟨w, x⟩: the gradient is w, wherever the image."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return Critique((images * self.weight).sum(dim=(1, 2, 3)))


class SquareCritic(LinearCritic):
    """score = ‖x‖²/2: the gradient is x itself, so the penalty tells where the interpolates lie."""

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return Critique(0.5 * images.square().sum(dim=(1, 2, 3)))


def penalty_of(critic: Critic, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    _, module = zoo_of("gradient_penalty")
    condition = condition_of(len(real))
    step: Any = StepOf(
        real_images=real,
        fake_images=fake,
        real_condition=condition,
        critic=ExtraForward(critic),
        random=torch.Generator().manual_seed(5),
    )
    terms = module.GradientPenaltyLoss(1.0).critic(step)
    return terms.objective["critic"], terms.observed["gradient_norm"]


def test_the_penalty_of_a_linear_critic_is_known() -> None:
    weight = torch.zeros(1, 4, 4)
    weight[0, 0, :2] = torch.tensor([3.0, 4.0])
    critic = LinearCritic(weight)
    penalty, norm = penalty_of(critic, torch.rand(5, 1, 4, 4), torch.rand(5, 1, 4, 4))
    assert norm == pytest.approx(5.0)
    assert penalty.item() == pytest.approx(16.0)
    penalty.backward()
    # d/dw (‖w‖ − 1)² = 2 (‖w‖ − 1) w/‖w‖
    assert torch.allclose(critic.weight.grad[0, 0, :2], 8 * torch.tensor([0.6, 0.8]))  # type: ignore[index]


def test_interpolates_lie_between_real_and_fake_with_a_share_of_their_own() -> None:
    real, fake = torch.full((64, 1, 1, 1), 1.0), torch.full((64, 1, 1, 1), 3.0)
    penalty, norm = penalty_of(SquareCritic(torch.zeros(())), real, fake)
    share = torch.rand(64, 1, 1, 1, generator=torch.Generator().manual_seed(5)).flatten()
    assert torch.allclose(penalty, (2 * share).square().mean())
    assert norm.item() == pytest.approx(float((1 + 2 * share).mean()))


def test_the_penalty_leaves_running_statistics_alone(trained: Callable[..., Trained]) -> None:
    zoo, module = zoo_of("gradient_penalty")
    losses = "{adversarial: {kind: wgan, clip: 0}, penalty: hard_gradient_penalty}"
    spec, state, *_ = trained(zoo, spec_text(losses), module.GradientPenaltyLoss)
    counts = {name: int(value) for name, value in state["critic"].items() if name.endswith("num_batches_tracked")}
    # Real and fake in the critic's step, fake in the generator's: three forwards an update, and none for the penalty.
    assert counts
    assert set(counts.values()) == {3 * UPDATES}
    before = start_of(spec)["critic"]
    assert any(not torch.equal(before[name], state["critic"][name]) for name in before if name.endswith("weight"))


# Auxiliary classifier ------------------------------------------------------------------------------------------------


def test_the_head_trains_with_the_critic_and_is_not_clipped(trained: Callable[..., Trained]) -> None:
    zoo, module = zoo_of("auxiliary_classifier")
    losses = "{adversarial: {kind: wgan, clip: 0.002}, classes: hard_auxiliary_classifier}"
    spec, state, *_ = trained(zoo, spec_text(losses), module.AuxiliaryClassifierLoss)
    before, head = start_of(spec)["losses.classes"], state["losses.classes"]
    assert head["head.weight"].shape == (3, 64)  # three conditions, and the embedding of the paper's critic
    for name in ("head.weight", "head.bias"):
        moved = (head[name] - before[name]).abs().max()
        assert 0 < moved < 0.1, name
        assert head[name].abs().max() > 0.01, name
    gan = assemble(spec, spec.data.condition_space(spec.conditions))
    for name, _ in gan.critic.named_parameters():
        assert state["critic"][name].abs().max() <= 0.002 + 1e-9, name


def test_the_head_starts_from_its_own_name_alone() -> None:
    zoo, _ = zoo_of("auxiliary_classifier")
    values = {
        "name": "start",
        "data": {"kind": "spinodal", "composition": [0.4, 0.6], "time": [5.0], "size": 16},
        "generator": {"kind": "dcgan_attention", "width": 4, "noise": 8},
        "critic": {"kind": "dcgan_contrastive", "width": 4},
        "losses": {"adversarial": "wgan", "classes": "hard_auxiliary_classifier"},
        "training": {"images": 4},
    }
    alone = values | {"losses": {"classes": "hard_auxiliary_classifier"}}
    one, other = (start_of(zoo.spec_from_values(v))["losses.classes"] for v in (values, alone))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Vicinal -------------------------------------------------------------------------------------------------------------


def test_real_images_are_judged_under_the_target_condition(trained: Callable[..., Trained]) -> None:
    zoo, module = zoo_of("vicinal")
    text = spec_text(
        "{adversarial: hard_vicinal_hinge}",
        critic="{kind: dcgan_contrastive, width: 4, conditioner: continuous_mlp}",
        sampler="{kind: hard_vicinal, noise: 0.1, vicinity: 0.2}",
    )
    _, _, critic_steps, generator_steps = trained(zoo, text, module.VicinalHingeLoss)
    for step in (*critic_steps, *generator_steps):
        assert step.real_condition is step.batch.target_condition
        own, target = step.batch.own_condition.values, step.batch.target_condition.values
        assert not torch.equal(own, target)
        assert bool((step.batch.target_condition.label == -1).all())
        assert bool((step.batch.own_condition.label >= 0).all())
        weight = step.batch.weight
        assert torch.allclose(weight, torch.exp(-(((own - target).norm(dim=1) / 0.2) ** 2)))
        assert bool((weight < 1).any())


def patches_of(values: Tensor) -> Patches:
    images = torch.arange(len(values), dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2).contiguous()
    return Patches(images, Condition(values, torch.arange(len(values))), torch.arange(len(values)))


def test_real_images_come_from_the_vicinity_of_the_target() -> None:
    zoo, _ = zoo_of("vicinal")
    values = torch.linspace(0, 1, 21)[:, None]
    site: Any = None
    spec = zoo.spec_from_values(
        {"kind": "hard_vicinal", "noise": 0.02, "vicinity": 0.11, "weighting": "hard"}, "sampler"
    )
    batch: Batch = spec.build(patches_of(values), site, 0).draw(400, 0)
    apart = (batch.own_condition.values - batch.target_condition.values).abs().squeeze(1)
    # A target beyond the last value by more than the radius takes the nearest image.
    assert bool((apart <= 0.11 + 1e-6).all())
    assert len(apart[apart > 0.05]) > 50
    assert torch.equal(batch.weight, torch.ones(400))
    far = zoo.spec_from_values({"kind": "hard_vicinal", "noise": 0.001, "vicinity": 0.0001}, "sampler")
    batch = far.build(patches_of(values), site, 0).draw(50, 0)
    assert bool(((batch.own_condition.values - batch.target_condition.values).abs() < 0.01).all())


def test_the_vicinal_hinge_counts_each_image_by_its_weight() -> None:
    _, module = zoo_of("vicinal")
    images = torch.zeros(3, 1, 2, 2)
    batch = Batch(images, condition_of(3), condition_of(3), torch.tensor([1.0, 0.5, 0.0]))
    step: Any = StepOf(
        batch=batch, real=Critique(torch.tensor([0.0, -1.0, -9.0])), fake=Critique(torch.tensor([-2.0, 0.0, 1.0]))
    )
    # real: (1·1 + 0.5·2 + 0·10)/1.5; fake: (0 + 1 + 2)/3
    value = module.VicinalHingeLoss().critic(step).objective["critic"]
    assert value.item() == pytest.approx(2 / 1.5 + 1)


# Projection ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conditioner", ["one_hot", "continuous_mlp"])
def test_a_projection_critic_trains_with_losses_that_need_embeddings(
    conditioner: str, trained: Callable[..., Trained]
) -> None:
    zoo, _ = zoo_of("projection_critic", "relativistic")
    losses = "{adversarial: hard_relativistic, contrastive: contragan_2c, distance: proportional_2c}"
    text = spec_text(losses, critic=f"{{kind: sn_projection, width: 4, conditioner: {conditioner}}}")
    watched = sys.modules["alloygan_file_plugin_relativistic"].RelativisticLoss
    spec, state, critic_steps, _ = trained(zoo, text, watched)
    for step in critic_steps:
        assert step.real.image_embedding is not None
        assert step.real.condition_embedding is not None
        assert step.real.image_embedding.shape == step.real.condition_embedding.shape == (BATCH, 16)
    before = start_of(spec)["critic"]
    moved = [name for name in before if not torch.equal(before[name], state["critic"][name])]
    assert any(name.startswith("conditioner.") for name in moved)


def test_the_projection_score_is_linear_in_the_condition_embedding() -> None:
    zoo, _ = zoo_of("projection_critic")
    spec = zoo.spec_from_values({"kind": "sn_projection", "width": 4, "conditioner": "continuous_mlp"}, "critic")
    critic = spec.build(Site((1, 16, 24), 1, 0)).eval()
    images, one, other = torch.rand(5, 1, 16, 24), condition_of(5), condition_of(5)
    with torch.no_grad():
        first, second = critic(images, one), critic(images, other)
    assert torch.equal(first.image_embedding, second.image_embedding)
    assert not torch.equal(first.score, second.score)
    projected = (first.image_embedding * (first.condition_embedding - second.condition_embedding)).sum(dim=1)
    assert torch.allclose(first.score - second.score, projected, atol=1e-5)


def test_a_loss_that_the_critic_cannot_serve_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    zoo, _ = zoo_of("auxiliary_classifier", "projection_critic")
    file = tmp_path / "hard.yaml"
    file.write_text(
        spec_text(
            "{classes: hard_auxiliary_classifier}", critic="{kind: sn_projection, conditioner: continuous_mlp}"
        ).replace("runs: 4", "runs: 4, design: random")
    )
    with pytest.raises(SpecError, match=r"losses.classes: hard_auxiliary_classifier needs an id .* proportional_2c"):
        zoo.read_spec(file)
