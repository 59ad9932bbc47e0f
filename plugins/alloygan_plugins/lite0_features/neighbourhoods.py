"""Precision, recall and coverage: which images lie in the k-nearest-neighbour balls of the other set.

Precision and recall: T. Kynkäänniemi et al., Improved precision and recall metric for assessing generative models,
NeurIPS 2019. Coverage: M. F. Naeem et al., Reliable fidelity and diversity metrics for generative models, ICML 2020.
"""

import torch
from torch import Tensor


def precision_recall_coverage(judged: Tensor, reference: Tensor, neighbours: int) -> tuple[float, float, float]:
    """Shares in [0, 1] for features (N, K) and (M, K), N and M above `neighbours`.

    The ball of an image reaches to its k-th nearest neighbour in its own set. Precision: judged images in the ball of
    any reference image. Recall: reference images in the ball of any judged image. Coverage: reference images whose
    ball holds a judged image.
    """
    across = torch.cdist(judged, reference)
    judged_radius = _radii(judged, neighbours)
    reference_radius = _radii(reference, neighbours)
    precision = (across <= reference_radius[None]).any(dim=1)
    recall = (across <= judged_radius[:, None]).any(dim=0)
    coverage = across.amin(dim=0) <= reference_radius
    return tuple(float(share.float().mean()) for share in (precision, recall, coverage))  # type: ignore[return-value]


def _radii(features: Tensor, neighbours: int) -> Tensor:
    # The nearest of all is the image itself, at distance 0.
    return torch.cdist(features, features).kthvalue(neighbours + 1, dim=1).values
