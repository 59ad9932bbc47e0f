"""Fixtures of all tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alloygan import Zoo, load_zoo

# Read by OpenMP when torch is imported: threads that wait actively slow a busy machine many times over.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(scope="session")
def zoo() -> Zoo:
    """All that is installed. A test that registers more loads a zoo of its own."""
    return load_zoo()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real micrographs: ALLOYGAN_SHARED_DATA, or `shared/data` beside this checkout."""
    named = os.environ.get("ALLOYGAN_SHARED_DATA")
    places = [Path(named)] if named else [above / "shared" / "data" for above in Path(__file__).resolve().parents]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        pytest.skip(f"no real micrographs here: none of {', '.join(map(str, places))} is a folder")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright's Python package is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium here (apt install chromium)")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()
