"""What runs on a node of the cluster: one command, ended and queued again when its time is up."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Command:
    """Calling it runs the words and appends what they print to `log`; submitit stores and calls it.

    The exit status is the task's own business, so a task that failed is not a failed job.
    """

    def __init__(self, words: Sequence[str], log: Path) -> None:
        self._words = tuple(words)
        self._log = str(log)

    def __call__(self) -> int:
        """Run it to its end."""
        with open(self._log, "ab") as log:
            return subprocess.run(self._words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode

    def checkpoint(self, *arguments: Any) -> Any:
        """What submitit asks when the time is up or the job is pre-empted: to run the same again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)
