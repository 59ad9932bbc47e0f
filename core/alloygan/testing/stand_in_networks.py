"""The smallest networks, conditioner and loss that a component can be tested among; not registered in any zoo.

A test must not depend on which plugins are installed, so the kit brings its own partners. B images, E embedding.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from alloygan.interfaces.condition import Condition
from alloygan.interfaces.conditioner import Conditioner
from alloygan.interfaces.critic import Critic, Critique
from alloygan.interfaces.generator import Generator
from alloygan.interfaces.loss import Loss, Terms
from alloygan.interfaces.step import CriticStep, GeneratorStep
from alloygan.specs.components import ConditionerSpec, CriticSpec, GeneratorSpec, LossSpec
from alloygan.specs.from_registry import From

if TYPE_CHECKING:
    from alloygan.interfaces.site import Site

EMBEDDING = 6
FEATURES = 8


class StandInConditionerSpec(ConditionerSpec):
    """A linear map of the condition values."""

    kind: Literal["stand_in"] = "stand_in"

    def build(self, site: "Site", width: int) -> Conditioner:
        """Build the map from `condition_width` values."""
        return StandInConditioner(site.condition_width, width)


class StandInConditioner(Conditioner):
    """(B, F) values to (B, width), linearly."""

    def __init__(self, values: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(values, width)

    def forward(self, condition: Condition) -> Tensor:
        """Embed the values; ids are not looked at."""
        embedding: Tensor = self.linear(condition.values)
        return embedding


class StandInGeneratorSpec(GeneratorSpec):
    """One linear layer and tanh."""

    kind: Literal["stand_in"] = "stand_in"
    conditioner: Annotated[ConditionerSpec, From("conditioner")] = Field(
        StandInConditionerSpec(), description="How the condition becomes an embedding."
    )

    def build(self, site: "Site") -> Generator:
        """Build the layer for the site's image shape."""
        return StandInGenerator(self.conditioner.build(site, EMBEDDING), site.image_shape)


class StandInGenerator(Generator):
    """Noise (B, 5) and embedding to images, through one layer."""

    noise_width = 5

    def __init__(self, conditioner: Conditioner, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.conditioner = conditioner
        self.shape = shape
        self.linear = nn.Linear(self.noise_width + EMBEDDING, shape[0] * shape[1] * shape[2])

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Make images (B, C, H, W)."""
        flat = self.linear(torch.cat([noise, self.conditioner(condition)], dim=1))
        return torch.tanh(flat).view(-1, *self.shape)


class StandInCriticSpec(CriticSpec):
    """One convolution with batch norm, a projection score, and exactly the outputs that are asked for."""

    kind: Literal["stand_in"] = "stand_in"
    conditioner: Annotated[ConditionerSpec, From("conditioner")] = Field(
        StandInConditionerSpec(), description="How the condition becomes an embedding."
    )
    outputs: frozenset[str] = Field(frozenset(), description="Names of the outputs beside the score.")
    twice: bool = Field(True, description="Whether its gradients can be differentiated again.")

    @property
    def gives(self) -> frozenset[str]:
        """What was asked for."""
        return self.outputs

    def build(self, site: "Site") -> Critic:
        """Build the critic for the site's image shape."""
        return StandInCritic(self, site)


class StandInCritic(Critic):
    """Has running statistics, so that an extra forward that moves them shows."""

    def __init__(self, spec: StandInCriticSpec, site: "Site") -> None:
        super().__init__()
        self.twice = spec.twice
        self.convolution = nn.Conv2d(site.channels, FEATURES, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(FEATURES)
        self.conditioner = spec.conditioner.build(site, FEATURES)
        self.score = nn.Linear(FEATURES, 1)
        self.image_head = nn.Linear(FEATURES, EMBEDDING) if "image_embedding" in spec.outputs else None
        self.proxy = spec.conditioner.build(site, EMBEDDING) if "condition_embedding" in spec.outputs else None
        names = sorted(output for output in spec.outputs if output.startswith("extras."))
        # As many as there are conditions: the shape of class logits, the most usual extra.
        width = max(2, site.condition_count)
        self.extra_heads = nn.ModuleDict({name.removeprefix("extras."): nn.Linear(FEATURES, width) for name in names})

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        """Judge images (B, C, H, W)."""
        if not self.twice:
            images = _once(images)
        features = F.leaky_relu(self.norm(self.convolution(images)), 0.2).mean(dim=(2, 3))
        return Critique(
            score=self.score(features).squeeze(1) + (features * self.conditioner(condition)).sum(dim=1),
            image_embedding=None if self.image_head is None else self.image_head(features),
            condition_embedding=None if self.proxy is None else self.proxy(condition),
            extras={name: head(features) for name, head in self.extra_heads.items()},
        )


class _Once(torch.autograd.Function):
    """The identity, whose gradient cannot be differentiated again."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        """Pass images on."""
        return images.view_as(images)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Pass the gradient on."""
        return gradient.clone()


def _once(images: Tensor) -> Tensor:
    passed: Tensor = _Once.apply(images)
    return passed


class StandInLossSpec(LossSpec):
    """The hinge loss."""

    kind: Literal["stand_in"] = "stand_in"

    def build(self, site: "Site") -> Loss:
        """Build the loss."""
        return StandInLoss()


class StandInLoss(Loss):
    """Hinge in the critic's step, the mean score in the generator's; every output of the critic takes part.

    The other outputs enter with a small factor, so that all parameters of a critic under test are trained.
    """

    def critic(self, step: CriticStep) -> Terms:
        """Hinge on real and fake scores."""
        hinge = F.relu(1 - step.real.score).mean() + F.relu(1 + step.fake.score).mean()
        return Terms({"critic": hinge + 0.01 * _all_outputs(step.real)})

    def generator(self, step: GeneratorStep) -> Terms:
        """The mean fake score, negative."""
        return Terms({"generator": -step.fake.score.mean()})


def _all_outputs(critique: Critique) -> Tensor:
    return torch.stack([output.square().mean() for output in critique.named().values()]).sum()
