"""Vicinal sampler and hinge: Ding et al., CcGAN: Continuous conditional GANs for image generation, ICLR 2021.

The hard and soft vicinal losses (HVDL, SVDL) are one hinge here; the sampler decides which real images stand for a
target condition, and how much each counts. Columns are continuous.
"""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from alloygan import (
    Batch,
    Condition,
    CriticStep,
    GeneratorStep,
    Loss,
    LossSpec,
    Patches,
    Sampler,
    SamplerSpec,
    Site,
    Terms,
    hookimpl,
)
from alloygan.data.patches import to_unit_range
from alloygan.interfaces.condition import OFF_TABLE
from alloygan.interfaces.streams import stream


class Vicinal(SamplerSpec):
    """Target conditions around those of the training images, each with real images from its vicinity (CcGAN)."""

    kind: Literal["hard_vicinal"] = "hard_vicinal"
    noise: float = Field(0.05, ge=0, description="Standard deviation σ of target around training values (scaled).")
    vicinity: float = Field(0.1, gt=0, description="Radius κ of a vicinity, Euclidean in scaled values.")
    weighting: Literal["hard", "soft"] = Field(
        "soft", description="hard: images of the vicinity count alike; soft: exp(−d²/κ²) of their distance d."
    )

    @property
    def gives(self) -> frozenset[str]:
        """No `label`: target conditions are off the table."""
        return frozenset()

    def build(self, patches: Patches, site: Site, seed: int) -> Sampler:
        """Build the sampler."""
        return VicinalSampler(self, patches, seed)


class VicinalSampler(Sampler):
    """Draws targets with noise; real images come from the vicinity, or are the nearest where it is empty."""

    judges_target = True

    def __init__(self, spec: Vicinal, patches: Patches, seed: int) -> None:
        self.spec = spec
        self.patches = patches
        self.seed = seed
        self.values = patches.condition.values.cpu()

    def draw(self, count: int, images_seen: int) -> Batch:
        """Choose on the host, from (seed, images seen) alone."""
        random = stream(self.seed, "sampler", images_seen)
        near = torch.randint(len(self.values), (count,), generator=random)
        shape = (count, self.values.shape[1])
        target = self.values[near] + self.spec.noise * torch.randn(shape, generator=random)
        distance = (target[:, None] - self.values[None]).norm(dim=2)
        inside = distance <= torch.maximum(distance.amin(dim=1, keepdim=True), torch.tensor(self.spec.vicinity))
        chosen = torch.multinomial(inside.float(), 1, generator=random).squeeze(1)
        weight = torch.ones(count)
        if self.spec.weighting == "soft":
            apart = distance.gather(1, chosen[:, None]).squeeze(1)
            weight = (-(apart / self.spec.vicinity).square()).exp()
        device = self.patches.images.device
        chosen = chosen.to(device)
        off_table = torch.full((count,), OFF_TABLE, dtype=torch.int64, device=device)
        return Batch(
            to_unit_range(self.patches.images[chosen]),
            self.patches.condition[chosen],
            Condition(target.to(device), off_table),
            weight.to(device),
        )


class VicinalHinge(LossSpec):
    """Hinge loss in which each real image counts by its weight in the batch (HVDL and SVDL of CcGAN)."""

    kind: Literal["hard_vicinal_hinge"] = "hard_vicinal_hinge"

    def build(self, site: Site) -> Loss:
        """Build the loss."""
        return VicinalHingeLoss()


class VicinalHingeLoss(Loss):
    """Σ w max(0, 1 − D(x)) / Σ w + mean max(0, 1 + D(G(z)))."""

    def critic(self, step: CriticStep) -> Terms:
        """The weighted hinge on real images, the plain one on generated ones."""
        weight = step.batch.weight / step.batch.weight.sum().clamp_min(1e-12)
        real = (weight * F.relu(1 - step.real.score)).sum()
        return Terms({"critic": real + F.relu(1 + step.fake.score).mean()})

    def generator(self, step: GeneratorStep) -> Terms:
        """The mean score of generated images, negative."""
        return Terms({"generator": -step.fake.score.mean()})


@hookimpl
def alloygan_register_samplers(register: Callable[[type], None]) -> None:
    """Register the sampler."""
    register(Vicinal)


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the loss."""
    register(VicinalHinge)
