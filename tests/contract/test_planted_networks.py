"""Planted bad generators, critics and conditioners: the kit fails each by the rule that it breaks."""

from typing import Any, Literal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from alloygan import (
    Condition,
    Conditioner,
    ConditionerSpec,
    Critic,
    CriticSpec,
    Critique,
    Generator,
    GeneratorSpec,
    Site,
)
from alloygan.testing.stand_in_networks import (
    StandInConditioner,
    StandInCritic,
    StandInCriticSpec,
    StandInGenerator,
    StandInGeneratorSpec,
)

from .planting import failures


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
        (DropsOut, {"leaves_global_random_numbers_alone"}),
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
