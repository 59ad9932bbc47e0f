"""Gradient penalty on interpolates: Gulrajani et al., Improved training of Wasserstein GANs, NIPS 2017, eq. (3).

It judges other images than those of the batch, and differentiates the critic's gradient.
"""

from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field

from alloygan import CriticStep, Loss, LossSpec, Site, Terms, hookimpl


class GradientPenalty(LossSpec):
    """Gradient penalty between real and generated images (WGAN-GP), for wgan with clip: 0."""

    kind: Literal["hard_gradient_penalty"] = "hard_gradient_penalty"
    weight: float = Field(10.0, ge=0, description="Factor λ of this term in the objective.")
    norm: float = Field(1.0, ge=0, description="Gradient norm of the score per image that costs nothing.")

    @property
    def needs(self) -> frozenset[str]:
        """Second derivatives of the critic."""
        return frozenset({"second_order"})

    def build(self, site: Site) -> Loss:
        """Build the loss."""
        return GradientPenaltyLoss(self.norm)


class GradientPenaltyLoss(Loss):
    """E (‖∇ D(x̂)‖ − norm)² at points x̂ between a real image and a generated one."""

    def __init__(self, norm: float) -> None:
        super().__init__()
        self.norm = norm

    def critic(self, step: CriticStep) -> Terms:
        """The penalty, through an extra forward that leaves running statistics alone."""
        real, fake = step.real_images, step.fake_images
        share = torch.rand(len(real), 1, 1, 1, generator=step.random, device=real.device, dtype=real.dtype)
        images = torch.lerp(real, fake, share).requires_grad_()
        score = step.critic(images, step.real_condition).score
        (gradient,) = torch.autograd.grad(score.sum(), images, create_graph=True)
        norm = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
        return Terms({"critic": (norm - self.norm).square().mean()}, {"gradient_norm": norm.detach().mean()})


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the loss."""
    register(GradientPenalty)
