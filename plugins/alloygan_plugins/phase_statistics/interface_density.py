"""Length of the interface between the phases, per area."""

import math
from typing import Literal

import numpy as np

from alloygan.evaluation.distances import wasserstein
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens


class InterfaceDensityDescriptor(Descriptor):
    """Interface length per area from what rows and columns of pixels cross, in 1/px or 1/µm.

    With p the share of neighbouring pixels of unlike phase, along rows and along columns: `manhattan` is
    p_rows + p_columns, the length of the pixels' edges between the phases; `isotropic` is π/4 of it. By
    Cauchy and Crofton L_A = π/2 times the crossings per length of a line, averaged over the directions; two
    directions stand for all (C. V. Howard and M. G. Reed, Unbiased Stereology, 2nd ed. 2005).
    """

    def __init__(self, estimate: Literal["isotropic", "manhattan"]) -> None:
        self.factor = math.pi / 4 if estimate == "isotropic" else 1.0

    def measure(self, specimens: Specimens) -> Measurement:
        """One value (N,) an image."""
        masks = specimens.masks
        crossings = np.zeros(len(masks))
        # Per pair, not per pixel: an image of W columns has W - 1 pairs in a row, and small images must not
        # count less.
        if masks.shape[2] > 1:
            crossings += (masks[:, :, 1:] != masks[:, :, :-1]).mean(axis=(1, 2))
        if masks.shape[1] > 1:
            crossings += (masks[:, 1:] != masks[:, :-1]).mean(axis=(1, 2))
        return Measurement(
            self.factor * crossings / specimens.length_per_px,
            unit=f"1/{specimens.unit}",
            image=np.arange(len(masks)),
        )

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """The 1-Wasserstein distance of the two distributions over images."""
        return wasserstein(one, other)
