"""An image against a few candidates, exactly: every pixel, every shift."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from alloygan.evaluation.square_symmetries import transformed

# Of the mean squares, what rounding may leave of a flat image.
_ROUNDING = 1e-6

Found = tuple[int, list[int]]
"""Which candidate, and by how many px it is moved down and to the right."""


class FineSearch:
    """Mean squared differences and correlations over the overlap, for every shift, by sums of squares and products."""

    def __init__(self, training: Tensor, reach: int) -> None:
        self._training, self._reach = training, reach
        channels, height, width = training.shape[1:]
        self._rows, self._columns = (_overlaps(side, reach, training.device) for side in (height, width))
        self._pixels = channels * self._rows.sum(1)[:, None] * self._columns.sum(1)
        moves = torch.arange(-reach, reach + 1, device=training.device)
        # Smallest first, so that of equally near ones the least shifted is taken.
        self._order = torch.argsort((moves[:, None].square() + moves.square()).flatten(), stable=True)

    def best(self, image: Tensor, patches: Tensor, transforms: Tensor) -> tuple[Found, Found]:
        """Of the candidates (K,), the closest to an image (C, H, W) and the one that correlates with it most."""
        reach = self._reach
        height, width = image.shape[1:]
        order = transforms.argsort(stable=True)
        parts = [
            transformed(self._training[patches[transforms == transform]], transform)
            for transform in sorted(set(transforms.tolist()))
        ]
        values, known = image.float(), torch.cat(parts).float()
        # Mean levels apart: sums of squares of what is left lose little to rounding, however faint an image is.
        level, levels = values.mean(), known.mean((1, 2, 3), keepdim=True)
        values, known = values - level, known.sub_(levels)
        # A row of windows is the image moved back by (down, right) px, 0 where it is not.
        padded = F.pad(values, [reach] * 4)
        windows = padded.unfold(1, height, 1).unfold(2, width, 1).permute(1, 2, 0, 3, 4)
        products = (known.flatten(1) @ windows.reshape(-1, values.numel()).T).view(-1, *self._pixels.shape)
        products = products / self._pixels
        mean, square = (self._over_windows(some.sum(0)) for some in (values, values.square()))
        means, squares = (self._over_overlaps(some.sum(1)) for some in (known, known.square()))
        apart = level - levels[:, 0]
        squared = square + squares - 2 * products + apart * (2 * (mean - means) + apart)
        spread, spreads = square - mean.square(), squares - means.square()
        varied = (spread > _ROUNDING * square) & (spreads > _ROUNDING * squares)
        correlation = (products - mean * means) / (spread * spreads).sqrt()
        return self._found(-squared, order), self._found(correlation.where(varied, 0.0), order)

    def _over_overlaps(self, values: Tensor) -> Tensor:
        """Means (K, S, S) of patches (K, H, W), summed over channels, over the part that lies on the image."""
        return (self._rows @ values) @ self._columns.T / self._pixels

    def _over_windows(self, values: Tensor) -> Tensor:
        """Means (S, S) of the image (H, W), summed over channels, over the part that a moved patch lies on."""
        return (self._rows.flip(0) @ values) @ self._columns.flip(0).T / self._pixels

    def _found(self, nearness: Tensor, candidates: Tensor) -> Found:
        """Where it is highest of (K, S, S), which are of these candidates (K,)."""
        ordered = nearness.flatten(1)[:, self._order]
        place, position = divmod(int(ordered.argmax()), ordered.shape[1])
        down, right = divmod(int(self._order[position]), 2 * self._reach + 1)
        return int(candidates[place]), [down - self._reach, right - self._reach]


def _overlaps(side: int, reach: int, device: torch.device) -> Tensor:
    """For each move from −reach to reach (rows), 1 for the pixels of a patch that still lie on the image."""
    moves = torch.arange(-reach, reach + 1, device=device)[:, None]
    place = torch.arange(side, device=device) + moves
    return ((place >= 0) & (place < side)).float()


def measured(image: Tensor, patch: Tensor, transform: int, shift: NDArray[np.int64]) -> tuple[float, float]:
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
