"""Names of what an update is made of, for a profiler that looks on (`benchmarks/throughput.py` prints their shares)."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch.profiler import record_function

PREFIX = "alloygan: "


def part(name: str) -> AbstractContextManager[object]:
    """Mark the block as this part; without a profiler, and in compiled code, it costs nothing."""
    if torch.compiler.is_compiling() or not torch.autograd.profiler._is_profiler_enabled:
        return nullcontext()
    return record_function(PREFIX + name)
