"""The nearest training patch of an image, over mirrored, turned and shifted copies, by two measures.

The distance of an image q and a training patch t is the root mean square of q − S T t in grey levels over the pixels
where they overlap, at its smallest over the symmetries T of the square and the shifts S of up to a few px. It is taken
of the images as they are: brightness and contrast count. The correlation of q and S T t over the overlap, at its
largest, is blind to both: a copy a·t + b with a > 0 correlates by 1.

A coarse search ranks all training patches and symmetries in either measure by the strongest spatial frequencies of the
training patches, for a coarse grid of shifts. The best ones in either, the candidates, are then compared exactly: every
pixel, every shift. So both measures are exact for the candidates: the distance is never below the true smallest one,
and the correlation never above the true largest one.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from alloygan.evaluation.coarse_search import CoarseSearch
from alloygan.evaluation.fine_search import FineSearch, measured
from alloygan.evaluation.square_symmetries import OF_GROUP, Group

Images = NDArray[np.uint8]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_CANDIDATES = (32, 256)
_VALUES_COMPARED = 2**19


@dataclass(frozen=True)
class Matches:
    """A training patch for each of N images.

    `distance` (N,): root mean square difference in grey levels over the overlap. `correlation` (N,): Pearson's, of the
    grey levels there, 1 for a copy of any contrast and brightness, and 0 where either is flat. `index` (N,): which
    training patch. `transform` (N,): what was done to it, a position in `TRANSFORMS`. `shift` (N, 2): by how many px it
    was then moved down and to the right.
    """

    distance: FloatArray
    correlation: FloatArray
    index: IntArray
    transform: IntArray
    shift: IntArray


@dataclass(frozen=True)
class Nearest:
    """The nearest training patches of N images: the `closest` by distance, and the most `alike` by correlation."""

    closest: Matches
    alike: Matches


def nearest_training(
    queries: Images,
    training: Images,
    *,
    shift: int = 4,
    group: Group = "d4",
    candidates: int | None = None,
    device: torch.device | str = "cpu",
) -> Nearest:
    """Search images uint8 (N, C, H, W) among training patches uint8 (M, C, H, W); see `TrainingSearch`."""
    return TrainingSearch(training, shift=shift, group=group, candidates=candidates, device=device).nearest(queries)


class TrainingSearch:
    """Training patches uint8 (M, C, H, W), M ≥ 1, made ready to be searched for the nearest one of any image.

    `shift`: the largest shift in px, at most a quarter of the shorter side. `group`: `none`, `flips` (with the turn by
    180°) or `d4`, all symmetries of the square, of which patches that are not square take the flips. `candidates`: how
    many patches, each under one symmetry, either measure has compared exactly; by default 32 for 128 × 128 px, and more
    for smaller patches (at most 256), whose borders make the coarse search less sure.
    """

    def __init__(
        self,
        training: Images,
        *,
        shift: int = 4,
        group: Group = "d4",
        candidates: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        if training.ndim != 4 or training.dtype != np.uint8 or not training.size:
            raise ValueError(f"training patches are uint8 (M, C, H, W) and at least one, not {_kind(training)}")
        if shift < 0 or (candidates is not None and candidates < 1):
            raise ValueError(f"shift {shift} must be at least 0, and candidates {candidates} at least 1")
        height, width = training.shape[2:]
        self.shift = min(shift, (min(height, width) - 1) // 4)
        self.group: Group = "flips" if group == "d4" and height != width else group
        fewest, most = _CANDIDATES
        self.candidates = candidates or max(fewest, min(most, _VALUES_COMPARED // training[0].size))
        self._training = torch.from_numpy(np.ascontiguousarray(training)).to(device)
        self._coarse = CoarseSearch(self._training, self.shift, OF_GROUP[self.group])
        self._fine = FineSearch(self._training, self.shift)

    @torch.inference_mode()
    def nearest(self, queries: Images) -> Nearest:
        """The nearest training patches of images uint8 (N, C, H, W)."""
        if queries.shape[1:] != self._training.shape[1:] or queries.dtype != np.uint8:
            expected = tuple(self._training.shape[1:])
            raise ValueError(f"images are uint8 (N, {', '.join(map(str, expected))}), not {_kind(queries)}")
        closest, alike = _none(len(queries)), _none(len(queries))
        images = torch.from_numpy(np.ascontiguousarray(queries)).to(self._training.device)
        for number, image in enumerate(images):
            patches, transforms = self._coarse.candidates(image, self.candidates)
            for matches, (place, shift) in zip(
                (closest, alike), self._fine.best(image, patches, transforms), strict=True
            ):
                index, transform = int(patches[place]), int(transforms[place])
                matches.index[number], matches.transform[number], matches.shift[number] = index, transform, shift
                matches.distance[number], matches.correlation[number] = measured(
                    image, self._training[index], transform, matches.shift[number]
                )
        return Nearest(closest, alike)


def _none(count: int) -> Matches:
    """Room for so many matches."""
    return Matches(
        np.zeros(count),
        np.zeros(count),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
        np.zeros((count, 2), dtype=np.int64),
    )


def _kind(images: Images) -> str:
    return f"{images.dtype} {images.shape}"
