"""Locks between processes: given up by a kill, and waited for by the patient."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloygan.locks import HeldElsewhereError, held, is_held

HOLD = """
import sys, time
from collections.abc import Iterator
from pathlib import Path
from alloygan.locks import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_kill_gives_the_lock_up(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert is_held(path)
    with pytest.raises(HeldElsewhereError), held(path):
        pass
    holder.kill()
    holder.wait()
    assert not is_held(path)
    with held(path):
        pass


def test_the_patient_wait(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    threading.Timer(0.5, holder.kill).start()
    start = time.monotonic()
    with held(tmp_path / "lock", patience=20):
        assert time.monotonic() - start < 15
    assert holder.wait() != 0


def test_a_lock_that_nobody_took_is_free(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")
