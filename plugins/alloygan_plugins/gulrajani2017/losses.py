"""Gradient penalty (Gulrajani et al. 2017, arXiv 1704.00028, eq. 3 and algorithm 1).

B images of shape (C, H, W).
"""

import torch
from torch.nn.functional import relu

from alloygan import CriticStep, Loss, Terms
from alloygan_plugins.gulrajani2017.specs import GradientPenalty


class GradientPenaltyLoss(Loss):
    """E (‖∇_x̂ D(x̂)‖ − 1)², where x̂ = ε x + (1 − ε) G(z) and ε is uniform in [0, 1], drawn for each image."""

    def __init__(self, spec: GradientPenalty) -> None:
        super().__init__()
        self.target = spec.target
        self.one_sided = spec.one_sided

    def critic(self, step: CriticStep) -> Terms:
        """The penalty without its weight λ; observed: the mean norm.

        The condition of x̂ is that under which the real image was judged. In the paper's own conditional training the
        generated images of a batch have the labels of its real ones, so that a pair has one condition, as here with
        every sampler that asks for the conditions that it draws.
        """
        real, fake = step.real_images, step.fake_images
        share = step.uniform(1, 1, 1)
        between = torch.lerp(fake, real, share).requires_grad_()
        score = step.critic(between, step.real_condition).score
        # The sum gives each image's own gradient, as a score depends on its own image only (no batch norm).
        (gradient,) = torch.autograd.grad(score.sum(), between, create_graph=True)
        norm = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
        excess = norm - self.target
        if self.one_sided:
            excess = relu(excess)
        return Terms({"critic": excess.square().mean()}, {"gradient_norm": norm.detach().mean()})
