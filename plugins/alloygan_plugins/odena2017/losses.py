"""Auxiliary classifier (Odena et al. 2017, arXiv 1610.09585, eq. 3).

B images, K conditions of the table.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from alloygan import CriticStep, Critique, GeneratorStep, Loss, Terms
from alloygan_plugins.odena2017.specs import AuxiliaryClassifier


class AuxiliaryClassifierLoss(Loss):
    """−L_C: cross entropy of the condition. Eq. (2), L_S, is left to an adversarial loss beside it.

    The linear head on the critic's image embedding is the loss's own; it trains with the critic and is not clipped.
    """

    def __init__(self, spec: AuxiliaryClassifier, width: int, classes: int) -> None:
        super().__init__()
        self.with_fake = spec.critic_learns_from == "both"
        self.head = nn.Linear(width, classes)

    def critic(self, step: CriticStep) -> Terms:
        """Eq. (3), negative: a sum over real and generated images, since both maximise L_C. Observed: accuracies."""
        real_label, fake_label = step.real_condition.label, step.batch.target_condition.label
        real, fake = self._logits(step.real), self._logits(step.fake)
        value = F.cross_entropy(real, real_label)
        if self.with_fake:
            value = value + F.cross_entropy(fake, fake_label)
        observed = {"real_accuracy": _accuracy(real, real_label), "fake_accuracy": _accuracy(fake, fake_label)}
        return Terms({"critic": value}, observed)

    def generator(self, step: GeneratorStep) -> Terms:
        """The term of eq. (3) that depends on the generator."""
        return Terms({"generator": F.cross_entropy(self._logits(step.fake), step.batch.target_condition.label)})

    def _logits(self, critique: Critique) -> Tensor:
        assert critique.image_embedding is not None  # the assembler has checked `needs`
        logits: Tensor = self.head(critique.image_embedding)
        return logits


def _accuracy(logits: Tensor, label: Tensor) -> Tensor:
    """Share of images (B, K) whose largest logit is that of their condition."""
    return (logits.detach().argmax(dim=1) == label).to(logits.dtype).mean()
