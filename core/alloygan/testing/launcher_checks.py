"""Rules for launchers. Where the engine is not there, they do not apply."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alloygan.errors import LaunchError
from alloygan.interfaces.launcher import Launcher, Task, TaskState
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import NotApplicable, require

_PATIENCE = 120.0  # s; a queue takes its time


def _submitted(subject: Subject, folder: Path, programs: Mapping[str, str]) -> Launcher:
    spec: Any = subject.spec
    tasks = [
        Task(name, (sys.executable, "-c", code), folder / "logs" / f"{name}.txt") for name, code in programs.items()
    ]
    try:
        launcher: Launcher = spec.build()
        launcher.submit(tasks, folder / "launcher")
    except LaunchError as error:
        raise NotApplicable(str(error)) from None
    return launcher


def _wait(launcher: Launcher, names: Sequence[str], wanted: Sequence[TaskState]) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        states = dict(launcher.poll())
        require(set(states) == set(names), f"poll() tells of {sorted(states)}, submitted were {sorted(names)}")
        wrong = set(states.values()) - {"waiting", "running", "ended"}
        require(not wrong, f"poll() tells of the states {sorted(wrong)}")
        if all(state in wanted for state in states.values()):
            return
        require(time.monotonic() < end, f"after {_PATIENCE:.0f} s the states are {states}")
        time.sleep(0.1)


def runs_every_command_to_its_end(subject: Subject) -> None:
    """Also one that fails, and more than run at once; what they print is in their logs."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        programs = {f"task{i}": f"print('said', {i}); raise SystemExit({i % 2})" for i in range(4)}
        launcher = _submitted(subject, folder, programs)
        _wait(launcher, list(programs), ("ended",))
        for i in range(4):
            log = folder / "logs" / f"task{i}.txt"
            text = log.read_text() if log.is_file() else ""
            require(f"said {i}" in text, f"the log of a task holds {text!r}, it printed 'said {i}'")


def a_killed_task_has_ended(subject: Subject) -> None:
    """A worker may die at any moment; the launcher must not wait for it for ever."""
    with TemporaryDirectory() as name:
        code = f"import os; os.kill(os.getpid(), {9 if os.name == 'posix' else 15})"
        launcher = _submitted(subject, Path(name).resolve(), {"dies": code})
        _wait(launcher, ["dies"], ("ended",))


def ends_its_tasks_when_it_is_cancelled(subject: Subject) -> None:
    """An interrupted ablation leaves nothing running."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        code = f"import time, pathlib; pathlib.Path({str(folder / 'there')!r}).touch(); time.sleep(600)"
        programs = {"one": code, "two": code}
        launcher = _submitted(subject, folder, programs)
        end = time.monotonic() + _PATIENCE
        while not (folder / "there").exists():
            launcher.poll()
            require(time.monotonic() < end, f"after {_PATIENCE:.0f} s no task has started")
            time.sleep(0.1)
        launcher.cancel()
        _wait(launcher, list(programs), ("ended",))


LAUNCHER_CHECKS = (runs_every_command_to_its_end, a_killed_task_has_ended, ends_its_tasks_when_it_is_cancelled)
