"""Relativistic paired GAN: Jolicoeur-Martineau, The relativistic discriminator, 2018 (arXiv:1807.00734).

Its generator's step needs the critique of real images, which the loop makes only for a loss that asks.
"""

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from alloygan import CriticStep, GeneratorStep, Loss, LossSpec, Site, Terms, hookimpl


class Relativistic(LossSpec):
    """Relativistic paired logistic loss: a real image is to look more real than a generated one (RpGAN)."""

    kind: Literal["hard_relativistic"] = "hard_relativistic"

    @property
    def needs(self) -> frozenset[str]:
        """The critique of real images in both steps."""
        return frozenset({"real_in_generator_step"})

    def build(self, site: Site) -> Loss:
        """Build the loss."""
        return RelativisticLoss()


class RelativisticLoss(Loss):
    """softplus(D(fake) − D(real)) for the critic, and the other way round for the generator."""

    def critic(self, step: CriticStep) -> Terms:
        """Real above fake."""
        return Terms({"critic": _below(step.fake.score, step.real.score)})

    def generator(self, step: GeneratorStep) -> Terms:
        """Fake above real."""
        assert step.real is not None  # asked for in `needs`
        return Terms({"generator": _below(step.real.score, step.fake.score)})


def _below(lower: Tensor, upper: Tensor) -> Tensor:
    return F.softplus(lower - upper).mean()


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the loss."""
    register(Relativistic)
