"""Auxiliary classifier: Odena et al., Conditional image synthesis with auxiliary classifier GANs, ICML 2017, eq. (2).

Owns a head, whose shape comes from what the critic gives and how many conditions there are.
"""

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from alloygan import CriticStep, GeneratorStep, Loss, LossSpec, Site, Terms, hookimpl


class AuxiliaryClassifier(LossSpec):
    """Class of an image, told from its embedding by a head that trains with the critic (ACGAN)."""

    kind: Literal["hard_auxiliary_classifier"] = "hard_auxiliary_classifier"

    @property
    def needs(self) -> frozenset[str]:
        """The image embedding, and ids as classes."""
        return frozenset({"image_embedding", "label"})

    def build(self, site: Site) -> Loss:
        """Build the head from the embedding's width to the number of conditions."""
        (width,) = site.critic_outputs["image_embedding"]
        return AuxiliaryClassifierLoss(width, site.condition_count)


class AuxiliaryClassifierLoss(Loss):
    """Cross entropy of the class of real images in the critic's step, of generated ones in the generator's."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(width, classes)

    def critic(self, step: CriticStep) -> Terms:
        """Trains the head and the critic's embedding."""
        return Terms({"critic": self._entropy(step.real.image_embedding, step.real_condition.label)})

    def generator(self, step: GeneratorStep) -> Terms:
        """Asks for images whose class can be told."""
        return Terms({"generator": self._entropy(step.fake.image_embedding, step.batch.target_condition.label)})

    def _entropy(self, embedding: Tensor | None, label: Tensor) -> Tensor:
        assert embedding is not None  # asked for in `needs`
        return F.cross_entropy(self.head(embedding), label)


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the loss."""
    register(AuxiliaryClassifier)
