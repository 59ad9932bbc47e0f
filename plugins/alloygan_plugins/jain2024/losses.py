"""The paper's losses: eq. (2) with weight clipping, eq. (3), and eq. (1).

`contragan_2c` and `proportional_2c` are pure functions that can be used without a run. m images, E features. Masks are
made on the device, so nothing is read back to the host.
"""

from typing import Literal

import torch
from torch import Tensor

from alloygan import Critic, CriticStep, GeneratorStep, Loss, Terms
from alloygan_plugins.jain2024.specs import ContraGan2C, Proportional2C, Wgan

Distance = Literal["cosine", "l2"]


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
    (with "drop"). Safe for temperatures down to 0.01: all exponentials are taken relative to the largest.
    """
    if similarity == "cosine":
        image_embedding, condition_embedding = _unit(image_embedding), _unit(condition_embedding)
    to_condition = (image_embedding * condition_embedding).sum(dim=1, keepdim=True) / temperature
    to_images = image_embedding @ image_embedding.T / temperature
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = same & ~itself if self_pair == "drop" else same
    # The first column is always finite, so no row is all −inf, whose logsumexp has a NaN gradient.
    return (_log_sum(to_condition, to_images, ~itself) - _log_sum(to_condition, to_images, positive)).mean()


def proportional_2c(
    image_embedding: Tensor,
    condition_embedding: Tensor,
    *,
    distance: Distance = "cosine",
    alpha: float | Tensor = 1.0,
    delta: float = 0.0,
    normalise: Literal["pairs", "as_printed"] = "pairs",
    condition_distance: Distance | None = None,
) -> Tensor:
    """The paper's loss for continuous conditions, eq. (1), a 0-d tensor ≥ 0.

    `image_embedding` l(x) (m, E); `condition_embedding` (m, E') is e(y), or the scaled conditions themselves for fixed
    label distances. `distance` is d for both, unless `condition_distance` names another for the second. `normalise`:
    "pairs" is the mean over the m(m − 1) pairs, "as_printed" divides their sum by m. A batch of one gives 0.
    """
    between_images = pair_distances(image_embedding, distance)
    between_conditions = pair_distances(condition_embedding, condition_distance or distance)
    excess = ((between_images - alpha * between_conditions).abs() - delta).clamp_min(0)
    count = len(image_embedding)
    off_diagonal = ~torch.eye(count, dtype=torch.bool, device=excess.device)
    total = (excess * off_diagonal).sum()
    return total / (max(1, count * (count - 1)) if normalise == "pairs" else count)


def pair_distances(points: Tensor, distance: Distance) -> Tensor:
    """All distances of m points (m, E): (m, m). "cosine" is 1 − cos, in [0, 2]; "l2" is Euclidean, not squared.

    The gradient of "l2" is 0 where two points coincide, where the square root has none.
    """
    if distance == "cosine":
        unit = _unit(points)
        return 1 - unit @ unit.T
    difference = points[:, None, :] - points[None, :, :]
    squared = difference.square().sum(dim=2)
    apart = squared > 0
    return torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)


def mean_pair_distance(points: Tensor, distance: Distance) -> Tensor:
    """Mean distance over the m(m − 1) pairs; 0 for a batch of one."""
    count = len(points)
    off_diagonal = ~torch.eye(count, dtype=torch.bool, device=points.device)
    return (pair_distances(points, distance) * off_diagonal).sum() / max(1, count * (count - 1))


def _unit(vectors: Tensor) -> Tensor:
    """Vectors of length 1; those too short to have a direction become 0, with gradient 0."""
    squared = vectors.square().sum(dim=1, keepdim=True)
    long_enough = squared > 1e-24
    return vectors * torch.where(long_enough, torch.where(long_enough, squared, 1.0).rsqrt(), 0.0)


def _log_sum(first: Tensor, others: Tensor, mask: Tensor) -> Tensor:
    """log(exp(first) + Σ_k mask exp(others)) of each row: (m, 1), (m, m), (m, m) to (m,)."""
    return torch.cat([first, others.masked_fill(~mask, -torch.inf)], dim=1).logsumexp(dim=1)


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


class Proportional2CLoss(Loss):
    """Eq. (1): on the real batch in the critic's step, on the fake batch in the generator's.

    Also logs the mean distances of both embeddings: the loss is 0 when both collapse.
    """

    def __init__(self, spec: Proportional2C) -> None:
        super().__init__()
        self.alpha = spec.alpha
        self.delta = spec.delta
        self.normalise = spec.normalise
        self.fixed = spec.label_distance == "fixed"
        self.distance: Distance = spec.distance or ("l2" if self.fixed else "cosine")
        self.condition_distance: Distance = "l2" if self.fixed else self.distance

    def _terms(self, role: str, image: Tensor | None, condition: Tensor | None) -> Terms:
        assert image is not None  # the assembler has checked `needs`
        assert condition is not None
        value = proportional_2c(
            image,
            condition,
            distance=self.distance,
            alpha=self.alpha,
            delta=self.delta,
            normalise=self.normalise,
            condition_distance=self.condition_distance,
        )
        observed = {
            f"{role}_image_distance": mean_pair_distance(image.detach(), self.distance),
            f"{role}_condition_distance": mean_pair_distance(condition.detach(), self.condition_distance),
        }
        return Terms({role: value}, observed)

    def critic(self, step: CriticStep) -> Terms:
        """Eq. (1) of the real batch."""
        condition = step.real_condition.values if self.fixed else step.real.condition_embedding
        return self._terms("critic", step.real.image_embedding, condition)

    def generator(self, step: GeneratorStep) -> Terms:
        """Eq. (1) of the fake batch."""
        condition = step.batch.target_condition.values if self.fixed else step.fake.condition_embedding
        return self._terms("generator", step.fake.image_embedding, condition)
