"""The relativistic pairing loss against its definition, and the short training of the shipped spec."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from alloygan import Loss, Site, Zoo, train


@pytest.fixture(scope="module")
def loss(zoo: Zoo) -> Loss:
    spec: Any = zoo.spec_from_values({"kind": "relativistic"}, "loss")
    assert spec.needs == {"real_in_generator_step"}
    built = spec.build(Site((1, 8, 8), 2, 3))
    assert isinstance(built, Loss)
    return built


def step_of(real: Tensor, fake: Tensor) -> Any:
    return SimpleNamespace(real=SimpleNamespace(score=real), fake=SimpleNamespace(score=fake))


def scores(seed: int, count: int = 7) -> Tensor:
    return 3 * torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def values(loss: Loss, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    step = step_of(real, fake)
    return loss.critic(step).objective["critic"], loss.generator(step).objective["generator"]


def test_equal_scores_lose_log_two(loss: Loss) -> None:
    same = scores(0)
    for value in values(loss, same, same):
        assert value.item() == pytest.approx(math.log(2))


def test_it_is_the_log_probability_that_real_beats_fake(loss: Loss) -> None:
    real, fake = scores(1), scores(2)
    critic, generator = values(loss, real, fake)
    assert torch.allclose(critic, -torch.log(torch.sigmoid(real - fake)).mean())
    assert torch.allclose(generator, -torch.log(torch.sigmoid(fake - real)).mean())


def test_critic_and_generator_are_mirrored(loss: Loss) -> None:
    real, fake = scores(3), scores(4)
    assert torch.equal(values(loss, real, fake)[0], values(loss, fake, real)[1])
    # softplus(t) − softplus(−t) = t: the two losses differ by the mean difference.
    critic, generator = values(loss, real, fake)
    assert torch.allclose(generator - critic, (real - fake).mean())
    observed = loss.critic(step_of(real, fake)).observed["score_difference"]
    assert torch.allclose(observed, (real - fake).mean())


def test_only_differences_count(loss: Loss) -> None:
    real, fake = scores(5), scores(6)
    for one, other in zip(values(loss, real, fake), values(loss, real + 8, fake + 8), strict=True):
        assert torch.allclose(one, other)


def test_pairs_may_come_in_any_order_but_stay_pairs(loss: Loss) -> None:
    real, fake = scores(7), scores(8)
    order = torch.tensor([4, 2, 6, 0, 1, 5, 3])
    for one, other in zip(values(loss, real, fake), values(loss, real[order], fake[order]), strict=True):
        assert torch.allclose(one, other)
    assert not torch.allclose(values(loss, real, fake)[0], values(loss, real, fake[order])[0])


def test_gradients_are_those_of_the_logistic_function(loss: Loss) -> None:
    real, fake = scores(9).requires_grad_(), scores(10).requires_grad_()
    critic, generator = values(loss, real, fake)
    of_real, of_fake = torch.autograd.grad(critic, (real, fake))
    expected = torch.sigmoid(fake - real) / len(real)
    assert torch.allclose(of_real, -expected)
    assert torch.allclose(of_fake, expected)
    (of_fake,) = torch.autograd.grad(generator, fake)
    assert torch.allclose(of_fake, -torch.sigmoid(real - fake) / len(real))


def test_far_scores_are_exact(loss: Loss) -> None:
    high, low = torch.full((3,), 500.0), torch.full((3,), -500.0)
    assert [value.item() for value in values(loss, high, low)] == [0, 1000]


def test_the_shipped_spec_takes_steps_with_both_penalties(zoo: Zoo, tmp_path: Path) -> None:
    smaller = ["data.runs=2", "data.evaluation_runs=1", "data.size=32", "data.composition=[0.4, 0.6]"]
    smaller += ["training.images=16", "training.batch_size=8", "training.log_every=8", "training.device=cpu"]
    run = train(zoo.read_spec("zoo:r3gan", smaller), tmp_path / "run")
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    for name in ("adversarial.critic", "adversarial.generator", "real_gradient.critic", "fake_gradient.critic"):
        assert name in lines[-1]
