"""LeCam regularisation: Tseng et al., Regularizing generative adversarial networks under limited data, CVPR 2021."""

from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field

from alloygan import CriticStep, Loss, LossSpec, Site, Terms, hookimpl


class LeCam(LossSpec):
    """LeCam: pulls scores of real images to the average of generated ones and vice versa (Tseng et al. 2021)."""

    kind: Literal["lecam"] = "lecam"
    weight: float = Field(0.3, ge=0, description="Factor of this term in the objective (λ).")
    decay: float = Field(0.99, ge=0, lt=1, description="Decay of the average scores at each critic update.")

    def build(self, site: Site) -> Loss:
        return LeCamLoss(self.decay)


class LeCamLoss(Loss):
    """R = E (D(x) − α_fake)² + E (D(G(z)) − α_real)², with moving averages α of the critic's scores."""

    averages: torch.Tensor  # of real scores, of fake scores, and of 1: the share that the zero start has lost

    def __init__(self, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("averages", torch.zeros(3))

    def critic(self, step: CriticStep) -> Terms:
        """Update the averages on the device, and return R."""
        real, fake = step.real.score, step.fake.score
        now = torch.stack([real.mean(), fake.mean(), torch.ones_like(real[0])]).detach()
        self.averages.lerp_(now, 1 - self.decay)
        alpha_real, alpha_fake = self.averages[:2] / self.averages[2]
        return Terms({"critic": (real - alpha_fake).square().mean() + (fake - alpha_real).square().mean()})


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    register(LeCam)
