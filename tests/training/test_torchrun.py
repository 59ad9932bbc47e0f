"""What processes refuse is told once, by the command that has started them, and is not tried again."""

import subprocess
import sys
from pathlib import Path

import pytest

from alloygan.training.torchrun import REFUSAL, leave_refusal, refused_already

from .test_processes import BASE


def train_together(spec: Path, out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alloygan", "train", str(spec), "--out", str(out), "--processes", "2", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize(
    ("setting", "code", "said"),
    [
        ("training.compile=step", 2, "training.compile: step: 2 processes"),
        ("training.optimizer.lr=3e38", 1, "became non-finite"),
    ],
)
def test_a_refusal_is_told_once(setting: str, code: int, said: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(BASE)
    done = train_together(spec, tmp_path / "run", "--set", setting, "--set", "training.device=cpu")
    assert done.returncode == code, done.stderr
    assert done.stderr.count("error:") == 1, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_message_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not leave_refusal("alone", 2)
    assert not refused_already()
    monkeypatch.setenv(REFUSAL, str(tmp_path / "refusal.json"))
    assert not refused_already()
    assert leave_refusal("first", 2)
    assert leave_refusal("second", 1)
    assert refused_already()
    assert '"first"' in (tmp_path / "refusal.json").read_text()
