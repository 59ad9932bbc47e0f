"""What a spec file says of running on a cluster."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from alloygan.specs.components import LauncherSpec

if TYPE_CHECKING:
    from alloygan.interfaces.launcher import Launcher


class Slurm(LauncherSpec):
    """A job array on a Slurm cluster; needs the extra alloygan[cluster]."""

    kind: Literal["slurm"] = "slurm"
    jobs: int = Field(64, ge=1, description="At most so many at once (the array's limit).")
    partition: str | None = Field(None, description="The partition; by default the cluster's own.")
    account: str | None = Field(None, description="The account that is charged.")
    qos: str | None = Field(None, description="The quality of service.")
    minutes: int = Field(
        240,
        ge=1,
        description="Time limit of each task in minutes. One that reaches it is queued again and goes on from its last "
        "checkpoint.",
    )
    cpus: int = Field(4, ge=1, description="Cores of each task.")
    gpus: int = Field(0, ge=0, description="GPUs of each task.")
    memory_gb: float | None = Field(None, gt=0, description="Memory of each task in GB.")
    setup: tuple[str, ...] = Field((), description="Shell lines before each task, such as `module load cuda`.")
    sbatch: dict[str, Any] = Field(
        default_factory=dict, description="Further options of sbatch by name, such as `{constraint: a100}`."
    )

    def build(self) -> "Launcher":
        """Build the launcher. Raises LaunchError where submitit is not installed."""
        from alloygan_plugins.slurm.launcher import SlurmArray

        return SlurmArray(self)
