"""The original losses against torch's cross entropy, the paper's optimum, and the gradients that tell them apart."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from alloygan import Loss, Site, Zoo

SITE = Site((1, 8, 8), 2, 3)
KINDS = ("minimax", "non_saturating")


def loss_of(zoo: Zoo, kind: str, **fields: object) -> Loss:
    built = zoo.spec_from_values({"kind": kind, **fields}, "loss").build(SITE)
    assert isinstance(built, Loss)
    return built


def step_of(real: Tensor, fake: Tensor) -> Any:
    return SimpleNamespace(real=SimpleNamespace(score=real), fake=SimpleNamespace(score=fake))


def scores(seed: int, count: int = 7) -> Tensor:
    return 3 * torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", [1.0, 0.9])
def test_the_critic_minimises_the_cross_entropy(zoo: Zoo, kind: str, target: float) -> None:
    real, fake = scores(0), scores(1)
    terms = loss_of(zoo, kind, real_target=target).critic(step_of(real, fake))
    expected = F.binary_cross_entropy_with_logits(real, torch.full_like(real, target))
    expected = expected + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    assert torch.allclose(terms.objective["critic"], expected)
    assert torch.allclose(terms.observed["real"], real.mean())
    assert torch.allclose(terms.observed["fake"], fake.mean())


def test_the_generator_has_the_papers_two_losses(zoo: Zoo) -> None:
    fake = scores(2)
    probability = torch.sigmoid(fake)
    minimax = loss_of(zoo, "minimax").generator(step_of(scores(3), fake)).objective["generator"]
    assert torch.allclose(minimax, torch.log(1 - probability).mean())
    other = loss_of(zoo, "non_saturating").generator(step_of(scores(3), fake)).objective["generator"]
    assert torch.allclose(other, -torch.log(probability).mean())


def test_minimax_is_a_zero_sum_game_in_the_generated_images(zoo: Zoo) -> None:
    loss, fake = loss_of(zoo, "minimax"), scores(4).requires_grad_()
    step = step_of(scores(5), fake)
    (of_critic,) = torch.autograd.grad(loss.critic(step).objective["critic"], fake)
    (of_generator,) = torch.autograd.grad(loss.generator(step).objective["generator"], fake)
    assert torch.allclose(of_critic, -of_generator)


@pytest.mark.parametrize("kind", KINDS)
def test_in_balance_the_critic_loses_log_four(zoo: Zoo, kind: str) -> None:
    balance = step_of(torch.zeros(5), torch.zeros(5))
    assert loss_of(zoo, kind).critic(balance).objective["critic"].item() == pytest.approx(math.log(4))


@pytest.mark.parametrize("target", [1.0, 0.8])
def test_the_critic_is_done_where_it_gives_real_images_the_target(zoo: Zoo, target: float) -> None:
    # Without generated images the cross entropy is least at D(x) = target, and for 1 at no finite score.
    real = torch.full((4,), math.log(target / (1 - target)) if target < 1 else 30.0, requires_grad=True)
    value = loss_of(zoo, "minimax", real_target=target).critic(step_of(real, torch.zeros(4))).objective["critic"]
    (gradient,) = torch.autograd.grad(value, real)
    assert torch.allclose(gradient, torch.zeros(4), atol=1e-6)


def test_only_minimax_saturates_where_the_critic_is_sure(zoo: Zoo) -> None:
    gradients = {}
    for kind in KINDS:
        fake = torch.full((1,), -20.0, requires_grad=True)
        value = loss_of(zoo, kind).generator(step_of(torch.zeros(1), fake)).objective["generator"]
        (gradients[kind],) = torch.autograd.grad(value, fake)
    assert abs(gradients["minimax"].item()) < 1e-8
    assert gradients["non_saturating"].item() == pytest.approx(-1)


@pytest.mark.parametrize("kind", KINDS)
def test_far_scores_are_exact(zoo: Zoo, kind: str) -> None:
    loss = loss_of(zoo, kind)
    wrong = step_of(torch.full((3,), -1000.0), torch.full((3,), 1000.0))
    assert loss.critic(wrong).objective["critic"].item() == 2000
    fooled = step_of(torch.zeros(3), torch.full((3,), -1000.0))
    assert loss.generator(fooled).objective["generator"].item() == {"minimax": 0, "non_saturating": 1000}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_batch_does_not_matter(zoo: Zoo, kind: str) -> None:
    loss, real, fake = loss_of(zoo, kind), scores(6), scores(7)
    one, other = step_of(real, fake), step_of(real.flip(0), fake.roll(2))
    assert torch.allclose(loss.critic(one).objective["critic"], loss.critic(other).objective["critic"])
    assert torch.allclose(loss.generator(one).objective["generator"], loss.generator(other).objective["generator"])


def test_smoothing_is_one_sided(zoo: Zoo) -> None:
    step = step_of(scores(8), scores(9))
    plain, smoothed = loss_of(zoo, "non_saturating"), loss_of(zoo, "non_saturating", real_target=0.9)
    assert torch.equal(plain.generator(step).objective["generator"], smoothed.generator(step).objective["generator"])
    difference = smoothed.critic(step).objective["critic"] - plain.critic(step).objective["critic"]
    assert torch.allclose(difference, 0.1 * step.real.score.mean())
