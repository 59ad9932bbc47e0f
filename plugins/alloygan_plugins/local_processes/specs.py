"""What a spec file says of running on this machine."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan.specs.components import LauncherSpec

if TYPE_CHECKING:
    from alloygan_plugins.local_processes.launcher import LocalProcesses


class Local(LauncherSpec):
    """Processes on this machine, one at a time or several at once."""

    kind: Literal["local"] = "local"
    jobs: int = Field(1, ge=1, description="At most so many at once; the cores, and the GPUs, are shared among them.")
    threads: int | None = Field(
        None,
        ge=1,
        description="Threads of each process; by default the cores divided by the jobs. Other numbers of threads round "
        "differently.",
    )

    def build(self) -> "LocalProcesses":
        """Build the launcher."""
        from alloygan_plugins.local_processes.launcher import LocalProcesses

        return LocalProcesses(self)
