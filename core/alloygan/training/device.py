"""Where to train, and the settings that make a training reproducible there."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from alloygan.errors import SpecError
from alloygan.training.float32 import float32_arithmetic


def choose_device(asked: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`. Raises SpecError where CUDA is asked for and absent."""
    if asked == "cuda" and not torch.cuda.is_available():
        raise SpecError("training.device: cuda: torch finds no CUDA device here; use cpu or auto")
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


@contextmanager
def reproducible(*, tf32: bool = False, tried: bool = False) -> Iterator[None]:
    """Deterministic kernels and IEEE float32 (or TF32): the same run gives the same bits on the same machine.

    `tried`: cuDNN tries its algorithms and takes the fastest, which need not be the same one in the next run.
    cuBLAS is reproducible by what `alloygan/__init__.py` has set.
    """
    cudnn = torch.backends.cudnn
    before = torch.are_deterministic_algorithms_enabled(), cudnn.benchmark
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True)
    # Filling what every operator is about to write helps to find a wrong one; the bits are the same without.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    cudnn.benchmark = tried
    try:
        with float32_arithmetic(tf32=tf32):
            yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
        cudnn.benchmark = before[1]
