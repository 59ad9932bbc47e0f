"""R1 and R2 against critics whose gradients are known, autograd image by image, and each other."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from alloygan import Condition, Critic, Critique, Loss, Zoo
from alloygan.interfaces.step import ExtraForward
from alloygan.layers.initialisation import build_seeded

from ..known_critics import SITE, Linear, condition_of, images_of

KINDS = ("r1", "r2")


class Quadratic(Critic):
    """y₀ ‖x‖²/2, whose gradient is y₀ x: tells at which images and under which condition the penalty is taken."""

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return Critique(0.5 * condition.values[:, 0] * images.square().sum(dim=(1, 2, 3)))


def step_of(critic: Critic, count: int = 5) -> Any:
    return SimpleNamespace(
        real_images=images_of(count, 1),
        fake_images=images_of(count, 2),
        real_condition=condition_of(count, 3),
        batch=SimpleNamespace(target_condition=condition_of(count, 4)),
        critic=ExtraForward(critic),
    )


def loss_of(zoo: Zoo, kind: str) -> Loss:
    built = zoo.spec_from_values({"kind": kind}, "loss").build(SITE)
    assert isinstance(built, Loss)
    return built


@pytest.mark.parametrize("kind", KINDS)
def test_gamma_is_the_weight(zoo: Zoo, kind: str) -> None:
    spec: Any = zoo.spec_from_values({"kind": kind}, "loss")
    assert spec.weight == 10
    assert spec.needs == {"second_order"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_penalty_of_a_linear_critic_is_half_its_square(zoo: Zoo, kind: str) -> None:
    critic = Linear(images_of(1, 0)[0])
    terms = loss_of(zoo, kind).critic(step_of(critic))
    assert torch.allclose(terms.objective["critic"], 0.5 * critic.weight.square().sum())
    assert torch.allclose(terms.observed["gradient_norm"], critic.weight.norm())
    terms.objective["critic"].backward()  # type: ignore[no-untyped-call]
    # d/dw ‖w‖²/2 = w: the half makes γ the strength of a spring.
    assert critic.weight.grad is not None
    assert torch.allclose(critic.weight.grad, critic.weight)


def test_each_is_taken_at_its_own_images_and_condition(zoo: Zoo) -> None:
    step = step_of(Quadratic())
    at = {
        "r1": (step.real_images, step.real_condition),
        "r2": (step.fake_images, step.batch.target_condition),
    }
    for kind, (images, condition) in at.items():
        squared = (condition.values[:, :1] * images.flatten(1)).square().sum(dim=1)
        terms = loss_of(zoo, kind).critic(step)
        assert torch.allclose(terms.objective["critic"], 0.5 * squared.mean()), kind
        assert torch.allclose(terms.observed["gradient_norm"], squared.sqrt().mean()), kind


@pytest.mark.parametrize("kind", KINDS)
def test_the_images_of_the_step_are_left_alone(zoo: Zoo, kind: str) -> None:
    step = step_of(Quadratic())
    loss_of(zoo, kind).critic(step)
    assert not step.real_images.requires_grad
    assert not step.fake_images.requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_a_critic_that_says_nothing_has_a_finite_gradient(zoo: Zoo, kind: str) -> None:
    critic = Linear(torch.zeros(SITE.image_shape))
    value = loss_of(zoo, kind).critic(step_of(critic)).objective["critic"]
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == 0
    assert critic.weight.grad is not None
    assert not critic.weight.grad.any()


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_it_is_the_mean_over_single_images(zoo: Zoo, spectral_norm: bool) -> None:
    spec: Any = zoo.spec_from_values(
        {"kind": "projection", "width": 2, "embedding": 3, "spectral_norm": spectral_norm}, "critic"
    )
    # In eval mode, as each forward in training mode goes on with the power iteration.
    critic = build_seeded(0, "critic", lambda: spec.build(SITE)).eval()
    step = step_of(critic)
    alone = []
    for i in range(5):
        image = step.real_images[i : i + 1].clone().requires_grad_()
        critic(image, step.real_condition[torch.tensor([i])]).score.sum().backward()
        alone.append(image.grad.square().sum())
    value = loss_of(zoo, "r1").critic(step).objective["critic"]
    assert torch.allclose(value, 0.5 * torch.stack(alone).mean(), rtol=1e-4)


def test_power_iteration_stays_where_it_was(zoo: Zoo) -> None:
    spec: Any = zoo.spec_from_values({"kind": "projection", "width": 2, "embedding": 3}, "critic")
    critic = build_seeded(0, "critic", lambda: spec.build(SITE)).train()
    before = {name: buffer.clone() for name, buffer in critic.named_buffers()}
    assert any("_u" in name for name in before)
    step = step_of(critic)
    values = [loss_of(zoo, kind).critic(step).objective["critic"] for kind in KINDS]
    torch.stack(values).sum().backward()  # type: ignore[no-untyped-call]
    assert all(torch.equal(buffer, before[name]) for name, buffer in critic.named_buffers())
    # Neither the score's offset nor the heads for contrastive losses change with the image.
    reached = {name for name, parameter in critic.named_parameters() if parameter.grad is not None}
    assert any(name.startswith("features.0") for name in reached)
    assert any(name.startswith("condition.") for name in reached)
    assert not [name for name in reached if name == "score.bias" or name.startswith(("projection.", "proxy."))]


def test_the_order_of_the_batch_does_not_matter(zoo: Zoo) -> None:
    step = step_of(Quadratic())
    order = torch.tensor([3, 1, 4, 0, 2])
    turned = SimpleNamespace(
        real_images=step.real_images[order],
        fake_images=step.fake_images[order],
        real_condition=step.real_condition[order],
        batch=SimpleNamespace(target_condition=step.batch.target_condition[order]),
        critic=step.critic,
    )
    for kind in KINDS:
        loss: Any = loss_of(zoo, kind)
        assert torch.allclose(loss.critic(step).objective["critic"], loss.critic(turned).objective["critic"]), kind
