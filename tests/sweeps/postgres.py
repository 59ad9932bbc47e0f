"""A PostgreSQL server of a test's own: in a temporary folder, on a free loopback port, as an unprivileged user."""

import glob
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp


def programs() -> Path | None:
    """Debian's folder of the newest server, or that of the path; None if there is none."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    there = shutil.which("initdb")
    return Path(found[-1]).parent if found else Path(there).parent if there else None


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Start a server and give the URL of its database."""
    where = programs()
    assert where is not None
    # The server refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    # Of another user's, who may not look into the test's own folder.
    data = Path(mkdtemp(prefix="alloygan-postgres-"))
    if user is not None:
        shutil.chown(data, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "postgres.log"
    with log.open("wb") as output:
        subprocess.run(
            [where / "initdb", "-D", data / "db", "-U", "alloygan", "--auth=trust", "--no-sync"],
            check=True, stdout=output, stderr=output, user=user, cwd="/",
        )  # fmt: skip
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        process = subprocess.Popen(
            [where / "postgres", "-D", data / "db", "-p", str(port), *options],
            stdout=output, stderr=output, user=user, cwd="/",
        )  # fmt: skip
    try:
        end = time.monotonic() + 60
        ready = [where / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q"]
        while subprocess.run(ready, check=False).returncode:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield f"postgresql://alloygan@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(data, ignore_errors=True)
