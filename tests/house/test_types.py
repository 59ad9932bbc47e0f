"""The type checker sees the whole core: a planted bug is found, so "no issues" does not mean "checked nothing"."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUG = """
from alloygan.errors import nearest
from alloygan.specs.optimizers import Adam

nearest(3, ["a"])
Adam(lr="fast")
Adam(learning_rate=0.1)
"""


def test_planted_bugs_are_found(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(BUG)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8").replace('packages = ["alloygan"]\n', "")
    settings = settings.replace('["core", "plugins"]', f'["{ROOT / "core"}", "{ROOT / "plugins"}"]')
    (tmp_path / "pyproject.toml").write_text(settings)
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "planted.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    for line, words in ((5, "[arg-type]"), (6, "[arg-type]"), (7, "[call-arg]")):
        assert any(found.startswith(f"planted.py:{line}:") and words in found for found in done.stdout.splitlines()), (
            done.stdout + done.stderr
        )
