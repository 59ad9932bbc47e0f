"""Planted bad losses: the kit fails each by the rule that it breaks."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alloygan import (
    Critic,
    CriticStep,
    GeneratorStep,
    Loss,
    LossSpec,
    Site,
    Terms,
)
from alloygan.testing.stand_in_networks import (
    StandInLoss,
)

from .planting import failures


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
        {"uses_only_the_random_numbers_of_the_step", "survives_a_state_round_trip"},
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
    (
        CountsInPython,
        {"survives_a_state_round_trip", "trains_and_resumes", "computes_the_same_when_captured"},
    ),
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


class ComparesImages(StandInLoss):
    def critic(self, step: CriticStep) -> Terms:
        return Terms({"critic": (step.real.score - step.real.score.mean()).square().mean()})


def test_a_loss_that_looks_across_images_says_so() -> None:
    assert failures("loss", loss_spec(ComparesImages)) == {}
    found = failures("loss", loss_spec(ComparesImages, over="images"))
    assert set(found) == {"is_a_mean_over_images_if_it_says_so"}
    assert "Leave `over` as it is" in found["is_a_mean_over_images_if_it_says_so"]


def test_the_message_names_what_reads_back() -> None:
    found = failures("loss", loss_spec(ReadsAsList))
    assert "tolist()" in found["does_not_read_back_to_the_host"]


COPIES: dict[str, Callable[[Tensor], Tensor]] = {
    "tensor(...)": lambda score: score * torch.tensor([2.0], device=score.device),
    "new_tensor(...)": lambda score: score * score.new_tensor([2.0]),
    "as_tensor(...)": lambda score: score * torch.as_tensor([2.0], device=score.device),
    "to(device)": lambda score: score * torch.ones(1).to(score.device),
    "a list of places": lambda score: score[[0, 0]],
    "places in a tensor on the CPU": lambda score: score[torch.arange(1)],
    "copy_()": lambda score: score * torch.empty_like(score).copy_(torch.ones(score.shape)),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_from_the_host_in_the_step_is_named(how: str) -> None:
    class Copies(StandInLoss):
        def critic(self, step: CriticStep) -> Terms:
            return Terms({"critic": COPIES[how](step.real.score).mean()})

    found = failures("loss", loss_spec(Copies))
    assert set(found) == {"makes_tensors_where_its_inputs_are"}
    assert f"from the host to the device with {how}" in found["makes_tensors_where_its_inputs_are"]


def test_numbers_made_on_the_device_are_no_copies() -> None:
    class Makes(StandInLoss):
        def critic(self, step: CriticStep) -> Terms:
            score = step.real.score
            scale = torch.full((), 2.0, device=score.device) + score.new_ones(()) + torch.tensor(1.0)
            first = score[torch.arange(1, device=score.device)].mean() + torch.as_tensor(score)[:2].mean()
            return Terms({"critic": (torch.where(score > 0, score, 0.0) * scale).mean() + first})

    assert failures("loss", loss_spec(Makes)) == {}


class DifferentiatesTheStepTwice(StandInLoss):
    def generator(self, step: GeneratorStep) -> Terms:
        (gradient,) = torch.autograd.grad(step.fake.score.sum(), step.fake_images, create_graph=True)
        return Terms({"generator": gradient.square().mean() - step.fake.score.mean()})


def test_a_second_gradient_through_a_compiled_network_is_told() -> None:
    found = failures("loss", loss_spec(DifferentiatesTheStepTwice, needs=frozenset({"second_order"})))
    assert set(found) == {"computes_the_same_with_compiled_networks"}
    assert "Judge the images anew" in found["computes_the_same_with_compiled_networks"]


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
