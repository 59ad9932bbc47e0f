"""Optuna's dashboard beside a search, on this machine alone."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from alloygan.errors import LaunchError

_CODE = (
    "import os, sys, logging; from optuna_dashboard import run_server; logging.disable(logging.INFO); "
    "run_server(os.environ['ALLOYGAN_DASHBOARD'], host='127.0.0.1', port=int(sys.argv[1]))"
)


def require_dashboard() -> None:
    """Raise LaunchError if the dashboard is not installed."""
    if find_spec("optuna_dashboard") is None:
        raise LaunchError("--dashboard needs a package that is not installed: pip install 'alloygan[dashboard]'")


@contextmanager
def served(url: str, say: Callable[[str], None]) -> Iterator[None]:
    """Serve the dashboard of a database on a free port, and say where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _CODE, str(port)],
        # By the environment, since it may hold a password.
        env=os.environ | {"ALLOYGAN_DASHBOARD": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    say(f"dashboard: http://127.0.0.1:{port}")
    try:
        yield
    finally:
        process.terminate()
        process.wait()
