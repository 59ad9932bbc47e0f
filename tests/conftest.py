"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest

# Read by OpenMP when torch is imported: threads that wait actively slow a busy machine many times over.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real micrographs: ALLOYGAN_SHARED_DATA, or `shared/data` beside this checkout."""
    named = os.environ.get("ALLOYGAN_SHARED_DATA")
    places = [Path(named)] if named else [above / "shared" / "data" for above in Path(__file__).resolve().parents]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        pytest.skip(f"no real micrographs here: none of {', '.join(map(str, places))} is a folder")
    return found
