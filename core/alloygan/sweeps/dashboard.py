"""Optuna's dashboard beside a search, on this machine alone."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from alloygan.errors import LaunchError
from alloygan.sweeps.study import STORAGE, storage_url

_CODE = (
    "import os, sys, logging; from optuna_dashboard import run_server; logging.disable(logging.INFO); "
    "run_server(os.environ['ALLOYGAN_DASHBOARD'], host='127.0.0.1', port=int(sys.argv[1]))"
)


@contextmanager
def served(out: Path, storage: str | None, say: Callable[[str], None]) -> Iterator[None]:
    """Serve the dashboard of a search on a free port, and say where. Raises LaunchError if it is not installed."""
    if find_spec("optuna_dashboard") is None:
        raise LaunchError("--dashboard needs a package that is not installed: pip install 'alloygan[dashboard]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out.mkdir(parents=True, exist_ok=True)
    url = storage or os.environ.get(STORAGE) or storage_url(out)
    # By the environment, since it may hold a password.
    process = subprocess.Popen(
        [sys.executable, "-c", _CODE, str(port)],
        env=os.environ | {"ALLOYGAN_DASHBOARD": url.replace("postgresql://", "postgresql+psycopg://", 1)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    say(f"dashboard: http://127.0.0.1:{port}")
    try:
        yield
    finally:
        process.terminate()
        process.wait()
