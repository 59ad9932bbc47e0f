"""Processes on this machine."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from alloygan.interfaces.launcher import Launcher, Task, TaskState
from alloygan_plugins.local_processes.specs import Local

_PATIENCE = 20.0  # s that a process has to end after it was asked to


@dataclass
class _Running:
    process: "subprocess.Popen[bytes]"
    slot: int


class LocalProcesses(Launcher):
    """Starts waiting tasks whenever fewer than `spec.jobs` run."""

    def __init__(self, spec: Local) -> None:
        self._jobs = spec.jobs
        self._threads = spec.threads or max(1, (os.cpu_count() or 1) // spec.jobs)
        self._devices = _devices()
        self._states: dict[str, TaskState] = {}
        self._waiting: list[Task] = []
        self._running: dict[str, _Running] = {}

    def submit(self, tasks: Sequence[Task], folder: Path) -> None:
        """Take the tasks over and start the first ones."""
        self._waiting.extend(tasks)
        self._states |= {task.name: "waiting" for task in tasks}
        self._start()

    def poll(self) -> Mapping[str, TaskState]:
        """Start waiting tasks in the place of ended ones."""
        for name, running in list(self._running.items()):
            if running.process.poll() is not None:
                self._end(name)
        self._start()
        return dict(self._states)

    def cancel(self) -> None:
        """Ask the processes to end, and kill those that do not."""
        for task in self._waiting:
            self._states[task.name] = "ended"
        self._waiting.clear()
        for running in self._running.values():
            running.process.terminate()
        for name, running in list(self._running.items()):
            try:
                running.process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
            self._end(name)

    def _start(self) -> None:
        while self._waiting and len(self._running) < self._jobs:
            task = self._waiting.pop(0)
            slot = min(set(range(self._jobs)) - {running.slot for running in self._running.values()})
            task.log.parent.mkdir(parents=True, exist_ok=True)
            with task.log.open("ab") as log:
                # Its standard input stays open as long as this process lives, by which a task may know that it does.
                # A session of its own: an interrupt on the terminal comes here alone, and `cancel` passes it on.
                process = subprocess.Popen(
                    task.command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=self._environment(slot),
                    start_new_session=True,
                )  # fmt: skip
            self._running[task.name] = _Running(process, slot)
            self._states[task.name] = "running"

    def _end(self, name: str) -> None:
        running = self._running.pop(name)
        if running.process.stdin is not None:
            running.process.stdin.close()
        self._states[name] = "ended"

    def _environment(self, slot: int) -> dict[str, str]:
        environment = os.environ | {
            "OMP_NUM_THREADS": str(self._threads),
            "OMP_WAIT_POLICY": "passive",
            "ALLOYGAN_END_WITH_STDIN": "1",
        }
        if len(self._devices) > 1:
            environment["CUDA_VISIBLE_DEVICES"] = self._devices[slot % len(self._devices)]
        return environment


def _devices() -> list[str]:
    """The GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES has for them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    return [str(i) for i in range(torch.cuda.device_count())]
