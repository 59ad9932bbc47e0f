"""What a device's own meters say: its clocks, and the energy that it has taken."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch


def clocks(device: torch.device) -> dict[str, Any]:
    """Clocks at this moment. To be asked right where a measurement ends: a device at rest lowers them."""
    if device.type != "cuda":
        return {"MHz at the end": _megahertz()}
    query = "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,power.limit"
    words = ["nvidia-smi", f"--id={_uuid(device)}", f"--query-gpu={query}", "--format=csv,noheader"]
    try:
        line = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return {}
    return dict(zip(query.split(","), (value.strip() for value in line.split(",")), strict=False))


def joules(device: torch.device) -> float | None:
    """Energy that the device has taken so far, where it tells."""
    if device.type != "cuda":
        return None
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(_uuid(device))
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
    except Exception:
        return None


def cpuinfo() -> Sequence[str]:
    """Linux's lines about the processors; none elsewhere."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()


def _uuid(device: torch.device) -> str:
    """The GPU's own name: its number is another one to the driver than to torch under CUDA_VISIBLE_DEVICES."""
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


def _megahertz() -> str | None:
    found = [float(line.split(":", 1)[1]) for line in cpuinfo() if line.startswith("cpu MHz")]
    return " ".join(f"{value:.0f}" for value in found) or None
