"""The paper's loss for continuous conditions, eq. (1), and what makes it work where the printed form does not.

`proportional_2c` is a pure function that can be used without a run. m images, E features. Nothing is read back to the
host.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from alloygan import Condition, CriticStep, GeneratorStep, Loss, Terms
from alloygan_plugins.jain2024.chunks import sum_over_rows
from alloygan_plugins.jain2024.distances import Distance, between, located, mean_pair_distance, numbers_of_a_row
from alloygan_plugins.jain2024.specs import Proportional2C

_COINCIDE = 1e-3


def proportional_2c(
    image_embedding: Tensor,
    condition_embedding: Tensor,
    *,
    distance: Distance = "cosine",
    alpha: float | Tensor = 1.0,
    delta: float = 0.0,
    normalise: Literal["pairs", "as_printed"] = "pairs",
    condition_distance: Distance | None = None,
    relative: bool = False,
    anchors: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """The paper's loss for continuous conditions, eq. (1), a 0-d tensor ≥ 0.

    `image_embedding` l(x) (m, E); `condition_embedding` (m, E') is e(y), or the scaled conditions themselves for fixed
    label distances. `distance` is d for both, unless `condition_distance` names another for the second. `normalise`:
    "pairs" is the mean over the pairs, "as_printed" divides their sum by m. A batch of one gives 0.

    Beyond the paper: with `relative` both distances are in units of their mean, so that α is fitted in each batch
    (leave `alpha` at 1; δ is in these units) and embeddings that collapse do not cost less. With `anchors`, l(x) (n, E)
    and conditions (n, E') of other images, the pairs are the m × n of an image with an anchor, in place of the
    m(m − 1) of two images; the units are then those of the anchors. Memory grows with m, not with m².
    Raises ValueError where there are not as many conditions as images.
    """
    if len(image_embedding) != len(condition_embedding):
        raise ValueError(f"{len(image_embedding)} images and {len(condition_embedding)} conditions; as many of both")
    of_conditions = condition_distance or distance
    image_anchors, condition_anchors = anchors or (image_embedding, condition_embedding)
    per_image = _per_unit(image_anchors, distance) if relative else None
    per_condition = _per_unit(condition_anchors, of_conditions) if relative else None
    if isinstance(alpha, Tensor) or alpha != 1:
        per_condition = alpha * (torch.ones_like(image_embedding[0, 0]) if per_condition is None else per_condition)
    factors = [one for one in (per_image, per_condition) if one is not None]
    count, partners = len(image_embedding), len(image_anchors)

    def of_rows(rows: slice, image: Tensor, condition: Tensor, *given: Tensor) -> Tensor:
        other_images, other_conditions, *factors = given
        between_images = between(image[rows], other_images, distance)
        between_conditions = between(condition[rows], other_conditions, of_conditions)
        if per_image is not None:
            between_images = between_images * factors[0]
        if per_condition is not None:
            between_conditions = between_conditions * factors[-1]
        excess = (between_images - between_conditions).abs()
        if delta:
            excess = (excess - delta).clamp_min(0)
        if anchors is None:
            excess[:, rows].fill_diagonal_(0)  # no pair is of an image with itself
        return excess.sum()

    mine = located(image_embedding, distance), located(condition_embedding, of_conditions)
    theirs = mine
    if anchors is not None:
        theirs = located(image_anchors, distance), located(condition_anchors, of_conditions)
    numbers = max(
        numbers_of_a_row(image_embedding, partners, distance),
        numbers_of_a_row(condition_embedding, partners, of_conditions),
    )
    total = sum_over_rows(of_rows, count, numbers, *mine, *theirs, *factors)
    pairs = count * (partners if anchors is not None else count - 1)
    return total / (max(1, pairs) if normalise == "pairs" else count)


def _per_unit(points: Tensor, distance: Distance) -> Tensor:
    """1 over the mean distance; of points that nearly coincide (closer than a thousandth of their size) over that, so
    that the pull apart stays finite, and 0 where all are 0.
    """
    size = torch.ones_like(points[0, 0]) if distance == "cosine" else points.detach().norm(dim=1).mean()
    unit = torch.maximum(mean_pair_distance(points, distance), _COINCIDE * size)
    return torch.where(unit > 0, torch.where(unit > 0, unit, 1.0).reciprocal(), 0.0)


class Proportional2CLoss(Loss):
    """Eq. (1): on the real batch in the critic's step, on the fake batch in the generator's.

    Also logs the mean distances of both embeddings (the loss is 0 when both collapse), and α where it is learned.
    """

    def __init__(self, spec: Proportional2C) -> None:
        super().__init__()
        self.spec = spec
        self.fixed = spec.label_distance == "fixed"
        self.distance: Distance = spec.distance or ("l2" if self.fixed else "cosine")
        self.condition_distance: Distance = "l2" if self.fixed else self.distance
        self.log_alpha = nn.Parameter(torch.zeros(())) if spec.alpha == "learned" else None

    def _terms(self, role: str, image: Tensor, condition: Tensor, anchors: tuple[Tensor, Tensor] | None) -> Terms:
        spec = self.spec
        observed = {
            f"{role}_image_distance": mean_pair_distance(image.detach(), self.distance),
            f"{role}_condition_distance": mean_pair_distance(condition.detach(), self.condition_distance),
        }
        alpha: float | Tensor
        if self.log_alpha is None:
            assert spec.alpha != "learned"
            alpha = spec.alpha
        else:
            alpha = self.log_alpha.exp()
            observed[f"{role}_alpha"] = alpha.detach()
        value = proportional_2c(
            image,
            condition,
            distance=self.distance,
            alpha=alpha,
            delta=spec.delta,
            normalise=spec.normalise,
            condition_distance=self.condition_distance,
            relative=spec.relative,
            anchors=anchors,
        )
        return Terms({role: value}, observed)

    def critic(self, step: CriticStep) -> Terms:
        """Eq. (1) of the real batch; fixed distances are of the images' own conditions, whatever they are judged as."""
        image, condition = self._embeddings(
            step.real.image_embedding, step.real.condition_embedding, step.batch.own_condition
        )
        return self._terms("critic", image, condition, None)

    def generator(self, step: GeneratorStep) -> Terms:
        """Eq. (1) of the fake batch, or of it against the real one."""
        asked = step.batch.target_condition
        image, condition = self._embeddings(step.fake.image_embedding, step.fake.condition_embedding, asked)
        anchors = None
        if self.spec.anchored:
            assert step.real is not None
            real = step.real
            anchors = self._embeddings(real.image_embedding, real.condition_embedding, step.batch.own_condition)
        return self._terms("generator", image, condition, anchors)

    def _embeddings(self, image: Tensor | None, learned: Tensor | None, condition: Condition) -> tuple[Tensor, Tensor]:
        """l(x), and what its distances go with: e(y), or the scaled values."""
        assert image is not None  # the assembler has checked `needs`
        embedded = condition.values.to(image.dtype) if self.fixed else learned
        assert embedded is not None
        return image, embedded
