"""Starts a training in several processes of this machine with torch's launcher, which starts them again if one dies.

What a process refuses it would refuse again: it leaves its message, and those that are started after it end at once. On
several machines, `torchrun` itself is called on each; docs/processes.md has the line.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alloygan.files import write_json

RESTARTS = 3
REFUSAL = "ALLOYGAN_REFUSAL"
"""Names the file for the message, to the processes that are started here."""


@dataclass(frozen=True)
class Ended:
    """How a training in several processes ended: an exit code, and what was refused, if anything was."""

    code: int
    refused: str | None = None


def torchrun(words: Sequence[str], processes: int, restarts: int = RESTARTS) -> Ended:
    """Run `alloygan WORDS` in so many processes.

    After a process has died all start again, at most `restarts` times, and go on from the last checkpoint.
    """
    with tempfile.TemporaryDirectory(prefix="alloygan-") as folder:
        refusal = Path(folder) / "refusal.json"
        environment = {
            # Sharing the launcher's store makes about every second restart hang (pytorch#135712).
            "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
            "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)),
            **os.environ,
            REFUSAL: str(refusal),
        }
        launcher = [
            sys.executable, "-m", __name__, "--standalone", f"--nproc-per-node={processes}",
            f"--max-restarts={restarts}", "-m", "alloygan", *words,
        ]  # fmt: skip
        code = subprocess.run(launcher, env=environment, check=False).returncode
        if refusal.is_file():
            said = json.loads(refusal.read_text(encoding="utf-8"))
            return Ended(said["code"], said["message"])
    return Ended(code)


def leave_refusal(message: str, code: int) -> bool:
    """In a process that `torchrun` has started, leave a message for the one that waits; whether this is one."""
    place = os.environ.get(REFUSAL)
    if place is None:
        return False
    # Of several that refuse, one is heard.
    if not Path(place).exists():
        write_json(Path(place), {"message": message, "code": code})
    return True


def refused_already() -> bool:
    """Whether a process of the same training has left a message, so that there is nothing to start again for."""
    return REFUSAL in os.environ and Path(os.environ[REFUSAL]).exists()


def _launch(words: Sequence[str]) -> None:
    """torch's launcher, without what it says of itself where a process has said why it ended."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main

    for name in ("agent.server.api", "multiprocessing.api"):
        logging.getLogger(f"torch.distributed.elastic.{name}").addFilter(lambda _: not refused_already())
    try:
        main(list(words))
    except ChildFailedError as error:
        if refused_already():
            sys.exit(1)
        _, failure = error.get_first_failure()
        sys.exit(f"process {failure.local_rank} ended with exit code {failure.exitcode}, too often to start it again")


if __name__ == "__main__":
    _launch(sys.argv[1:])
