"""A Slurm cluster of a test's own: one node, on loopback, with the plain plugins (no cgroups, no accounting)."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")

_CONFIGURATION = """
ClusterName=alloygan
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MailProg=/bin/true
ReturnToService=2
MinJobAge=10
KillWait=5
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """The programs that are not installed."""
    with _system_path():
        return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def cluster() -> Iterator[Path]:
    """Start the cluster and give its slurm.conf, which SLURM_CONF must name for sbatch and squeue."""
    # A short path: a socket's name has 108 characters at most.
    folder = Path(mkdtemp(prefix="alloygan-slurm-"))
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o600)
    configuration = folder / "slurm.conf"
    host = socket.gethostname().split(".")[0]
    text = _CONFIGURATION.format(host=host, ports=_free_ports(2), user=getpass.getuser(), folder=folder)
    configuration.write_text(text)
    environment = os.environ | {"SLURM_CONF": str(configuration)}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with _system_path(), (folder / "daemons.log").open("wb") as log:
            for command in (
                ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket",
                 f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log", f"--seed-file={folder}/seed"],
                ["slurmctld", "-D", "-c", "-f", str(configuration)],
                ["slurmd", "-D", "-f", str(configuration), "-N", host],
            ):  # fmt: skip
                processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder))
                time.sleep(0.5)
        _wait_for_node(environment, folder)
        yield configuration
    finally:
        for process in reversed(processes):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_node(environment: dict[str, str], folder: Path) -> None:
    end = time.monotonic() + 90
    while True:
        asked = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"], env=environment, capture_output=True, text=True, check=False
        )
        if "idle" in asked.stdout:
            return
        logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(folder.glob("*.log")))
        assert time.monotonic() < end, f"sinfo: {asked.stdout} {asked.stderr}\n{logs}"
        time.sleep(0.5)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@contextmanager
def _system_path() -> Iterator[None]:
    """Daemons are in folders that only root's path has."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{before}:/usr/sbin:/sbin"
    try:
        yield
    finally:
        os.environ["PATH"] = before
