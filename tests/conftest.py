"""Fixtures of all tests."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

# Read by OpenMP when torch is imported: threads that wait actively slow a busy machine many times over.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import pytest
import torch

from alloygan import Zoo, load_zoo


@pytest.fixture(scope="session")
def zoo() -> Zoo:
    """All that is installed. A test that registers more loads a zoo of its own."""
    return load_zoo()


@pytest.fixture
def waiting_refused() -> Callable[[], AbstractContextManager[None]]:
    """A block in which torch raises where the host waits for the GPU."""

    @contextmanager
    def block() -> Iterator[None]:
        with warnings.catch_warnings():
            # Torch says at the first call that this mode is a prototype, and has changed it by then.
            warnings.filterwarnings("ignore", "Synchronization debug mode")
            torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode("default")

    return block


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
