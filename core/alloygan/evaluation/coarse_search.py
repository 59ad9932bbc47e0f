"""Which training patches may be the nearest to an image: all of them, by their strongest spatial frequencies."""

import math

import torch
from torch import Tensor

from alloygan.evaluation.square_symmetries import INVERSE, transformed

_MOST_FREQUENCIES = 256
_POWER = 0.95
_COHERENCE = 0.7
_LONGEST_STEP = 4
_VALUES_AT_ONCE = 2**22
# Squared grey levels: below it a patch is flat, and correlates with nothing.
_FLAT = 1e-6


class CoarseSearch:
    """Distances and correlations in the strongest frequencies, for all training patches, symmetries, some shifts.

    Compared are the middle of a training patch and, for each shift, as large a window of the image. Of the frequencies,
    as many are kept as carry 95 % of the power of the training patches, at most 256. Shifts lie up to 4 px apart,
    closer where patches shifted by half as much no longer look alike.

    The correlation has candidates of its own: a copy of other contrast or brightness is far in grey levels, so that
    many patches may come before its own there. Both come from one product of the images without their mean levels.
    """

    def __init__(self, training: Tensor, reach: int, transforms: tuple[int, ...]) -> None:
        # A common level taken off keeps sums of squares, and so their rounding, small.
        self._level = int(training.sum(dtype=torch.int64)) / training.numel()
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
        # The mean levels of the channels are kept whatever their power, and come first.
        means = torch.arange(channels, device=device) * (height * columns)
        varying = power.flatten().index_fill(0, means, 0.0)
        ordered, order = varying.sort(descending=True)
        share = ordered.cumsum(0) / ordered.sum().clamp(min=1e-9)
        most = min(_MOST_FREQUENCIES, len(order) - channels)
        strongest = order[~torch.isin(order, means)][: min(most, int((share < _POWER).sum()) + 1)]
        kept = torch.cat([means, strongest])
        channel, down, right = kept // (height * columns), kept // columns % height, kept % columns
        self._channels = channels
        self._scale = (weight[right] / channels).sqrt() / (height * width)
        step = _step(varying[kept], down / height, right / width)
        moves = torch.tensor(_moves(reach, step), device=device) + reach
        self._down, row = _windowed_waves(down, height, moves, training.shape[2])
        self._right, column = _windowed_waves(right, width, moves, training.shape[3])
        self._place = (channel, row, column)
        known, level = self._varying_and_level(
            torch.cat([self._spectrum(part).flatten(1)[:, kept] * self._scale for part in parts])
        )
        squares = known.square().sum(1)
        self._known = known.T.contiguous()
        self._terms = torch.stack([torch.ones_like(level), level, squares + level.square()])
        self._inverse_norm = squares.clamp(min=_FLAT).rsqrt()

    def candidates(self, image: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Training patches (K,) and the symmetries (K,) that take them nearest to an image (C, H, W), in no order.

        `count` by the distance and `count` by the correlation, without those that are among both.
        """
        symmetric = torch.cat([transformed(image[None], INVERSE[t]) for t in self._transforms.tolist()])
        rows, level = self._varying_and_level(self._spectra_of_windows(symmetric) * self._scale)
        squares = rows.square().sum(1)
        terms = torch.stack([squares + level.square(), -2 * level, torch.ones_like(level)], 1)
        inverse_norm = squares.clamp(min=_FLAT).rsqrt()[:, None]
        size = max(1, _VALUES_AT_ONCE // len(rows))
        nearness, likeness = [], []
        for known, theirs in zip(torch.split(self._known, size, 1), torch.split(self._terms, size, 1), strict=True):
            products = rows @ known
            likeness.append((products * inverse_norm).view(len(symmetric), -1, products.shape[1]).amax(1))
            squared = products.addmm_(terms, theirs, beta=-2)
            nearness.append(squared.view(len(symmetric), -1, products.shape[1]).amin(1))
        near, like = torch.cat(nearness, 1), torch.cat(likeness, 1) * self._inverse_norm
        count = min(count, near.numel())
        closest = near.flatten().topk(count, largest=False).indices
        alike = like.flatten().topk(count).indices
        chosen = torch.tensor(sorted({*closest.tolist(), *alike.tolist()}), device=near.device)
        return chosen % near.shape[1], self._transforms[chosen // near.shape[1]]

    def _spectrum(self, images: Tensor) -> Tensor:
        spectrum: Tensor = torch.fft.rfft2(images.float().sub_(self._level))
        return spectrum

    def _varying_and_level(self, spectra: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled spectra (N, K) as what varies within an image (N, K'), channels among each other included, and its
        mean level (N,). Squared differences of both add up to the mean squared difference of images.
        """
        means, others = spectra[:, : self._channels].real, spectra[:, self._channels :]
        level = means.mean(1, keepdim=True)
        varying = torch.cat([means - level, torch.view_as_real(others).flatten(1)], 1)
        return varying, level[:, 0] * math.sqrt(self._channels)

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


def _step(varying: Tensor, down: Tensor, right: Tensor) -> int:
    """The longest step between shifts such that patches half a step apart, both ways, correlate by 0.7."""
    for step in range(_LONGEST_STEP, 1, -1):
        alike = varying * torch.cos(math.pi * step * down) * torch.cos(math.pi * step * right)
        if float(alike.sum()) >= _COHERENCE * float(varying.sum()):
            return step
    return 1


def _moves(reach: int, step: int) -> list[int]:
    """Whole moves from −reach to reach, 0 among them, at most a step apart."""
    steps = math.ceil(reach / step)
    return [round(reach * i / max(1, steps)) for i in range(-steps, steps + 1)]
