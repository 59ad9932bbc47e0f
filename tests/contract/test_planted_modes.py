"""Planted parts that work until a training is computed in another way: each fails by the mode that it would break."""

from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from alloygan import (
    Augmenter,
    AugmenterSpec,
    Condition,
    Conditioner,
    ConditionerSpec,
    Critic,
    CriticStep,
    Critique,
    Generator,
    GeneratorStep,
    Loss,
    Site,
    Terms,
)
from alloygan.testing import run_checks
from alloygan.testing.stand_in_networks import (
    StandInConditioner,
    StandInCritic,
    StandInCriticSpec,
    StandInGenerator,
    StandInGeneratorSpec,
    StandInLoss,
)

from .planting import failures, zoo_with
from .test_planted_losses import loss_spec

LAST = "computes_the_same_with_channels_last"
DOUBLE = "computes_in_float64"
HALF = "computes_in_bfloat16"


class ViewsImages(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        apart = step.real_images.reshape(len(step.fake_images), -1) - step.fake_images.view(len(step.fake_images), -1)
        return Terms({"critic": -step.real.score.mean() + apart.square().mean() * step.fake.score.mean()})


class ViewsGradients(StandInLoss):
    """A gradient penalty as it is often written."""

    def critic(self, step: CriticStep) -> Terms:
        images = step.fake_images.detach().requires_grad_()
        score = step.critic(images, step.batch.target_condition).score
        (gradient,) = torch.autograd.grad(score.sum(), images, create_graph=True)
        norm = gradient.view(len(images), -1).norm(2, dim=1)
        return Terms({"critic": (norm - 1).square().mean() - step.real.score.mean()})


class DrawsInTheOrderOfMemory(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        noise = torch.empty_like(step.fake_images).normal_(generator=step.random)
        first = (noise * step.fake_images)[:, 0].mean()
        return Terms({"critic": -step.real.score.mean() * (1 + first)})


class Flattens(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        apart = step.real_images.flatten(1) - step.fake_images.reshape(len(step.fake_images), -1)
        return Terms({"critic": -step.real.score.mean() + apart.square().mean() * step.fake.score.mean()})


class ComputesInFloat32(StandInLoss):
    def generator(self, step: GeneratorStep) -> Terms:
        return Terms({"generator": -step.fake.score.float().mean()})


class MixesTypes(StandInLoss):
    def generator(self, step: GeneratorStep) -> Terms:
        weights = torch.ones(len(step.fake.score), device=step.fake.score.device)
        return Terms({"generator": -(weights @ step.fake.score) / len(weights)})


class TakesGreyImages(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        assert step.fake_images.shape[1] == 1
        return super().critic(step)


@pytest.mark.parametrize(
    ("loss", "check", "words"),
    [
        (ViewsImages, LAST, "Use reshape() or flatten() in place of view()"),
        (ViewsGradients, LAST, "Use reshape() or flatten() in place of view()"),
        (DrawsInTheOrderOfMemory, LAST, "the order in memory"),
        (ComputesInFloat32, DOUBLE, "generator(step)'s term generator is torch.float32"),
        (MixesTypes, DOUBLE, "`dtype=` of an input"),
    ],
)
def test_a_loss_that_breaks_in_a_mode_is_told(loss: type[Loss], check: str, words: str) -> None:
    needs = frozenset({"second_order"}) if loss is ViewsGradients else frozenset()
    found = failures("loss", loss_spec(loss, needs=needs))
    assert set(found) == {check}, found
    assert words in found[check]
    assert {LAST: "training.channels_last", DOUBLE: "training.precision: fp64"}[check] in found[check]


def test_a_loss_that_flattens_passes() -> None:
    assert failures("loss", loss_spec(Flattens)) == {}


def test_a_loss_of_grey_images_is_not_tried_with_channels_last() -> None:
    spec = loss_spec(TakesGreyImages)
    found = {result.check: result for result in run_checks("loss", "planted", zoo=zoo_with("loss", spec))}
    assert found[LAST].status == "not applicable"
    assert "several channels" in found[LAST].message
    assert not [result for result in found.values() if result.status == "failed"]


class ViewsFeatures(StandInCritic):
    """Works until its convolution is computed with channels last, with grey images too."""

    def __init__(self, spec: StandInCriticSpec, site: Site) -> None:
        super().__init__(spec, site)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 1)

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        features = self.second(self.convolution(images))
        means = features.view(len(images), -1).view(len(images), 8, -1).square().mean(dim=2)
        critique = super().forward(images, condition)
        return Critique(critique.score + self.head(means).squeeze(1))


class ViewsGreyFeatures(ViewsFeatures):
    pass


class ComputesItsScoreInFloat32(StandInCritic):
    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return Critique(super().forward(images, condition).score.float())


class AddsIntoABuffer(StandInCritic):
    def __init__(self, spec: StandInCriticSpec, site: Site) -> None:
        super().__init__(spec, site)
        self.project = nn.Linear(1, 1)
        self.register_buffer("zero", torch.zeros(1, 1))

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        found = self.project(images.mean(dim=(1, 2, 3))[:, None])
        zero: Tensor = self.zero
        place = torch.arange(len(images), device=images.device)
        moved = zero.repeat(len(images), 1).index_add(0, place, found)
        return Critique(super().forward(images, condition).score + moved.squeeze(1))


class SaysOneNumber(StandInCritic):
    def forward(self, images: Tensor, condition: Condition) -> Critique:
        score = super().forward(images, condition).score
        return Critique(score, extras={"spread": score.square().mean()})


@pytest.mark.parametrize(
    ("critic", "check", "words"),
    [
        (ViewsFeatures, LAST, "training.channels_last"),
        (ViewsGreyFeatures, LAST, "training.channels_last"),
        (ComputesItsScoreInFloat32, DOUBLE, "training.precision: fp64"),
        (AddsIntoABuffer, HALF, "training.precision: bf16"),
    ],
)
def test_a_critic_that_breaks_in_a_mode_is_told(critic: type[StandInCritic], check: str, words: str) -> None:
    class Planted(StandInCriticSpec):
        """A critic for the test of the kit."""

        def size_problem(self, shape: tuple[int, int, int]) -> str | None:
            return "grey only" if critic is ViewsGreyFeatures and shape[0] > 1 else None

        def build(self, site: Site) -> Critic:
            return critic(self, site)

    found = failures("critic", Planted)
    assert set(found) == {check}, found
    assert words in found[check]


def test_an_extra_without_the_batch_is_told_so() -> None:
    class Planted(StandInCriticSpec):
        """Gives one number for the whole batch."""

        outputs: frozenset[str] = Field(frozenset({"extras.spread"}), description="Outputs.")

        def build(self, site: Site) -> Critic:
            return SaysOneNumber(self, site)

    found = failures("critic", Planted)
    said = [found[check] for check in ("judges_images_of_every_shape", "uses_the_condition", "stays_finite")]
    for message in said:
        assert "extras.spread has shape ()" in message
        assert "the first dimension of every output of a critic, extras too, is the batch" in message
    assert not [message for message in found.values() if "is invalid for input" in message]


class ViewsItsImages(StandInGenerator):
    def __init__(self, conditioner: Conditioner, shape: tuple[int, int, int]) -> None:
        super().__init__(conditioner, shape)
        self.widen = nn.Conv2d(shape[0], 4, 3, padding=1)
        self.refine = nn.Conv2d(4, shape[0], 3, padding=1)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        features = self.widen(super().forward(noise, condition))
        scale = F.normalize(features.view(len(noise), -1), dim=1).view_as(features)
        return torch.tanh(self.refine(scale))


class MakesFloat32(StandInGenerator):
    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        return super().forward(noise, condition).float()


@pytest.mark.parametrize(
    ("generator", "check", "words"),
    [
        (ViewsItsImages, LAST, "Use reshape() or flatten() in place of view()"),
        (MakesFloat32, DOUBLE, "images is torch.float32"),
    ],
)
def test_a_generator_that_breaks_in_a_mode_is_told(generator: type[StandInGenerator], check: str, words: str) -> None:
    class Planted(StandInGeneratorSpec):
        """A generator for the test of the kit."""

        def build(self, site: Site) -> Generator:
            return generator(self.conditioner.build(site, 6), site.image_shape)

    found = failures("generator", Planted)
    assert set(found) == {check}, found
    assert words in found[check]


class EmbedsInFloat32(StandInConditioner):
    def forward(self, condition: Condition) -> Tensor:
        return super().forward(condition).float()


class TakesFloat32(StandInConditioner):
    def forward(self, condition: Condition) -> Tensor:
        return super().forward(Condition(condition.values.float(), condition.label))


@pytest.mark.parametrize("conditioner", [EmbedsInFloat32, TakesFloat32])
def test_a_conditioner_of_float32_is_told(conditioner: type[StandInConditioner]) -> None:
    class Planted(ConditionerSpec):
        """Brings everything to float32."""

        kind: Literal["planted"] = "planted"

        def build(self, site: Site, width: int) -> Conditioner:
            return conditioner(site.condition_width, width)

    found = failures("conditioner", Planted)
    assert set(found) == {DOUBLE}, found
    assert "training.precision: fp64" in found[DOUBLE]


class Views(Augmenter):
    acts_on_fake = True

    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        flat = images.view(len(images), -1)
        return (flat * 0.5).view_as(images)


class ScalesInTheOrderOfMemory(Augmenter):
    acts_on_fake = True

    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return images * torch.empty_like(images).uniform_(0.5, 1, generator=random)


class ReturnsFloat32(Augmenter):
    acts_on_fake = True

    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return images.float()


class ShiftsByFloat32(Augmenter):
    acts_on_fake = True

    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        start = torch.eye(2, 3, device=images.device).repeat(len(images), 1, 1)
        grid = F.affine_grid(start, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)


@pytest.mark.parametrize(
    ("augmenter", "check", "words"),
    [
        (Views, LAST, "Use reshape() or flatten() in place of view()"),
        (ScalesInTheOrderOfMemory, LAST, "training.channels_last"),
        (ReturnsFloat32, DOUBLE, "become torch.float32"),
        (ShiftsByFloat32, DOUBLE, "training.precision: fp64"),
    ],
)
def test_an_augmenter_that_breaks_in_a_mode_is_told(augmenter: type[Augmenter], check: str, words: str) -> None:
    class Planted(AugmenterSpec):
        """An augmenter for the test of the kit."""

        kind: Literal["planted"] = "planted"

        def build(self, site: Site) -> Augmenter:
            return augmenter()

    found = failures("augmenter", Planted)
    assert set(found) == {check}, found
    assert words in found[check]
