"""Trains specs in several processes at once, as torchrun would start them."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

WORKER = """
import sys
import torch
from alloygan import load_zoo, train
from alloygan.errors import AlloyganError
from alloygan.training.processes import processes
torch.set_num_threads(1)
zoo = load_zoo(sys.argv[1].split(",") if sys.argv[1] else ())
with processes(torch.device("cpu")):
    for pair in sys.argv[2:]:
        spec, out = pair.split("=", 1)
        try:
            train(zoo.read_spec(spec), out)
        except AlloyganError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            raise SystemExit(2)
"""


def run(
    runs: Mapping[Path, Path], count: int, *, plugins: Sequence[Path] = (), timeout: float = 300
) -> list[subprocess.CompletedProcess[str]]:
    """Train each spec into its folder with `count` processes. What does not end in time fails the test."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    words = [
        sys.executable,
        "-c",
        WORKER,
        ",".join(map(str, plugins)),
        *(f"{spec}={out}" for spec, out in runs.items()),
    ]
    started = []
    for rank in range(count):
        environment = {
            **os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count),
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        started.append(
            subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    try:
        ended = [process.communicate(timeout=timeout) for process in started]
    finally:
        for process in started:
            process.kill()
    return [
        subprocess.CompletedProcess(words, process.returncode, *texts)
        for process, texts in zip(started, ended, strict=True)
    ]
