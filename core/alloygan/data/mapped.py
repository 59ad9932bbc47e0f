"""Patches in files that are mapped into memory: data sets larger than memory, read patch by patch as they are drawn.

A mapped tensor is a tensor as any other; the system reads its pages from the file when they are looked at, and drops
them when memory is short. A file is the patches one after another, uint8, without a header.
"""

import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alloygan.errors import DataError

Shape = tuple[int, int, int]

_BYTES_AT_ONCE = 64 * 2**20


def map_patches(path: Path, shape: Shape) -> Tensor:
    """The whole patches uint8 (N, C, H, W) of a file; a damaged one has fewer than were written. Raises DataError where
    it cannot be read.
    """
    each = math.prod(shape)
    try:
        size = path.stat().st_size // each * each
        if size == 0:
            return torch.empty(0, *shape, dtype=torch.uint8)
        flat = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path}: cannot be mapped into memory: {error}") from None
    return flat.view(-1, *shape)


def write_patches(path: Path, shape: Shape, parts: Iterable[NDArray[np.uint8]]) -> Tensor:
    """Write patches (n, C, H, W), part after part, and map them; the file is there whole or not at all.

    Raises DataError where the folder cannot be written to or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise DataError(f"{path.parent}: patches cannot be kept here: {error}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                if part.shape[1:] != shape or part.dtype != np.uint8:
                    raise ValueError(f"patches are {part.dtype} {part.shape[1:]}, expected uint8 {shape}")
                file.write(np.ascontiguousarray(part).data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # mkstemp makes private files
        os.replace(name, path)
    except OSError as error:
        raise DataError(f"{path}: patches cannot be written: {error}") from None
    finally:
        Path(name).unlink(missing_ok=True)
    return map_patches(path, shape)


def some_rows(patches: Tensor, which: Tensor) -> Iterator[NDArray[np.uint8]]:
    """The patches (N, C, H, W) where `which` (N,) is true, a part at a time."""
    index = which.nonzero().squeeze(1)
    each = max(1, math.prod(patches.shape[1:]))
    for some in torch.split(index, max(1, _BYTES_AT_ONCE // each)):
        yield patches[some].numpy()
