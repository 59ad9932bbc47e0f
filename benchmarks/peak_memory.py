"""The most memory that a piece of work holds at once."""

import ctypes
import gc
from pathlib import Path

import torch


class PeakMemory:
    """Watches from when it is made. On a GPU what torch's tensors hold; on the CPU the process's pages, Linux alone."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        gc.collect()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            self._before: float | None = torch.cuda.memory_allocated(device) / 2**20
            return
        # What was let go is given back to the system. Kept pages would serve the work, which would seem to need none.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
        try:
            Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
        except OSError:
            self._before = None
        else:
            self._before = _pages_mib("VmRSS")

    @property
    def mib(self) -> float | None:
        """All of it at the worst moment so far, MiB; None where the system does not tell."""
        if self._device.type == "cuda":
            return float(torch.cuda.max_memory_allocated(self._device)) / 2**20
        return None if self._before is None else _pages_mib("VmHWM")

    @property
    def more_mib(self) -> float | None:
        """What has come to that which was there at the beginning, MiB."""
        now = self.mib
        return None if now is None or self._before is None else max(0.0, now - self._before)


def _pages_mib(what: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024
