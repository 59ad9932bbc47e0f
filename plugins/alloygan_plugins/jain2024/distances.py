"""Distances between embeddings, with gradients that are finite everywhere."""

from typing import Literal

import torch
from torch import Tensor

from alloygan_plugins.jain2024.chunks import sum_over_rows

Distance = Literal["cosine", "l2"]


def distances(points: Tensor, others: Tensor, distance: Distance) -> Tensor:
    """Distances of m points (m, E) from n others (n, E): (m, n). "cosine" is 1 − cos, in [0, 2]; "l2" is Euclidean, not
    squared.

    The gradient of "l2" is 0 where two points coincide, where the square root has none.
    """
    return between(located(points, distance), located(others, distance), distance)


def located(points: Tensor, distance: Distance) -> Tensor:
    """The points (m, E) where `between` wants them: of length 1 for "cosine". Once for a batch, not for each piece."""
    return unit_vectors(points) if distance == "cosine" else points


def between(points: Tensor, others: Tensor, distance: Distance) -> Tensor:
    """`distances` of points that are `located` already."""
    if distance == "cosine":
        return 1 - points @ others.T
    # Not by a matrix product, whose differences of large numbers lose small distances.
    return torch.cdist(points, others, compute_mode="donot_use_mm_for_euclid_dist")


def numbers_of_a_row(points: Tensor, others: int, distance: Distance) -> int:
    """How many numbers are held at once for the distances of a point (of m, E) from n others, and their gradient."""
    # On a GPU torch's gradient of "l2" makes all m × n × E differences.
    each = points.shape[1] if distance == "l2" and points.device.type != "cpu" else 1
    return others * max(1, each)


def pair_distances(points: Tensor, distance: Distance) -> Tensor:
    """All distances of m points (m, E) among themselves: (m, m)."""
    return distances(points, points, distance)


def mean_pair_distance(points: Tensor, distance: Distance) -> Tensor:
    """Mean distance over the m(m − 1) pairs, 0-d; 0 for a batch of one. Memory grows with m, not with m²."""
    count = len(points)
    everyone = torch.arange(count, device=points.device)

    def of_rows(rows: slice, points: Tensor) -> Tensor:
        # The distance of a point from itself is 0 but for rounding.
        return torch.where(everyone[rows, None] != everyone, between(points[rows], points, distance), 0).sum()

    numbers = numbers_of_a_row(points, count, distance)
    return sum_over_rows(of_rows, count, numbers, located(points, distance)) / max(1, count * (count - 1))


def unit_vectors(vectors: Tensor) -> Tensor:
    """Vectors of length 1; those too short to have a direction become 0, with gradient 0."""
    squared = vectors.square().sum(dim=1, keepdim=True)
    # 1 over the length; over infinity it is 0, and its gradient too.
    return vectors * torch.where(squared > 1e-24, squared, torch.inf).rsqrt()
