"""Whether distances of a critic's image embeddings go with distances of conditions, as eq. (1) of Jain et al. asks.

Eq. (1) wants d(l_i, l_j) = α d(y_i, y_j) for images i and j. It is also 0 where all embeddings are one point, so the
mean distance stands beside everything. A critic that is shown the condition may read it off there instead of off the
image; so the images are also judged under one condition for all, where only the images can tell.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Patches, to_unit_range
from alloygan.evaluation.selection import spread_over_sources
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critic

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

OWN, ONE = "own condition", "one condition for all"
"""What images are judged under."""

_MOST_IMAGES = 400
_TRIPLETS = 20_000
_ROUNDING = 1e-5  # of the largest distance; embeddings and scaled values are float32
_BATCH = 64


def embedding_scores(critic: Critic, patches: Patches, space: ConditionSpace, seed: int = 0) -> dict[str, Any] | None:
    """Scores of at most 400 real images, equally many of each condition of the table; ready for JSON.

    None for a critic without image embeddings, and for conditions without a table or without distances. `images`;
    `condition_distance`, the mean of d(y, y) in scaled units; `embedded_condition_distance`, the mean of 1 − cos of
    the critic's own e(y), None where it has none; `rows`, for each way of judging (`judged_under`), distance of
    embeddings (`cosine`: 1 − cos; `l2`) and `pairs` (`all`, or `held_out`: those with an image of a held-out
    condition): the `mean` distance, `pearson` and `spearman` correlation with the distance of conditions, the factor
    `alpha` of the best fit through 0 with its root mean square `residual` in parts of the mean, and `triplets`, the
    share of triplets of images in the right order (0.5 by chance).
    """
    chosen = _chosen(patches, space, seed)
    if len(chosen) < 3:
        return None
    own = patches.condition[torch.from_numpy(chosen)].to("cpu")
    values = own.values.double().numpy()
    apart = _l2(values)
    if not apart.any():
        return None
    images = patches.images[torch.from_numpy(chosen)]
    middle = int((own.values - own.values.mean(dim=0)).norm(dim=1).argmin())
    one = own[torch.full((len(chosen),), middle)]
    first = _embedded(critic, images, own)
    if first is None:
        return None
    unseen = np.isin(own.label.numpy(), sorted(space.held_out))
    rows = []
    for words, embedding in ((OWN, first[0]), (ONE, _embedded(critic, images, one)[0])):  # type: ignore[index]
        for name, distances in (("cosine", _cosine(embedding)), ("l2", _l2(embedding))):
            for pairs, anchors in (("all", np.ones(len(chosen), dtype=bool)), ("held_out", unseen)):
                if anchors.any():
                    about: dict[str, Any] = {"judged_under": words, "distance": name, "pairs": pairs}
                    rows.append(about | _scores(distances, apart, anchors, seed))
    conditions = first[1]
    return {
        "images": len(chosen),
        "condition_distance": _mean(apart),
        "embedded_condition_distance": None if conditions is None else _mean(_cosine(conditions)),
        "rows": rows,
    }


def _chosen(patches: Patches, space: ConditionSpace, seed: int) -> NDArray[np.int64]:
    labels, sources = patches.condition.label.cpu().numpy(), patches.source.cpu().numpy()
    here = [label for label in range(len(space.table)) if (labels == label).any()]
    each = max(1, _MOST_IMAGES // max(1, len(here)))
    parts = []
    for label in here[:_MOST_IMAGES]:
        mine = np.flatnonzero(labels == label)
        parts.append(mine[spread_over_sources(sources[mine], min(each, len(mine)), [seed, label, 5])])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


@torch.inference_mode()
def _embedded(critic: Critic, images: Tensor, condition: Condition) -> tuple[FloatArray, FloatArray | None] | None:
    """l(x) (N, E) of each image, and e(y) (N, E) where there is one; None without l(x)."""
    device = next(critic.parameters()).device
    parts: list[FloatArray] = []
    conditions: list[FloatArray] = []
    for start in range(0, len(images), _BATCH):
        some = slice(start, start + _BATCH)
        given = condition[torch.arange(len(images))[some]].to(device)
        judged = critic(to_unit_range(images[some].to(device)), given)
        if judged.image_embedding is None:
            return None
        parts.append(judged.image_embedding.double().cpu().numpy())
        if judged.condition_embedding is not None:
            conditions.append(judged.condition_embedding.double().cpu().numpy())
    return np.concatenate(parts), np.concatenate(conditions) if conditions else None


def _scores(distances: FloatArray, apart: FloatArray, anchors: BoolArray, seed: int) -> dict[str, Any]:
    upper = np.triu(anchors[:, None] | anchors[None], 1)
    image, condition = distances[upper], apart[upper]
    varies = image.std() > 1e-12 * max(1.0, float(np.abs(image).max())) and condition.std() > 0
    alpha = float((image * condition).sum() / (condition**2).sum()) if condition.any() else None
    mean = float(image.mean())
    misfit = None if alpha is None else float(np.sqrt(((image - alpha * condition) ** 2).mean()))
    return {
        "mean": mean,
        "pearson": float(np.corrcoef(image, condition)[0, 1]) if varies else None,
        "spearman": float(spearmanr(_rounded(image), _rounded(condition)).statistic) if varies else None,
        "alpha": alpha,
        "residual": misfit / mean if misfit is not None and varies else None,
        "triplets": _triplets(distances, apart, np.flatnonzero(anchors), seed) if varies else None,
    }


def _triplets(distances: FloatArray, apart: FloatArray, anchors: NDArray[np.int64], seed: int) -> float | None:
    """Of triplets (a, b, c) with b nearer to a in its condition than c: the share in which its image is nearer too."""
    random = np.random.default_rng([seed, 6])
    a = random.choice(anchors, _TRIPLETS)
    b, c = random.integers(len(apart), size=(2, _TRIPLETS))
    by_condition = apart[a, b] - apart[a, c]
    counts = (np.abs(by_condition) > _ROUNDING * apart.max()) & (a != b) & (a != c)
    if not counts.any():
        return None
    by_image = distances[a, b] - distances[a, c]
    by_image[np.abs(by_image) <= _ROUNDING * distances.max()] = 0
    agree = np.sign(by_image) * np.sign(by_condition)
    return float(((agree + 1) / 2)[counts].mean())


def _rounded(distances: FloatArray) -> FloatArray:
    """Without the digits that are rounding: on a grid many distances are equal, and ranks must not differ by noise."""
    found: FloatArray = np.round(distances / (_ROUNDING * distances.max()))
    return found


def _l2(points: FloatArray) -> FloatArray:
    squared = (points**2).sum(axis=1)
    found: FloatArray = np.sqrt(np.maximum(squared[:, None] + squared[None] - 2 * points @ points.T, 0.0))
    np.fill_diagonal(found, 0.0)
    return found


def _cosine(points: FloatArray) -> FloatArray:
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    unit = np.divide(points, norms, out=np.zeros_like(points), where=norms > 1e-12)
    found: FloatArray = 1.0 - unit @ unit.T
    return found


def _mean(distances: FloatArray) -> float:
    return float(distances[np.triu_indices(len(distances), 1)].mean())
