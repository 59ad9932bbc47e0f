"""Zero-centred gradient penalties (Mescheder et al. 2018, arXiv 1801.04406, eqs. 9 and 10).

Both are ½ E ‖∇ D‖² here: the paper's γ/2 with γ as the spec's weight, which the loop applies.
"""

import torch
from torch import Tensor

from alloygan import Condition, CriticStep, Loss, Terms
from alloygan.interfaces.step import ExtraForward


class R1Loss(Loss):
    """Eq. (9): ½ E ‖∇ D(x)‖² over real images."""

    def critic(self, step: CriticStep) -> Terms:
        """The penalty without γ; observed: the mean norm."""
        return _penalty(step.critic, step.real_images, step.real_condition)


class R2Loss(Loss):
    """Eq. (10): ½ E ‖∇ D(G(z))‖² over generated images, under the conditions that were asked for."""

    def critic(self, step: CriticStep) -> Terms:
        """The penalty without γ; observed: the mean norm."""
        return _penalty(step.critic, step.fake_images, step.batch.target_condition)


def _penalty(critic: ExtraForward, images: Tensor, condition: Condition) -> Terms:
    # The step's own critique was made without a gradient by the images, so they are judged once more.
    images = images.detach().requires_grad_()
    score = critic(images, condition).score
    # The sum gives each image's own gradient, as a score depends on its own image only (no batch norm).
    (gradient,) = torch.autograd.grad(score.sum(), images, create_graph=True)
    squared = gradient.square().sum(dim=(1, 2, 3))
    return Terms({"critic": 0.5 * squared.mean()}, {"gradient_norm": squared.detach().sqrt().mean()})
