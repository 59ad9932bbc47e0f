"""Scores of image sets on features of EfficientNet-Lite0."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from alloygan import Comparison
from alloygan_plugins.lite0_features.kernel_distance import kernel_distance
from alloygan_plugins.lite0_features.neighbourhoods import precision_recall_coverage
from alloygan_plugins.lite0_features.network import WIDTH, features_of, load_network
from alloygan_plugins.lite0_features.specs import Lite0

_AT_ONCE = 64


def build(spec: Lite0) -> "Lite0Comparison":
    """Load the network. Raises DataError where its weights are not installed."""
    return Lite0Comparison(load_network(spec.weights), spec)


class Lite0Comparison(Comparison):
    """`kid_lite0` (`kid_random` with untrained weights), `precision`, `recall` and `coverage`."""

    shares = frozenset({"precision", "recall", "coverage"})

    def __init__(self, network: nn.Module, spec: Lite0) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(self.device)
        self.spec = spec
        trained = spec.weights == "imagenet"
        self.kid = "kid_lite0" if trained else "kid_random"
        self.higher_is_better = {self.kid: False, "precision": True, "recall": True, "coverage": True}
        self.notes = (
            ("features of EfficientNet-Lite0 trained on ImageNet; not comparable with KID on Inception features",)
            if trained
            else ("features of an untrained network, which hardly see blur and noise",)
        )

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (N, 1280)."""
        found = np.zeros((len(images), WIDTH), dtype=np.float32)
        for first in range(0, len(images), _AT_ONCE):
            part = torch.from_numpy(np.ascontiguousarray(images[first : first + _AT_ONCE])).to(self.device)
            found[first : first + len(part)] = features_of(self.network, part, self.spec.side).cpu().numpy()
        return found

    def scores(self, judged: NDArray[np.float32], reference: NDArray[np.float32]) -> Mapping[str, float | None]:
        """The four scores; None where a set has fewer images than they need."""
        found: dict[str, float | None] = dict.fromkeys(self.higher_is_better)
        one, other = torch.from_numpy(judged), torch.from_numpy(reference)
        fewest = min(len(one), len(other))
        if fewest >= 2:
            found[self.kid] = kernel_distance(one, other)
        if fewest > self.spec.neighbours:
            shares = precision_recall_coverage(one, other, self.spec.neighbours)
            found |= dict(zip(("precision", "recall", "coverage"), shares, strict=True))
        return found
