"""Fixtures of the tests of the benchmark scripts."""

import importlib
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of the scripts by its name, as they do themselves."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module
