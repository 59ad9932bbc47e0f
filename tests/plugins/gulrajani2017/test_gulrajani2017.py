"""The gradient penalty against critics whose gradients are known, finite differences, and the critics of the zoo."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from alloygan import Batch, Condition, Critic, CriticStep, Critique, Loss, Site, Zoo
from alloygan.interfaces.step import ExtraForward
from alloygan.layers.initialisation import build_seeded

from ..known_critics import SITE, Linear, condition_of, images_of


class Quadratic(Critic):
    """‖x‖²/2, whose gradient is x: the penalty tells where the points lie."""

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return Critique(0.5 * images.square().sum(dim=(1, 2, 3)))


class ByCondition(Critic):
    """y₀ Σ x, whose gradient has the norm |y₀| for images of one pixel."""

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return Critique(condition.values[:, 0] * images.sum(dim=(1, 2, 3)))


def step_of(critic: Critic, real: Tensor, fake: Tensor, seed: int = 5) -> Any:
    own, target = condition_of(len(real)), condition_of(len(real), 1)
    unused: Any = None
    return CriticStep(
        batch=Batch(real, own, target, torch.ones(len(real))),
        fake_images=fake,
        real=unused,
        fake=unused,
        real_condition=own,
        critic=ExtraForward(critic),
        random=torch.Generator().manual_seed(seed),
        images_seen=torch.zeros((), dtype=torch.int64),
    )


def loss_of(zoo: Zoo, **fields: object) -> Loss:
    built = zoo.spec_from_values({"kind": "gradient_penalty", **fields}, "loss").build(SITE)
    assert isinstance(built, Loss)
    return built


def test_the_weight_is_the_papers_by_default(zoo: Zoo) -> None:
    spec: Any = zoo.spec_from_values({"kind": "gradient_penalty"}, "loss")
    assert spec.weight == 10
    assert spec.needs == {"second_order"}


@pytest.mark.parametrize(
    ("fields", "norm", "penalty"),
    [
        ({}, 5.0, 16.0),
        ({}, 0.25, 0.5625),
        ({"target": 3.0}, 5.0, 4.0),
        ({"target": 0.0}, 5.0, 25.0),
        ({"one_sided": True}, 5.0, 16.0),
        ({"one_sided": True}, 0.25, 0.0),
    ],
)
def test_the_penalty_of_a_linear_critic(zoo: Zoo, fields: dict[str, object], norm: float, penalty: float) -> None:
    direction = images_of(1, 3)[0]
    critic = Linear(direction * norm / direction.norm())
    terms = loss_of(zoo, **fields).critic(step_of(critic, images_of(6, 1), images_of(6, 2)))
    assert terms.objective["critic"].item() == pytest.approx(penalty, abs=1e-5)
    assert terms.observed["gradient_norm"].item() == pytest.approx(norm, rel=1e-5)
    terms.objective["critic"].backward()  # type: ignore[no-untyped-call]
    # d/dw (‖w‖ − t)² = 2 (‖w‖ − t) w/‖w‖
    slope = 2 * (norm - float(fields.get("target", 1.0)))  # type: ignore[arg-type]
    expected = (slope if penalty else 0.0) * direction / direction.norm()
    assert torch.allclose(critic.weight.grad, expected, atol=1e-4)  # type: ignore[arg-type]


def test_points_are_uniform_between_a_real_and_a_generated_image(zoo: Zoo) -> None:
    real, fake = torch.full((4096, 1, 1, 1), 3.0), torch.full((4096, 1, 1, 1), 1.0)
    terms = loss_of(zoo).critic(step_of(Quadratic(), real, fake))
    share = torch.rand(4096, 1, 1, 1, generator=torch.Generator().manual_seed(5))
    # x̂ = ε x + (1 − ε) G(z) = 1 + 2 ε, and the gradient is x̂.
    assert torch.allclose(terms.objective["critic"], (2 * share).square().mean())
    assert terms.objective["critic"].item() == pytest.approx(4 / 3, rel=0.05)
    assert terms.observed["gradient_norm"].item() == pytest.approx(2, rel=0.05)


def test_a_point_is_on_the_line_and_not_in_the_box(zoo: Zoo) -> None:
    # With a share for each pixel the mean norm of x̂ would be about that of the box's points.
    real, fake = torch.zeros(64, 1, 16, 16), images_of(64, 4)
    terms = loss_of(zoo, target=0.0).critic(step_of(Quadratic(), real, fake))
    share = torch.rand(64, 1, 1, 1, generator=torch.Generator().manual_seed(5)).flatten()
    expected = ((1 - share) * fake.flatten(1).norm(dim=1)).square().mean()
    assert torch.allclose(terms.objective["critic"], expected)


def test_points_are_judged_under_the_condition_of_the_real_image(zoo: Zoo) -> None:
    real, fake = torch.rand(5, 1, 1, 1), torch.rand(5, 1, 1, 1)
    step = step_of(ByCondition(), real, fake)
    terms = loss_of(zoo).critic(step)
    assert torch.allclose(terms.objective["critic"], (step.real_condition.values[:, 0] - 1).square().mean())


def test_a_critic_that_says_nothing_has_a_finite_gradient(zoo: Zoo) -> None:
    critic = Linear(torch.zeros(SITE.image_shape))
    value = loss_of(zoo).critic(step_of(critic, images_of(3, 1), images_of(3, 2))).objective["critic"]
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == 1
    assert critic.weight.grad is not None
    assert torch.isfinite(critic.weight.grad).all()


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_the_critics_gradient_is_that_of_finite_differences(zoo: Zoo, spectral_norm: bool) -> None:
    """The whole chain in float64: the norm by differences in every pixel, its change by differences in a weight."""
    spec: Any = zoo.spec_from_values(
        {"kind": "projection", "width": 2, "embedding": 3, "projection_hidden": 4, "spectral_norm": spectral_norm},
        "critic",
    )
    # In eval mode, as each forward in training mode goes on with the power iteration.
    critic = build_seeded(0, "critic", lambda: spec.build(Site((1, 8, 8), 2, 3))).double().eval()
    condition = condition_of(2)
    condition = Condition(condition.values.double(), condition.label)
    real, fake = (images_of(2, seed)[:, :, :8, :8].double() for seed in (1, 2))
    loss = loss_of(zoo)

    def penalty() -> Tensor:
        step = replace(step_of(critic, real, fake), real_condition=condition)
        return loss.critic(step).objective["critic"]

    share = torch.rand(2, 1, 1, 1, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    between, small = share * real + (1 - share) * fake, 1e-6
    slopes = torch.zeros(2, 64, dtype=torch.float64)
    with torch.no_grad():
        for pixel in range(64):
            shift = torch.zeros(64, dtype=torch.float64)
            shift[pixel] = small
            up, down = (critic(between + sign * shift.view(1, 1, 8, 8), condition).score for sign in (1, -1))
            slopes[:, pixel] = (up - down) / (2 * small)
    value = penalty()
    assert torch.allclose(value, (slopes.norm(dim=1) - 1).square().mean(), rtol=1e-6)

    value.backward()  # type: ignore[no-untyped-call]
    weight = next(parameter for name, parameter in critic.named_parameters() if name.startswith("features.0"))
    for parameter in (weight, critic.score.parametrizations.weight.original if spectral_norm else critic.score.weight):
        assert parameter.grad is not None
        index = int(parameter.grad.abs().argmax())
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.view(-1)[index] += sign * small
            values.append(penalty().item())
            with torch.no_grad():
                parameter.view(-1)[index] -= sign * small
        difference = (values[0] - values[1]) / (2 * small)
        assert parameter.grad.view(-1)[index].item() == pytest.approx(difference, rel=1e-4)


def test_power_iteration_stays_where_it_was(zoo: Zoo) -> None:
    spec: Any = zoo.spec_from_values({"kind": "projection", "width": 2, "embedding": 3}, "critic")
    critic = build_seeded(0, "critic", lambda: spec.build(SITE)).train()
    before = {name: buffer.clone() for name, buffer in critic.named_buffers()}
    assert any("_u" in name for name in before)
    value = loss_of(zoo).critic(step_of(critic, images_of(4, 1), images_of(4, 2))).objective["critic"]
    value.backward()  # type: ignore[no-untyped-call]
    assert all(torch.equal(buffer, before[name]) for name, buffer in critic.named_buffers())
