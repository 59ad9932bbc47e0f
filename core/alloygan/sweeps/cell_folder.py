"""The folder of one cell with one seed: what is to be run, how far it is, its run folder, and its error if it failed.

Whoever works on it holds its lock, so that a worker that was killed is known from one that is at work.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from alloygan.errors import RunFolderError
from alloygan.files import read_json, write_json, write_text
from alloygan.locks import is_held
from alloygan.specs.evaluation import EvaluationSpec
from alloygan.specs.gan import GanSpec

State = Literal["waiting", "starting", "training", "measuring", "done", "failed", "interrupted"]

CELLS = "cells"
"""Where an ablation keeps these folders, each named by the key of its run."""

AT_WORK = ("starting", "training", "measuring")


@dataclass(frozen=True)
class Status:
    """How far a cell is. `measured_by`: the evaluation that its scores are of. `seconds`: since its last start."""

    state: State
    images_seen: int = 0
    images: int = 0
    images_per_s: float = 0.0
    seconds: float = 0.0
    error: str = ""
    measured_by: Mapping[str, Any] = field(default_factory=dict)


class CellFolder:
    """Reads and writes the files of one cell with one seed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = path / "run"
        self.job = path / "job.json"
        self.state = path / "state.json"
        self.error = path / "error.txt"
        self.log = path / "log.txt"
        self.lock = path / ".lock"

    def ask(self, spec: GanSpec, plugins: Sequence[Path]) -> None:
        """Write what a worker is to run."""
        values = {"spec": spec.model_dump(mode="json"), "plugins": [str(path.resolve()) for path in plugins]}
        write_json(self.job, values)

    def asked(self) -> tuple[dict[str, Any], tuple[Path, ...]]:
        """The values of the spec and the plugin files of `ask`. Raises RunFolderError."""
        job = read_json(self.job)
        return job["spec"], tuple(Path(path) for path in job["plugins"])

    def status(self, evaluation: EvaluationSpec | None = None) -> Status:
        """How far it is; one that is done is `waiting` again if its scores are not of this evaluation."""
        try:
            values = read_json(self.state)
            status = Status(**values)
        except (RunFolderError, TypeError):
            return Status("waiting")
        if status.state in AT_WORK and not is_held(self.lock):
            return Status(**values | {"state": "interrupted"})
        stale = evaluation is not None and status.measured_by != evaluation.model_dump(mode="json")
        if status.state == "done" and stale:
            return Status(**values | {"state": "waiting"})
        return status

    def say(self, status: Status) -> None:
        """Write how far it is."""
        write_json(self.state, asdict(status))

    def fail(self, status: Status, trace: str) -> None:
        """Write that it failed, with the whole traceback beside."""
        write_text(self.error, trace)
        self.say(status)

    def forget_failure(self) -> None:
        """Let it be tried again."""
        self.state.unlink(missing_ok=True)
        self.error.unlink(missing_ok=True)


class Reporter:
    """Writes how far a cell is, at most every half second, and how long it has taken."""

    def __init__(self, folder: CellFolder) -> None:
        self._folder = folder
        self._start = time.monotonic()
        self._last = 0.0
        self.status = Status("starting")

    def now(self, **changes: Any) -> None:
        """Write the status with these changes at once."""
        seconds = round(time.monotonic() - self._start, 1)
        self.status = Status(**asdict(self.status) | changes | {"seconds": seconds})
        self._last = time.monotonic()
        self._folder.say(self.status)

    def sometimes(self, **changes: Any) -> None:
        """Write the status with these changes if the last writing was some time ago."""
        if time.monotonic() - self._last >= 0.5:
            self.now(**changes)
