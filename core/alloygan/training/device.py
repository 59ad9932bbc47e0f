"""Where to train, and the settings that make a training reproducible there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from alloygan.errors import SpecError


def choose_device(asked: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`. Raises SpecError where CUDA is asked for and absent."""
    if asked == "cuda" and not torch.cuda.is_available():
        raise SpecError("training.device: cuda: torch finds no CUDA device here; use cpu or auto")
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


@contextmanager
def reproducible(device: torch.device, *, tf32: bool = False, tried: bool = False) -> Iterator[None]:
    """Deterministic kernels and IEEE float32 (or TF32): the same run gives the same bits on the same machine.

    `tried`: cuDNN tries its algorithms and takes the fastest, which need not be the same one in the next run.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (
        torch.are_deterministic_algorithms_enabled(),
        cudnn.benchmark,
        cudnn.allow_tf32,
        matmul.allow_tf32,
    )
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
    torch.use_deterministic_algorithms(True)
    # Filling what every operator is about to write helps to find a wrong one; the bits are the same without.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    cudnn.benchmark = tried
    cudnn.allow_tf32 = tf32
    matmul.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
        cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = before[1:]
