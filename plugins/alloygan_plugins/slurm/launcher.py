"""A job array of Slurm.

Submitit writes the batch script and knows what a time limit and a pre-emption are. The states come from `squeue`, which
every cluster has; submitit's own come from `sacct`, which needs an accounting database.
"""

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alloygan.errors import LaunchError
from alloygan.interfaces.launcher import Launcher, Task, TaskState
from alloygan_plugins.slurm.command import Command
from alloygan_plugins.slurm.specs import Slurm

try:
    from submitit.core.utils import FailedJobError, FailedSubmissionError
    from submitit.slurm.slurm import SlurmExecutor
except ImportError:
    raise LaunchError(
        "the launcher slurm needs submitit, which is not installed: pip install 'alloygan[cluster]'"
    ) from None

_PATIENCE = 60.0  # s that Slurm has to end what was cancelled
_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SUSPENDED", "RESV_DEL_HOLD"}


class SlurmArray(Launcher):
    """One array for all tasks."""

    def __init__(self, spec: Slurm) -> None:
        self._spec = spec
        self._names: dict[str, str] = {}
        self._states: dict[str, TaskState] = {}
        self._array = ""

    def submit(self, tasks: Sequence[Task], folder: Path) -> None:
        """Queue one array; the batch script is kept in `folder`."""
        if shutil.which("sbatch") is None:
            raise LaunchError("there is no sbatch on this machine; start this on a machine that submits to Slurm")
        for place in {folder, *(task.log.parent for task in tasks)}:
            place.mkdir(parents=True, exist_ok=True)
        executor = SlurmExecutor(folder=str(folder.resolve()), max_num_timeout=1000)
        executor.update_parameters(**self._parameters(len(tasks)))
        try:
            with executor.batch():
                jobs = [executor.submit(Command(task.command, task.log)) for task in tasks]
        except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError, OSError) as error:
            raise LaunchError(f"Slurm refused the job: {error}") from None
        self._names = {str(job.job_id): task.name for job, task in zip(jobs, tasks, strict=True)}
        self._array = str(jobs[0].job_id).split("_")[0]
        self._states = {task.name: "waiting" for task in tasks}

    def poll(self) -> Mapping[str, TaskState]:
        """Ask Slurm; where it does not answer, what it said last stands."""
        if not self._array:
            return {}
        # Long lists are not cut, and every task of the array has its own line.
        asked = ["squeue", "--noheader", "--array", f"--jobs={self._array}", "--format=%i %T"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        if answer.returncode == 0 or "Invalid job id" in answer.stderr:
            lines = [line.split() for line in answer.stdout.splitlines()]
            seen = {words[0]: words[1] for words in lines if len(words) == 2}
            for job, name in self._names.items():
                self._states[name] = _state(seen.get(job))
        return dict(self._states)

    def cancel(self) -> None:
        """Take the array out of the queue, and wait until Slurm has ended what runs."""
        if not self._array:
            return
        subprocess.run(["scancel", self._array], capture_output=True, check=False)
        end = time.monotonic() + _PATIENCE
        while any(state != "ended" for state in self.poll().values()) and time.monotonic() < end:
            time.sleep(0.5)

    def _parameters(self, count: int) -> dict[str, Any]:
        spec = self._spec
        parameters = {
            "job_name": "alloygan",
            "time": spec.minutes,
            "partition": spec.partition,
            "account": spec.account,
            "qos": spec.qos,
            "cpus_per_task": spec.cpus,
            "gpus_per_node": spec.gpus or None,
            "mem": f"{round(1000 * spec.memory_gb)}M" if spec.memory_gb is not None else None,
            "array_parallelism": min(spec.jobs, count),
            "setup": [f"export OMP_NUM_THREADS={spec.cpus} OMP_WAIT_POLICY=passive", *spec.setup],
            "additional_parameters": dict(spec.sbatch),
            "stderr_to_stdout": True,
        }
        return {name: value for name, value in parameters.items() if value is not None}


def _state(said: str | None) -> TaskState:
    if said is None:
        return "ended"
    return "waiting" if said in _WAITING else "running"
