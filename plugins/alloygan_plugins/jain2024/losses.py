"""The paper's losses: eq. (2) with weight clipping, eq. (3), and eq. (1), which is written in `proportional`.

`contragan_2c` and `proportional_2c` are pure functions that can be used without a run. m images, E features. Masks are
made on the device, so nothing is read back to the host.
"""

from typing import Literal

import torch
from torch import Tensor

from alloygan import Critic, CriticStep, GeneratorStep, Loss, Terms
from alloygan_plugins.jain2024.chunks import sum_over_rows
from alloygan_plugins.jain2024.distances import unit_vectors
from alloygan_plugins.jain2024.proportional import proportional_2c
from alloygan_plugins.jain2024.specs import ContraGan2C, Wgan

__all__ = ["ContraGan2CLoss", "WassersteinLoss", "contragan_2c", "proportional_2c"]


def contragan_2c(
    image_embedding: Tensor,
    condition_embedding: Tensor,
    labels: Tensor,
    *,
    temperature: float = 0.1,
    similarity: Literal["cosine", "dot"] = "cosine",
    self_pair: Literal["drop", "as_printed"] = "drop",
) -> Tensor:
    """ContraGAN's conditional contrastive loss, eq. (3), a 0-d tensor.

    `image_embedding` l(x) (m, E), `condition_embedding` e(y) (m, E), `labels` (m,) int64. With `self_pair="drop"` the
    pair k = i is in neither sum and the loss is ≥ 0; `"as_printed"` keeps it in the numerator. A batch of one gives 0
    (with "drop"). Safe for temperatures down to 0.01: all exponentials are taken relative to the largest. Memory grows
    with m, not with m². Raises ValueError where their numbers differ.
    """
    if not len(image_embedding) == len(condition_embedding) == len(labels):
        raise ValueError(
            f"{len(image_embedding)} images, {len(condition_embedding)} conditions and {len(labels)} labels; as many "
            "of each"
        )
    if similarity == "cosine":
        image_embedding, condition_embedding = unit_vectors(image_embedding), unit_vectors(condition_embedding)
    images = torch.arange(len(labels), device=labels.device)

    def of_rows(rows: slice, image: Tensor, condition: Tensor) -> Tensor:
        mine = image[rows]
        to_condition = (mine * condition[rows]).sum(dim=1, keepdim=True) / temperature
        to_images = mine @ image.T / temperature
        others = images[rows, None] != images
        same = labels[rows, None] == labels
        positive = same & others if self_pair == "drop" else same
        # The first column is always finite, so no row is all −inf, whose logsumexp has a NaN gradient.
        return (_log_sum(to_condition, to_images, others) - _log_sum(to_condition, to_images, positive)).sum()

    total = sum_over_rows(of_rows, len(images), len(images), image_embedding, condition_embedding)
    return total / len(images)


def _log_sum(first: Tensor, others: Tensor, mask: Tensor) -> Tensor:
    """log(exp(first) + Σ_k mask exp(others)) of each row: (m, 1), (m, m), (m, m) to (m,)."""
    return torch.cat([first, torch.where(mask, others, -torch.inf)], dim=1).logsumexp(dim=1)


class WassersteinLoss(Loss):
    """Eq. (2): the critic maximises E f(real) − E f(fake), the generator minimises it; weights are clipped."""

    def __init__(self, spec: Wgan) -> None:
        super().__init__()
        self.clip = spec.clip
        self.scope = spec.clip_scope

    def critic(self, step: CriticStep) -> Terms:
        """E f(fake) − E f(real), to minimise; its negative estimates the Wasserstein distance."""
        distance = step.real.score.mean() - step.fake.score.mean()
        return Terms({"critic": -distance}, {"wasserstein_distance": distance.detach()})

    def generator(self, step: GeneratorStep) -> Terms:
        """−E f(fake)."""
        return Terms({"generator": -step.fake.score.mean()})

    @torch.no_grad()
    def after_critic_update(self, critic: Critic) -> None:
        """Clip after the optimiser's step, so that the generator never meets an unclipped critic."""
        if self.clip > 0:
            for parameter in critic.parameters() if self.scope == "all" else critic.trunk_parameters():
                parameter.clamp_(-self.clip, self.clip)


class ContraGan2CLoss(Loss):
    """Eq. (3): on the real batch in the critic's step, on the fake batch in the generator's, as ContraGAN does."""

    def __init__(self, spec: ContraGan2C) -> None:
        super().__init__()
        self.temperature = spec.temperature
        self.similarity = spec.similarity
        self.self_pair = spec.self_pair

    def _value(self, image: Tensor | None, condition: Tensor | None, labels: Tensor) -> Tensor:
        assert image is not None  # the assembler has checked `needs`
        assert condition is not None
        return contragan_2c(
            image,
            condition,
            labels,
            temperature=self.temperature,
            similarity=self.similarity,
            self_pair=self.self_pair,
        )

    def critic(self, step: CriticStep) -> Terms:
        """2C of the real batch."""
        real = step.real
        value = self._value(real.image_embedding, real.condition_embedding, step.real_condition.label)
        return Terms({"critic": value})

    def generator(self, step: GeneratorStep) -> Terms:
        """2C of the fake batch."""
        fake, labels = step.fake, step.batch.target_condition.label
        return Terms({"generator": self._value(fake.image_embedding, fake.condition_embedding, labels)})
