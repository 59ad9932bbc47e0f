"""Starts a training in several processes of this machine with torch's launcher, which starts them again if one dies.

On several machines, `torchrun` itself is called on each; docs/processes.md has the line.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

RESTARTS = 3


def torchrun(words: Sequence[str], processes: int, restarts: int = RESTARTS) -> int:
    """Run `alloygan WORDS` in so many processes; the exit code of the launcher, 0 where all are done.

    After a process has died all start again, at most `restarts` times, and go on from the last checkpoint.
    """
    environment = {
        # Sharing the launcher's store makes about every second restart hang (pytorch#135712).
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)),
        **os.environ,
    }
    launcher = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}",
        f"--max-restarts={restarts}", "-m", "alloygan", *words,
    ]  # fmt: skip
    return subprocess.run(launcher, env=environment, check=False).returncode
