"""Choosing the real images that are compared: spread over the sources and along each, alike at every run."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def spread_over_sources(source: NDArray[np.int64], count: int, seed: int | Sequence[int]) -> NDArray[np.int64]:
    """Rising positions (count,) of images whose micrograph or simulation is `source` (N,).

    Each source gives equally many as far as it has them. Within a source the images lie in the order in
    which they were cut, so one is drawn from each of as many equal stretches: neighbours overlap, and would
    say the same twice. Raises ValueError where N < count.
    """
    if count > len(source):
        raise ValueError(f"{count} images cannot be chosen among {len(source)}")
    random = np.random.default_rng(seed)
    members = [np.flatnonzero(source == number) for number in np.unique(source)]
    chosen = [
        _one_of_each_stretch(positions, share, random)
        for positions, share in zip(members, _shares([len(m) for m in members], count, random), strict=True)
    ]
    return np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *chosen]))


def halves_by_source(
    source: NDArray[np.int64], seed: int | Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of two halves that share no source; both empty where there is only one source."""
    numbers = np.random.default_rng(seed).permutation(np.unique(source))
    if len(numbers) < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    in_first = np.isin(source, numbers[: len(numbers) // 2])
    return np.flatnonzero(in_first), np.flatnonzero(~in_first)


def _shares(sizes: list[int], count: int, random: np.random.Generator) -> list[int]:
    """How many each source gives: level by level, and what is left over to sources drawn at random."""
    shares = [0] * len(sizes)
    while count:
        open_sources = [i for i, size in enumerate(sizes) if shares[i] < size]
        if count < len(open_sources):
            open_sources = sorted(random.permutation(open_sources)[:count].tolist())
        level = min(max(1, count // len(open_sources)), min(sizes[i] - shares[i] for i in open_sources))
        for i in open_sources:
            shares[i] += level
        count -= level * len(open_sources)
    return shares


def _one_of_each_stretch(positions: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    ends = np.arange(count + 1) * len(positions) // max(1, count)
    return positions[random.integers(ends[:-1], ends[1:])]
