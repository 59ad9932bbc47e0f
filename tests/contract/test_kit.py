"""The kit itself: it fails planted bad components, by the rule that they break, and passes good ones."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ConfigDict, Field
from torch import Tensor, nn

from alloygan import (
    Augmenter,
    AugmenterSpec,
    Batch,
    Condition,
    Conditioner,
    ConditionerSpec,
    Critic,
    CriticSpec,
    CriticStep,
    Critique,
    Generator,
    GeneratorSpec,
    GeneratorStep,
    Loss,
    LossSpec,
    Patches,
    Sampler,
    SamplerSpec,
    Site,
    Terms,
    Zoo,
    load_zoo,
)
from alloygan.data.patches import to_unit_range
from alloygan.errors import PluginError, SpecError
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan.specs.components import ComponentSpec, DescriptorSpec
from alloygan.testing import CheckResult, conformance_tests, run_checks
from alloygan.testing.stand_in_data import (
    StandInAugmenterSpec,
    StandInDatasetSpec,
    StandInDescriptor,
    StandInDescriptorSpec,
    StandInSampler,
    StandInSamplerSpec,
)
from alloygan.testing.stand_in_networks import (
    StandInConditioner,
    StandInConditionerSpec,
    StandInCritic,
    StandInCriticSpec,
    StandInGenerator,
    StandInGeneratorSpec,
    StandInLoss,
    StandInLossSpec,
)

pytest_plugins = ["pytester"]

LECAM = Path(__file__).parents[1] / "third_party" / "alloygan_lecam" / "alloygan_lecam.py"


def zoo_with(sort: str, *specs: type[ComponentSpec]) -> Zoo:
    zoo = load_zoo()
    for spec in specs:
        zoo.registries[sort].register(spec, origin="test:planted")
    if sort != "conditioner":
        zoo.registries["conditioner"].register(StandInConditionerSpec, origin="test:stand-in")
    return zoo


def failures(sort: str, planted: type[ComponentSpec], **arguments: Any) -> dict[str, str]:
    kind = planted.model_fields["kind"].default
    found = run_checks(sort, kind, zoo=zoo_with(sort, planted), **arguments)
    return {result.check: result.message for result in found if result.status == "failed"}


# Good components -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "spec"),
    [
        ("generator", StandInGeneratorSpec),
        ("conditioner", StandInConditionerSpec),
        ("loss", StandInLossSpec),
        ("sampler", StandInSamplerSpec),
        ("augmenter", StandInAugmenterSpec),
        ("dataset", StandInDatasetSpec),
        ("descriptor", StandInDescriptorSpec),
    ],
)
def test_the_stand_ins_pass(sort: str, spec: type[ComponentSpec]) -> None:
    assert failures(sort, spec) == {}


def test_the_stand_in_critic_passes() -> None:
    class WithOutputs(StandInCriticSpec):
        """A stand-in with both embeddings and class logits."""

        outputs: frozenset[str] = Field(
            frozenset({"image_embedding", "condition_embedding", "extras.logits"}), description="Outputs."
        )

    assert failures("critic", WithOutputs) == {}


# Bad losses ----------------------------------------------------------------------------------------------------------


class PlantedLossSpec(LossSpec):
    """A loss for the test of the kit."""

    kind: Literal["planted"] = "planted"


def loss_spec(loss: type[Loss], **properties: Any) -> type[LossSpec]:
    """A spec class that builds a loss of this class."""

    class Planted(PlantedLossSpec):
        """A loss for the test of the kit."""

        def build(self, site: Site) -> Loss:
            return loss()

    for name, value in properties.items():
        setattr(Planted, name, property(lambda self, value=value: value))
    return Planted


class ReadsWithItem(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        return Terms({"critic": step.real.score.mean()}, {"real": torch.tensor(step.real.score.mean().item())})


class Branches(StandInLoss):
    def generator(self, step: GeneratorStep) -> Terms:
        value = -step.fake.score.mean()
        return Terms({"generator": value if value > 0 else 2 * value})


class ReadsWithNumpy(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        spread = torch.as_tensor(np.std(step.real.score.detach().numpy()))
        return Terms({"critic": step.real.score.mean() + spread})


class ReadsAsList(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        return Terms({"critic": step.real.score.mean() * max(step.batch.weight.tolist())})


class IndexesWithMask(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        return Terms({"critic": step.real.score[step.batch.weight > 0].mean()})


class ReadsAfterTheUpdate(StandInLoss):
    def after_critic_update(self, critic: Critic) -> None:
        for parameter in critic.parameters():
            if parameter.abs().max() > 10:
                parameter.data.clamp_(-10, 10)


SYNC = {"does_not_read_back_to_the_host"}


class DrawsGlobally(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        return Terms({"critic": (step.real.score * torch.rand_like(step.real.score)).mean()})


class ReachesTheGenerator(StandInLoss):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Tensor] = []

    def critic(self, step: CriticStep) -> Terms:
        value = step.fake.score.mean() - step.real.score.mean()
        if self.kept:
            value = value + self.kept.pop().square().mean()
        return Terms({"critic": value})

    def generator(self, step: GeneratorStep) -> Terms:
        self.kept = [2 * step.fake_images]
        return super().generator(step)


class ReachesTheGeneratorUnseen(ReachesTheGenerator):
    """Says nothing in the generator's step, whose graph is therefore still there in the critic's."""

    def generator(self, step: GeneratorStep) -> Terms:
        super().generator(step)
        return Terms()


class CallsBackward(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        step.real.score.mean().backward(retain_graph=True)
        return super().critic(step)


class MovesRunningStatistics(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        again = step.critic.module(step.real_images, step.real_condition)
        return Terms({"critic": again.score.mean() - step.fake.score.mean()})


class UnfreezesTheCritic(StandInLoss):
    def generator(self, step: GeneratorStep) -> Terms:
        step.critic.module.requires_grad_(True)
        again = step.critic(step.fake_images, step.batch.target_condition)
        return Terms({"generator": -again.score.mean()})


class ForgetsItsState(StandInLoss):
    def __init__(self) -> None:
        super().__init__()
        self.average = torch.zeros(())

    def critic(self, step: CriticStep) -> Terms:
        self.average = 0.5 * self.average + 0.5 * step.real.score.detach().mean()
        return Terms({"critic": (step.real.score - self.average).square().mean()})


class CountsInPython(StandInLoss):
    updates = 0

    def critic(self, step: CriticStep) -> Terms:
        self.updates += 1
        return Terms({"critic": -step.real.score.mean() * self.updates})


class MakesItsBufferLate(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        if not hasattr(self, "first"):
            self.register_buffer("first", step.real.score.detach().mean())
        return Terms({"critic": (step.real.score - self.first).square().mean()})


class HasAnIdleParameter(StandInLoss):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 2)


class TrainsInTheGeneratorStep(StandInLoss):
    """Its parameter takes part in the generator's step only, where the loop freezes it."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def generator(self, step: GeneratorStep) -> Terms:
        return Terms({"generator": -self.factor * step.fake.score.mean()})


class SaysVectors(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        return Terms({"critic": -step.real.score})


class SaysNothing(Loss):
    pass


class SaysNumbers(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        return Terms({"critic": -step.real.score.mean()}, {"pi": 3.14})  # type: ignore[dict-item]


class Overflows(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        return Terms({"critic": -step.real.score.sigmoid().log().mean() - (1 - step.fake.score.sigmoid()).log().mean()})


class DividesByTheSpread(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        return Terms({"critic": -step.real.score.mean() / step.real.score.std()})


class StaysOnTheCpu(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        weights = torch.linspace(0, 1, len(step.real.score))
        return Terms({"critic": -(weights * step.real.score).mean()})


class NeedsEmbeddings(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        assert step.real.image_embedding is not None
        return Terms({"critic": step.real.image_embedding.square().mean()})


class NeedsRealCritique(StandInLoss):
    def generator(self, step: GeneratorStep) -> Terms:
        return Terms({"generator": F.softplus(step.real.score - step.fake.score).mean()})  # type: ignore[union-attr]


class NeedsIds(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        classes = F.one_hot(step.real_condition.label, 6).float().mean()
        return Terms({"critic": -step.real.score.mean() + classes})


class DifferentiatesTwice(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        images = step.real_images.detach().requires_grad_()
        score = step.critic(images, step.real_condition).score
        (gradient,) = torch.autograd.grad(score.sum(), images, create_graph=True)
        return Terms({"critic": gradient.square().mean() - step.real.score.mean()})


BAD_LOSSES: list[tuple[type[Loss], set[str]]] = [
    (ReadsWithItem, SYNC),
    (Branches, SYNC),
    (ReadsWithNumpy, SYNC),
    (ReadsAsList, SYNC),
    (IndexesWithMask, SYNC),
    (ReadsAfterTheUpdate, SYNC),
    (
        DrawsGlobally,
        {"uses_only_the_random_numbers_of_the_step", "survives_a_state_round_trip", "trains_and_resumes"},
    ),
    (ReachesTheGenerator, {"moves_only_the_critic_in_its_step"}),
    (ReachesTheGeneratorUnseen, {"moves_only_the_critic_in_its_step"}),
    (CallsBackward, {"moves_only_the_critic_in_its_step"}),
    (MovesRunningStatistics, {"leaves_the_critic_as_it_was"}),
    (UnfreezesTheCritic, {"leaves_the_critic_as_it_was", "moves_only_the_generator_in_its_step"}),
    (
        ForgetsItsState,
        {"survives_a_state_round_trip", "keeps_its_tensors_in_buffers", "trains_and_resumes"},
    ),
    (CountsInPython, {"survives_a_state_round_trip", "trains_and_resumes"}),
    (MakesItsBufferLate, {"survives_a_state_round_trip", "trains_and_resumes"}),
    (HasAnIdleParameter, {"trains_all_its_own_parameters"}),
    (TrainsInTheGeneratorStep, {"trains_all_its_own_parameters"}),
    (SaysVectors, {"says_something"}),
    (SaysNothing, {"says_something"}),
    (SaysNumbers, {"says_something"}),
    (Overflows, {"stays_finite_for_large_and_small_outputs"}),
    (DividesByTheSpread, {"stays_finite", "stays_finite_for_large_and_small_outputs"}),
    (StaysOnTheCpu, {"makes_tensors_where_its_inputs_are"}),
    (NeedsEmbeddings, {"says_something", "trains_and_resumes"}),
    (NeedsRealCritique, {"says_something", "trains_and_resumes"}),
    (NeedsIds, {"asks_for_an_id_if_it_needs_one"}),
    (DifferentiatesTwice, {"asks_for_second_order_gradients_if_it_takes_them"}),
]


@pytest.mark.parametrize(("loss", "expected"), BAD_LOSSES, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.filterwarnings("ignore:std\\(\\)")
def test_a_bad_loss_fails(loss: type[Loss], expected: set[str]) -> None:
    found = failures("loss", loss_spec(loss))
    assert expected <= set(found), found


def test_a_loss_that_declares_what_it_takes_passes() -> None:
    assert failures("loss", loss_spec(NeedsEmbeddings, needs=frozenset({"image_embedding"}))) == {}
    assert failures("loss", loss_spec(NeedsRealCritique, needs=frozenset({"real_in_generator_step"}))) == {}
    assert failures("loss", loss_spec(NeedsIds, needs=frozenset({"label"}))) == {}
    assert failures("loss", loss_spec(DifferentiatesTwice, needs=frozenset({"second_order"}))) == {}


def test_the_message_names_what_reads_back() -> None:
    found = failures("loss", loss_spec(ReadsAsList))
    assert "tolist()" in found["does_not_read_back_to_the_host"]


def test_a_loss_that_applies_its_weight_fails() -> None:
    class Weighs(PlantedLossSpec):
        """A loss that multiplies by its weight."""

        def build(self, site: Site) -> Loss:
            weight = self.weight

            class Weighing(StandInLoss):
                def generator(self, step: GeneratorStep) -> Terms:
                    return Terms({"generator": -weight * step.fake.score.mean()})

            return Weighing()

    assert set(failures("loss", Weighs)) == {"leaves_the_weight_to_the_loop"}


def test_a_loss_is_tried_with_the_critic_that_its_author_names() -> None:
    spec = loss_spec(NeedsEmbeddings, needs=frozenset({"image_embedding"}))
    critic = {"kind": "dcgan_contrastive", "width": 4}
    assert failures("loss", spec, critic=critic) == {}


# Bad specs -----------------------------------------------------------------------------------------------------------


class UndescribedField(StandInLossSpec):
    """A field without a description."""

    strength: float = 1.0


class Inner(LossSpec):
    """Not registered; a part of another."""

    kind: str = "inner"
    strength: float = 1.0


class UndescribedInside(StandInLossSpec):
    """A part whose field has no description."""

    inner: tuple[Inner, ...] = Field((), description="Parts.")


class NullMeansOff(StandInLossSpec):
    """None is not the default of a field that allows it."""

    limit: float | None = Field(1.0, description="Limit; None for none.")


class Lossy(StandInLossSpec):
    """A field that is not written."""

    strength: float = Field(1.0, description="Strength.", exclude=True)


class Mutable(StandInLossSpec):
    """Not frozen."""

    model_config = ConfigDict(frozen=False, extra="allow")


class NeedsTheUnknown(StandInLossSpec):
    """Needs a name that nothing gives."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"image_embeding"})


class GivesAsALoss(StandInLossSpec):
    """Gives what only a critic gives."""

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({"image_embedding"})


@pytest.mark.parametrize(
    ("spec", "spec_values", "expected"),
    [
        (UndescribedField, {}, "describes_every_field"),
        (UndescribedInside, {}, "describes_every_field"),
        (NullMeansOff, {}, "takes_null_as_the_default"),
        (Lossy, {"strength": 2.0}, "survives_a_yaml_round_trip"),
        (Mutable, {}, "is_frozen_and_refuses_unknown_fields"),
        (NeedsTheUnknown, {}, "needs_and_gives_known_names"),
        (GivesAsALoss, {}, "needs_and_gives_known_names"),
    ],
)
def test_a_bad_spec_fails(spec: type[LossSpec], spec_values: dict[str, Any], expected: str) -> None:
    assert expected in failures("loss", spec, spec=spec_values)


# Bad networks --------------------------------------------------------------------------------------------------------


class BadGenerator(StandInGenerator):
    """The stand-in, with the output changed by a method that a test overrides."""

    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return images

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        return self.change(super().forward(noise, condition), noise, condition)


class IgnoresTheCondition(BadGenerator):
    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        same = Condition(torch.zeros_like(condition.values), condition.label)
        return super().forward(noise, same)


class IgnoresTheNoise(BadGenerator):
    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        return super().forward(torch.zeros_like(noise), condition)


class OutOfRange(BadGenerator):
    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return 1.5 * images


class Doubled(BadGenerator):
    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return images.double()


class Cropped(BadGenerator):
    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return images[..., :-1]


class DropsOut(BadGenerator):
    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return F.dropout(images, training=self.training).clamp(-1, 1)


class LooksAtItsNeighbours(BadGenerator):
    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return torch.tanh(images - images.mean(dim=0))


class LooksAtIds(BadGenerator):
    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return torch.tanh(images + condition.label[:, None, None, None])


class Reads(BadGenerator):
    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return images / max(1.0, float(images.abs().max()))


class HasAPlainTensor(BadGenerator):
    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        if not hasattr(self, "half"):
            self.half = torch.full((images.shape[-1],), 0.5)
        return images * self.half


class HasAnIdleLayer(BadGenerator):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.idle = nn.Linear(2, 2)


class StartsFromNumpy(BadGenerator):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.offset = nn.Parameter(torch.tensor(float(np.random.normal())))

    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return torch.tanh(images + self.offset)


class Remembers(BadGenerator):
    seen = 0

    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        self.seen += self.training
        return images / (1 + 0.1 * self.seen)


class LeavesTheUnitInterval(BadGenerator):
    def change(self, images: Tensor, noise: Tensor, condition: Condition) -> Tensor:
        return (
            images
            * condition.values[:, :1, None, None].clamp_min(0).sqrt()
            / condition.values[:, :1, None, None].sqrt()
        )


class SharesAParameter(BadGenerator):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.conditioner.again = self.conditioner.linear  # type: ignore[assignment]


def generator_spec(generator: type[StandInGenerator]) -> type[GeneratorSpec]:
    class Planted(StandInGeneratorSpec):
        """A generator for the test of the kit."""

        def build(self, site: Site) -> Generator:
            return generator(self.conditioner.build(site, 6), site.image_shape)

    return Planted


@pytest.mark.parametrize(
    ("generator", "expected"),
    [
        (IgnoresTheCondition, {"uses_the_condition"}),
        (IgnoresTheNoise, {"uses_the_noise"}),
        (OutOfRange, {"stays_between_minus_one_and_one"}),
        (Doubled, {"makes_images_of_the_shape_asked_for"}),
        (Cropped, {"makes_images_of_the_shape_asked_for"}),
        (DropsOut, {"leaves_global_random_numbers_alone", "trains_and_resumes"}),
        (LooksAtItsNeighbours, {"makes_each_image_by_itself"}),
        (LooksAtIds, {"asks_for_an_id_if_it_needs_one"}),
        (Reads, {"does_not_read_back_to_the_host"}),
        (HasAPlainTensor, {"makes_tensors_where_its_inputs_are"}),
        (HasAnIdleLayer, {"gradients_reach_every_parameter"}),
        (StartsFromNumpy, {"starts_from_its_seed"}),
        (Remembers, {"survives_a_state_round_trip", "trains_and_resumes"}),
        (LeavesTheUnitInterval, {"stays_finite"}),
        (SharesAParameter, {"can_be_shared", "trains_and_resumes"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_generator_fails(generator: type[StandInGenerator], expected: set[str]) -> None:
    found = failures("generator", generator_spec(generator))
    assert expected <= set(found), found


class HidesItsEmbedding(StandInCritic):
    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return Critique(super().forward(images, condition).score)


class ScoresInColumns(StandInCritic):
    def forward(self, images: Tensor, condition: Condition) -> Critique:
        critique = super().forward(images, condition)
        return Critique(critique.score[:, None], critique.image_embedding)


class CutsGradients(StandInCritic):
    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return super().forward(images.detach(), condition)


class ForbidsPenalties(StandInCritic):
    def __init__(self, spec: StandInCriticSpec, site: Site) -> None:
        super().__init__(spec, site)
        self.twice = False


class CountsCalls(StandInCritic):
    calls = 0

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        self.calls += 1
        critique = super().forward(images, condition)
        return Critique(critique.score * self.calls, critique.image_embedding)


class IgnoresItsCondition(StandInCritic):
    def forward(self, images: Tensor, condition: Condition) -> Critique:
        return super().forward(images, Condition(torch.zeros_like(condition.values), condition.label))


class NamesAStrangeTrunk(StandInCritic):
    def trunk_parameters(self) -> Any:
        return [nn.Parameter(torch.zeros(1))]


@pytest.mark.parametrize(
    ("critic", "expected"),
    [
        (HidesItsEmbedding, {"gives_what_it_says", "trains_and_resumes"}),
        (ScoresInColumns, {"judges_images_of_every_shape"}),
        (CutsGradients, {"passes_gradients_to_images"}),
        (ForbidsPenalties, {"allows_gradient_penalties"}),
        (CountsCalls, {"is_left_alone_by_an_extra_forward", "survives_a_state_round_trip"}),
        (IgnoresItsCondition, {"uses_the_condition"}),
        (NamesAStrangeTrunk, {"names_its_trunk"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_critic_fails(critic: type[StandInCritic], expected: set[str]) -> None:
    class Planted(StandInCriticSpec):
        """A critic for the test of the kit."""

        outputs: frozenset[str] = Field(frozenset({"image_embedding"}), description="Outputs.")

        def build(self, site: Site) -> Critic:
            return critic(self, site)

    found = failures("critic", Planted)
    assert expected <= set(found), found


def test_a_critic_that_gives_more_than_it_says_fails() -> None:
    class Planted(CriticSpec):
        """Gives an embedding that it does not declare."""

        kind: Literal["planted"] = "planted"

        def build(self, site: Site) -> Critic:
            return StandInCritic(StandInCriticSpec(outputs=frozenset({"image_embedding"})), site)

    assert set(failures("critic", Planted)) == {"gives_what_it_says"}


def test_a_bad_conditioner_fails() -> None:
    class Narrow(StandInConditioner):
        def forward(self, condition: Condition) -> Tensor:
            return super().forward(condition)[:, :-1]

    class Planted(ConditionerSpec):
        """One number too few."""

        kind: Literal["planted"] = "planted"

        def build(self, site: Site, width: int) -> Conditioner:
            return Narrow(site.condition_width, width)

    assert {"has_the_width_asked_for", "trains_and_resumes"} <= set(failures("conditioner", Planted))


# Bad samplers, augmenters, descriptors -------------------------------------------------------------------------------


class Drifts(StandInSampler):
    drawn = 0

    def draw(self, count: int, images_seen: int) -> Batch:
        self.drawn += count
        return super().draw(count, self.drawn)


class DrawsFromTorch(StandInSampler):
    def draw(self, count: int, images_seen: int) -> Batch:
        return super().draw(count, int(torch.randint(0, 12, ())))


class ForgetsHalf(StandInSampler):
    def draw(self, count: int, images_seen: int) -> Batch:
        index = torch.arange(count) % 6
        condition = self.patches.condition[index]
        return Batch(to_unit_range(self.patches.images[index]), condition, condition, torch.ones(count))


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (Drifts, {"draws_the_same_batch_at_the_same_moment", "trains_and_resumes"}),
        (DrawsFromTorch, {"draws_the_same_batch_at_the_same_moment"}),
        (ForgetsHalf, {"draws_all_patches"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_sampler_fails(sampler: type[StandInSampler], expected: set[str]) -> None:
    class Planted(SamplerSpec):
        """A sampler for the test of the kit."""

        kind: Literal["planted"] = "planted"

        def build(self, patches: Patches, site: Site, seed: int) -> Sampler:
            return sampler(patches)

    found = failures("sampler", Planted)
    assert expected <= set(found), found


class AddsNoiseOfItsOwn(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return images + 0.1 * torch.randn_like(images) if real else images


class FlipsInPlace(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return images.mul_(-1) if real else images


class Quantises(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return images.round() if real else images


class ActsOnAll(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return -images


class ChoosesOnTheHost(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        flip = torch.rand((), generator=random, device=images.device) < 0.5
        return images.flip(3) if real and flip else images


@pytest.mark.parametrize(
    ("augmenter", "expected"),
    [
        (AddsNoiseOfItsOwn, {"draws_from_what_it_is_handed", "trains_and_resumes"}),
        (FlipsInPlace, {"leaves_its_input_alone"}),
        (Quantises, {"is_differentiable"}),
        (ActsOnAll, {"leaves_generated_images_alone_if_it_says_so"}),
        (ChoosesOnTheHost, {"does_not_read_back_to_the_host"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_augmenter_fails(augmenter: type[Augmenter], expected: set[str]) -> None:
    class Planted(AugmenterSpec):
        """An augmenter for the test of the kit."""

        kind: Literal["planted"] = "planted"

        def build(self, site: Site) -> Augmenter:
            return augmenter()

    found = failures("augmenter", Planted)
    assert expected <= set(found), found


def test_a_bad_descriptor_fails() -> None:
    class MeanSize(Descriptor):
        def measure(self, specimens: Specimens) -> Measurement:
            area = specimens.masks.sum(axis=(1, 2)).astype(np.float64)
            return Measurement(np.where(area > 0, area, np.nan))

        def distance(self, one: Measurement, other: Measurement) -> float | None:
            return float(one.values.mean() - other.values.mean())

    class Planted(DescriptorSpec):
        """A descriptor for the test of the kit."""

        kind: Literal["planted"] = "planted"

        def build(self) -> Descriptor:
            return MeanSize()

    found = failures("descriptor", Planted)
    assert {"measures_images_with_nothing_in_them", "has_a_distance"} <= set(found), found


def planted(descriptor: type[Descriptor]) -> type[DescriptorSpec]:
    class Planted(DescriptorSpec):
        """A descriptor for the test of the kit."""

        kind: Literal["planted"] = "planted"

        def build(self) -> Descriptor:
            return descriptor()

    return Planted


class BelowGrey(StandInDescriptor):
    def measure(self, specimens: Specimens) -> Measurement:
        return Measurement(specimens.images.mean(axis=(1, 2, 3), dtype=np.float64) - 200)


class BelowGreyWithoutRatios(BelowGrey):
    ratio_scale = False


class DrawsOthers(StandInDescriptor):
    def redrawn(self, specimens: Specimens, weights: np.ndarray) -> list[Measurement]:
        return [Measurement(np.array([float(row.sum())])) for row in weights]


def test_values_below_zero_are_on_no_ratio_scale() -> None:
    found = failures("descriptor", planted(BelowGrey))
    assert "set ratio_scale = False" in found["has_percentages_only_on_a_ratio_scale"]
    assert failures("descriptor", planted(BelowGreyWithoutRatios)) == {}


def test_a_set_that_is_drawn_again_must_be_the_one_that_was_asked() -> None:
    assert set(failures("descriptor", planted(DrawsOthers))) == {"draws_a_set_again_as_it_measures_it"}


# The doors -----------------------------------------------------------------------------------------------------------


def test_run_checks_gives_a_result_for_each_check() -> None:
    found = run_checks("loss", "lecam", plugins=[LECAM])
    assert all(isinstance(result, CheckResult) for result in found)
    assert {result.status for result in found} == {"passed", "not applicable"}
    assert all(result.message for result in found if result.status == "not applicable")


def test_an_unknown_kind_is_named_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="Did you mean 'lecam'"):
        run_checks("loss", "lecan", plugins=[LECAM])
    with pytest.raises(PluginError, match="Did you mean 'loss'"):
        run_checks("losses", "lecam", plugins=[LECAM])


def test_a_field_without_default_is_asked_for() -> None:
    with pytest.raises(SpecError, match="manifest: this field is required"):
        run_checks("dataset", "micrographs")


def test_an_expected_failure_must_be_the_name_of_a_check() -> None:
    with pytest.raises(PluginError, match="Did you mean 'stays_finite'"):
        conformance_tests("loss", "lecam", plugins=[LECAM], expected_failures={"stays_finit": "for a reason"})


def run_author_tests(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    pytester.makepyfile(
        test_author=f"from alloygan.testing import conformance_tests\nplugins = [{str(LECAM)!r}]\n{text}"
    )
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rA")


def test_one_line_of_an_authors_test_file(pytester: pytest.Pytester) -> None:
    result = run_author_tests(pytester, 'test_lecam = conformance_tests("loss", "lecam", plugins=plugins)')
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 20
    assert set(outcomes) == {"passed", "skipped"}
    result.stdout.fnmatch_lines(["PASSED test_author.py::test_lecam?lecam-survives_a_yaml_round_trip?"])


def test_an_expected_failure_that_passes_is_an_error(pytester: pytest.Pytester) -> None:
    result = run_author_tests(
        pytester,
        'test_lecam = conformance_tests("loss", "lecam", plugins=plugins, expected_failures={"stays_finite": "no"})',
    )
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    result.stdout.fnmatch_lines(["FAILED test_author.py::test_lecam?lecam-stays_finite?*"])


def test_an_expected_failure_is_shown_with_its_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        bad_loss=LECAM.read_text(encoding="utf-8").replace("torch.zeros(3)", "torch.zeros(3), persistent=False")
    )
    result = run_author_tests(
        pytester,
        'test_lecam = conformance_tests("loss", "lecam", plugins=["bad_loss.py"], expected_failures={'
        '"survives_a_state_round_trip": "starts anew", "trains_and_resumes": "starts anew"})',
    )
    outcomes = result.parseoutcomes()
    assert outcomes["xfailed"] == 2
    assert "failed" not in outcomes


def test_the_kit_does_not_import_pytest() -> None:
    program = (
        "import sys, alloygan.testing as kit\n"
        "assert kit.run_checks('augmenter', 'none')\n"
        "assert 'pytest' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
