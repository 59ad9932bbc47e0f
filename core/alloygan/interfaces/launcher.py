"""A launcher runs commands somewhere: on this machine, or on those that a cluster's queue gives."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TaskState = Literal["waiting", "running", "ended"]


@dataclass(frozen=True)
class Task:
    """One command: its name (different for each task), its words, and the file that takes what it prints.

    The command finds everything that it needs in its words. It may be killed at any moment, and started again. What
    came of it is no business of the launcher's: the command leaves that in files.
    """

    name: str
    command: tuple[str, ...]
    log: Path


class Launcher(ABC):
    """Starts tasks and knows which of them have not ended yet."""

    @abstractmethod
    def submit(self, tasks: Sequence[Task], folder: Path) -> None:
        """Take tasks over; returns at once. Called once. `folder` is for the launcher's own files.

        Raises LaunchError if the engine is not there or refuses.
        """

    @abstractmethod
    def poll(self) -> Mapping[str, TaskState]:
        """The state of every task by name; called about once a second. A task that was killed has ended."""

    @abstractmethod
    def cancel(self) -> None:
        """End all tasks that have not ended, and wait for that; called when the user interrupts."""
