"""The images of a condition, generated and held-out real, each with its nearest training patches."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.bootstrap import Resampler
from alloygan.evaluation.nearest import Matches, Nearest
from alloygan.evaluation.square_symmetries import TRANSFORMS

Images = NDArray[np.uint8]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ImageSet:
    """Images of one origin: their nearest training patches, and the standard deviation of each's grey levels (N,)."""

    nearest: Nearest
    contrast: FloatArray

    def __len__(self) -> int:
        return len(self.contrast)

    @property
    def distances(self) -> FloatArray:
        """To the closest training patch (N,)."""
        return self.nearest.closest.distance

    @property
    def unlikeness(self) -> FloatArray:
        """1 − r (N,), for the correlation r with the training patch that is most alike."""
        return 1.0 - self.nearest.alike.correlation


@dataclass(frozen=True)
class Nearness:
    """How near the images of a condition are to training patches; `units`: what real images are drawn again by."""

    label: int
    generated: ImageSet
    real: ImageSet
    units: Resampler

    def pair(self, matches: Matches, sample: int) -> dict[str, Any]:
        """A generated image and a training patch, ready for JSON."""
        return {
            "label": self.label,
            "sample": sample,
            "distance": float(matches.distance[sample]),
            "correlation": float(matches.correlation[sample]),
            "training": int(matches.index[sample]),
            "transform": TRANSFORMS[matches.transform[sample]],
            "shift": matches.shift[sample].tolist(),
        }


def contrast_of(images: Images) -> FloatArray:
    """The standard deviation of the grey levels of each image (N, C, H, W)."""
    return np.array([image.std() for image in images], dtype=np.float64)
