"""Fixtures of the tests of the benchmark scripts."""

import importlib
import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MEASURED = ("throughput", "roofline", "losses", "scaling", "simulation", "evaluation")
"""Scripts that write their results as all do that measure a time."""
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def beside_the_scripts() -> Iterator[None]:
    """Scripts find the modules that lie beside them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield


@pytest.fixture
def module() -> Any:
    """Import a module of the scripts by its name, as they do themselves."""
    return importlib.import_module


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a script as its user would; returns what its JSON says, and fails where it ends with another code."""

    def run(script: str, *words: str, code: int = 0) -> Any:
        out = tmp_path / f"{script}.json"
        ours = {"--json": str(out)} if script in MEASURED else {}
        ours |= {"--device": "cpu"} if script in MEASURED and script != "evaluation" else {}
        given = [word for name, value in ours.items() if name not in words for word in (name, value)]
        monkeypatch.setattr(sys, "argv", [script, *words, *given])
        ended: str | int | None = 0
        try:
            runpy.run_path(str(BENCHMARKS / f"{script}.py"), run_name="__main__")
        except SystemExit as error:
            ended = error.code
        assert ended == code
        return json.loads(out.read_text()) if out.is_file() else None

    return run


@pytest.fixture
def refused(run: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a script with what it cannot use; returns the one message, from its "error: " on."""

    def refused(script: str, *words: str) -> str:
        capsys.readouterr()
        assert run(script, *words, code=2) is None
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert said.err.count("error: ") == 1
        return said.err[said.err.index("error: ") :].strip()

    return refused
