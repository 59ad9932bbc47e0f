"""Commands and workers as real processes: started, found, waited for, and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 400.0  # s that a command has on a busy machine


def start(command: str, file: Path, out: Path, *options: str, storage: str | None = None) -> "subprocess.Popen[bytes]":
    """Start `alloygan COMMAND FILE --out OUT` with overrides; what it prints goes beside `out`."""
    words = [sys.executable, "-m", "alloygan", command, str(file), "--out", str(out)]
    for option in options:
        words += ["--set", option]
    environment = os.environ | ({"ALLOYGAN_STORAGE": storage} if storage else {})
    with (out.parent / f"{out.name}.log").open("wb") as log:
        return subprocess.Popen(words, stdout=log, stderr=log, env=environment)


def ends(process: "subprocess.Popen[bytes]", out: Path) -> int:
    """The exit code of a command; repeats what it said where that is not 0."""
    code = process.wait(PATIENCE)
    if code:
        sys.stderr.write((out.parent / f"{out.name}.log").read_text(errors="replace"))
    return code


def workers(module: str, folder: Path) -> list[int]:
    """The processes that run a module of ours on something in a folder."""
    found = subprocess.run(["pgrep", "-f", f"{module} {folder}"], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def until(ready: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def kill(process: int) -> None:
    """End a process without asking it."""
    os.kill(process, signal.SIGKILL)


def tables(out: Path) -> tuple[str, str]:
    """What an ablation has found."""
    return (out / "results.csv").read_text(), (out / "summary.csv").read_text()


def beginnings(out: Path, pattern: str) -> dict[str, int]:
    """When each run folder was begun: a run that goes on keeps this file, one that starts anew writes it again."""
    found = out.glob(f"{pattern}/run/environment.json")
    return {path.parents[1].name: path.stat().st_mtime_ns for path in found}
