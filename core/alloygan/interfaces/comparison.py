"""A comparison scores a set of images against another set as wholes, by features instead of by a measured quantity."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]


class Comparison(ABC):
    """Maps images to features once, and gives one or several named scores of two sets of features.

    Unlike a descriptor's distance, a score may be negative (an unbiased estimate), may depend on which set is judged
    (precision), and may be better the higher it is.
    """

    higher_is_better: Mapping[str, bool]
    """The names of the scores, in the order of the tables, and which direction is better."""

    shares: frozenset[str] = frozenset()
    """Scores that are shares, so that intervals end at 0 and 1."""

    notes: tuple[str, ...] = ()
    """What a reader must know of these scores, such as the weights behind the features."""

    @abstractmethod
    def features(self, images: NDArray[np.uint8]) -> Features:
        """Features float32 (N, K) of images uint8 (N, C, H, W), finite; images are taken one by one, so that the
        features of a part are a part of the features.
        """

    @abstractmethod
    def scores(self, judged: Features, reference: Features) -> Mapping[str, float | None]:
        """A number for each name: how `judged` (N, K) compares with `reference` (M, K); None where there are too few
        images. Deterministic, and finite.
        """
