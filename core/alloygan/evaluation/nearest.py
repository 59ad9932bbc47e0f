"""The nearest training patch of an image, over mirrored, turned and shifted copies.

The distance of an image q and a training patch t is the root mean square of q − S T t in grey levels over the pixels
where they overlap, at its smallest over the symmetries T of the square and the shifts S of up to a few px. It is taken
of the images as they are: brightness and contrast count.

A coarse search ranks all training patches and symmetries by the strongest spatial frequencies of the training patches,
for a coarse grid of shifts. The best ones, the candidates, are then compared exactly: every pixel, every shift. So the
distance is exact for the candidates, and never below the true one.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Images = NDArray[np.uint8]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Group = Literal["none", "flips", "d4"]

TRANSFORMS = (
    "as it is",
    "flipped left-right",
    "flipped up-down",
    "turned by 180°",
    "transposed",
    "turned by 270°",
    "turned by 90°",
    "transposed across the other diagonal",
)
"""Names of the symmetries, what was done to the training patch; turns are counter-clockwise."""

_OF_GROUP: dict[Group, tuple[int, ...]] = {"none": (0,), "flips": (0, 1, 2, 3), "d4": tuple(range(8))}
# Only the turns by 90° and 270° undo each other; all others undo themselves.
_INVERSE = (0, 1, 2, 3, 4, 6, 5, 7)
_MOST_FREQUENCIES = 256
_POWER = 0.95
_COHERENCE = 0.7
_LONGEST_STEP = 4
_CANDIDATES = (32, 256)
_VALUES_COMPARED = 2**19
_VALUES_AT_ONCE = 2**22


@dataclass(frozen=True)
class Nearest:
    """The nearest training patch of each of N images.

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
    many patches, each under one symmetry, are compared exactly for an image; by default 32 for 128 × 128 px, and more
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
        # A common level taken off keeps sums of squares, and so their rounding, small.
        level = float(training.mean())
        self._coarse = _CoarseSearch(self._training, level, self.shift, _OF_GROUP[self.group])
        self._fine = _FineSearch(self._training, level, self.shift)

    @torch.inference_mode()
    def nearest(self, queries: Images) -> Nearest:
        """The nearest training patch of images uint8 (N, C, H, W)."""
        if queries.shape[1:] != self._training.shape[1:] or queries.dtype != np.uint8:
            expected = tuple(self._training.shape[1:])
            raise ValueError(f"images are uint8 (N, {', '.join(map(str, expected))}), not {_kind(queries)}")
        count = len(queries)
        distance, correlation = np.zeros(count), np.zeros(count)
        index, transform = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        shift = np.zeros((count, 2), dtype=np.int64)
        images = torch.from_numpy(np.ascontiguousarray(queries)).to(self._training.device)
        for number, image in enumerate(images):
            patches, transforms = self._coarse.best(image, self.candidates)
            place, shift[number] = self._fine.best(image, patches, transforms)
            index[number], transform[number] = int(patches[place]), int(transforms[place])
            patch = self._training[index[number]]
            distance[number], correlation[number] = _likeness(image, patch, int(transform[number]), shift[number])
        return Nearest(distance, correlation, index, transform, shift)


def transformed(images: Tensor, transform: int) -> Tensor:
    """Images (N, C, H, W) under one of `TRANSFORMS`; those from the fifth on exchange height and width."""
    if transform >= 4:
        images = images.transpose(2, 3)
    sides = [side for side, bit in ((3, 1), (2, 2)) if transform & bit]
    return images.flip(sides) if sides else images


class _CoarseSearch:
    """Squared distances in the strongest frequencies, for all training patches, symmetries and a grid of shifts.

    Compared are the middle of a training patch and, for each shift, as large a window of the image. Of the frequencies,
    as many are kept as carry 95 % of the power of the training patches, at most 256. Shifts lie up to 4 px apart,
    closer where patches shifted by half as much no longer look alike.
    """

    def __init__(self, training: Tensor, level: float, reach: int, transforms: tuple[int, ...]) -> None:
        self._level = level
        device = training.device
        self._transforms = torch.tensor(transforms, device=device)
        channels, height, width = training.shape[1], training.shape[2] - 2 * reach, training.shape[3] - 2 * reach
        columns = width // 2 + 1
        # Half of the plane is left out; where it is the mirror image, a frequency counts twice.
        right = torch.arange(columns, device=device)
        weight = torch.where((right == 0) | (2 * right == width), 1.0, 2.0)
        inside = training[:, :, reach : reach + height, reach : reach + width]
        parts = torch.split(inside, max(1, _VALUES_AT_ONCE // training[0].numel()))
        power = weight * torch.stack([self._spectrum(part).abs().square().sum(0) for part in parts]).sum(0)
        ordered, order = power.flatten().sort(descending=True)
        share = ordered.cumsum(0) / ordered.sum().clamp(min=1e-9)
        kept = order[: min(_MOST_FREQUENCIES, int((share < _POWER).sum()) + 1)]
        channel, down, right = kept // (height * columns), kept // columns % height, kept % columns
        self._scale = (weight[right] / channels).sqrt() / (height * width)
        step = _step(ordered[: len(kept)], down / height, right / width)
        moves = torch.tensor(_moves(reach, step), device=device) + reach
        self._down, row = _windowed_waves(down, height, moves, training.shape[2])
        self._right, column = _windowed_waves(right, width, moves, training.shape[3])
        self._place = (channel, row, column)
        known = torch.cat([_parts_of(self._spectrum(part).flatten(1)[:, kept] * self._scale) for part in parts])
        self._columns = torch.cat([known, torch.ones_like(known[:, :1]), known.square().sum(1, keepdim=True)], 1).T

    def best(self, image: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Training patches (K,) and the symmetries (K,) that take them nearest to an image (C, H, W), best first."""
        symmetric = torch.cat([transformed(image[None], _INVERSE[t]) for t in self._transforms.tolist()])
        rows = _parts_of(self._spectra_of_windows(symmetric) * self._scale)
        rows = torch.cat([-2 * rows, rows.square().sum(1, keepdim=True), torch.ones_like(rows[:, :1])], 1)
        parts = torch.split(self._columns, max(1, _VALUES_AT_ONCE // len(rows)), dim=1)
        nearest = torch.cat([(rows @ part).view(len(symmetric), -1, part.shape[1]).amin(1) for part in parts], 1)
        chosen = nearest.flatten().topk(min(count, nearest.numel()), largest=False).indices
        return chosen % nearest.shape[1], self._transforms[chosen // nearest.shape[1]]

    def _spectrum(self, images: Tensor) -> Tensor:
        spectrum: Tensor = torch.fft.rfft2(images.float().sub_(self._level))
        return spectrum

    def _spectra_of_windows(self, images: Tensor) -> Tensor:
        """The kept frequencies (N·S, K) of the windows of N images at S shifts."""
        values = images.float().sub_(self._level).to(torch.complex64)
        right = values @ self._right.flatten(0, 1).T
        both = (self._down.flatten(0, 1) @ right).view(*images.shape[:2], *self._down.shape[:2], *self._right.shape[:2])
        # Image, move down, move right, channel, frequency down, frequency right.
        spectra = both.permute(0, 2, 4, 1, 3, 5)
        channel, row, column = self._place
        return spectra[:, :, :, channel, row, column].flatten(0, 2)


def _windowed_waves(frequency: Tensor, length: int, starts: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Waves (S, K', side) of the distinct ones among `frequency` (K,), each in windows from every start, 0 outside; and
    which of them each frequency is (K,). Frequencies are in periods a window.
    """
    distinct = torch.tensor(sorted(set(frequency.tolist())), device=frequency.device)
    place = torch.arange(side, device=frequency.device) - starts[:, None, None]
    angle = (-2 * math.pi / length) * (distinct[:, None] * place)
    inside = ((place >= 0) & (place < length)).float()
    return torch.polar(inside.expand_as(angle).contiguous(), angle), torch.searchsorted(distinct, frequency)


def _parts_of(spectra: Tensor) -> Tensor:
    """Real and imaginary parts (N, 2K) of (N, K)."""
    return torch.view_as_real(spectra).flatten(1)


def _step(power: Tensor, down: Tensor, right: Tensor) -> int:
    """The longest step between shifts such that patches half a step apart, both ways, correlate by 0.7."""
    varying = power * ((down != 0) | (right != 0))
    for step in range(_LONGEST_STEP, 1, -1):
        alike = varying * torch.cos(math.pi * step * down) * torch.cos(math.pi * step * right)
        if float(alike.sum()) >= _COHERENCE * float(varying.sum()):
            return step
    return 1


def _moves(reach: int, step: int) -> list[int]:
    """Whole moves from −reach to reach, 0 among them, at most a step apart."""
    steps = math.ceil(reach / step)
    return [round(reach * i / max(1, steps)) for i in range(-steps, steps + 1)]


class _FineSearch:
    """Mean squared differences over the overlap, for every shift, as sums of squares and products."""

    def __init__(self, training: Tensor, level: float, reach: int) -> None:
        self._training, self._level, self._reach = training, level, reach
        channels, height, width = training.shape[1:]
        self._rows, self._columns = (_overlaps(side, reach, training.device) for side in (height, width))
        self._pixels = channels * self._rows.sum(1)[:, None] * self._columns.sum(1)
        moves = torch.arange(-reach, reach + 1, device=training.device)
        # Smallest first, so that of equally near ones the least shifted is taken.
        self._order = torch.argsort((moves[:, None].square() + moves.square()).flatten(), stable=True)

    def best(self, image: Tensor, patches: Tensor, transforms: Tensor) -> tuple[int, list[int]]:
        """Which of the candidates (K,) is the nearest to an image (C, H, W), and by how far it is moved."""
        reach = self._reach
        height, width = image.shape[1:]
        known = self._training[patches].float().sub_(self._level)
        for transform in sorted(set(transforms.tolist())):
            chosen = transforms == transform
            known[chosen] = transformed(known[chosen], transform)
        values = image.float().sub_(self._level)
        # A row of windows is the image moved back by (down, right) px, 0 where it is not.
        padded = F.pad(values, [reach] * 4)
        windows = padded.unfold(1, height, 1).unfold(2, width, 1).permute(1, 2, 0, 3, 4)
        products = (known.flatten(1) @ windows.reshape(-1, values.numel()).T).view(-1, *self._pixels.shape)
        own = (self._rows.flip(0) @ values.square().sum(0)) @ self._columns.flip(0).T
        theirs = (self._rows @ known.square().sum(1)) @ self._columns.T
        squared = ((own + theirs - 2 * products) / self._pixels).flatten(1)[:, self._order]
        place, position = divmod(int(squared.argmin()), squared.shape[1])
        down, right = divmod(int(self._order[position]), 2 * reach + 1)
        return place, [down - reach, right - reach]


def _overlaps(side: int, reach: int, device: torch.device) -> Tensor:
    """For each move from −reach to reach (rows), 1 for the pixels of a patch that still lie on the image."""
    moves = torch.arange(-reach, reach + 1, device=device)[:, None]
    place = torch.arange(side, device=device) + moves
    return ((place >= 0) & (place < side)).float()


def _likeness(image: Tensor, patch: Tensor, transform: int, shift: IntArray) -> tuple[float, float]:
    """Distance and correlation of one pair, from whole numbers."""
    known = transformed(patch[None], transform)[0]
    down, right = (int(move) for move in shift)
    height, width = image.shape[1:]
    image = image[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)].long()
    known = known[:, max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)].long()
    count = image.numel()
    distance = math.sqrt(int((image - known).square().sum()) / count)
    one, other = int(image.sum()), int(known.sum())
    spread = [count * int(some.square().sum()) - int(some.sum()) ** 2 for some in (image, known)]
    if not all(spread):
        return distance, 0.0
    return distance, (count * int((image * known).sum()) - one * other) / math.sqrt(spread[0] * spread[1])


def _kind(images: Images) -> str:
    return f"{images.dtype} {images.shape}"
