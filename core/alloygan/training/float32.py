"""What torch may do to float32 for speed: nothing (IEEE), or TF32, for as long as a block lasts.

torch has two interfaces for it, an older one (`allow_tf32`, `set_float32_matmul_precision`) and one for each library
(`fp32_precision`). Whoever has used the latter cannot read the former, and a block must leave both as they were.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

Setting = TypeVar("Setting")


def _libraries() -> list[Any]:
    """What has a `fp32_precision` of its own: products, convolutions and recurrent layers, on GPU and CPU."""
    cudnn, mkldnn = torch.backends.cudnn, torch.backends.mkldnn
    return [torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn, mkldnn.matmul, mkldnn.conv, mkldnn.rnn]  # type: ignore[attr-defined]


@contextmanager
def float32_arithmetic(*, tf32: bool) -> Iterator[None]:
    """Products and convolutions of float32 in IEEE arithmetic, or in TF32 on GPUs that have it."""
    cudnn, libraries = torch.backends.cudnn, _libraries()
    before = [library.fp32_precision for library in libraries]
    products, convolutions = _older(torch.get_float32_matmul_precision), _older(lambda: cudnn.allow_tf32)
    # The older interface too, which other parts of torch read, the compiler above all.
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    cudnn.allow_tf32 = tf32
    for library in libraries:
        library.fp32_precision = "tf32" if tf32 else "ieee"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products or "highest")
        if convolutions is not None:
            cudnn.allow_tf32 = convolutions
        for library, precision in zip(libraries, before, strict=True):
            library.fp32_precision = precision


def _older(read: Callable[[], Setting]) -> Setting | None:
    """What the older interface says; None where it cannot be read, since only the newer one is in use."""
    try:
        return read()
    except RuntimeError:
        return None
