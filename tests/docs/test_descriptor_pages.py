"""Every registered descriptor has a page: what it is, its unit and source, and what it was checked against."""

import re
from pathlib import Path

import numpy as np
import pytest

from alloygan import load_zoo
from alloygan.interfaces.descriptor import Specimens

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "descriptors"
SPECS = {entry.kind: entry.spec for entry in load_zoo().registries["descriptor"]}
SECTIONS = ["Definition", "Unit", "Source", "Validation", "Nothing to measure"]


def page(kind: str) -> str:
    return (PAGES / f"{kind}.md").read_text(encoding="utf-8")


def sections(kind: str) -> dict[str, str]:
    """The text below each heading of a page."""
    parts = re.split(r"^## (.+)$", page(kind), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def specimens(um_per_px: float | None) -> Specimens:
    """Two images of lamellae with a grain in each."""
    rows, columns = np.mgrid[:64, :64]
    mask = (rows - 30) ** 2 + (columns - 33) ** 2 < 10**2
    grey = np.where(mask, 30, 150 + 40 * np.sin(columns))
    images = np.stack([grey, grey.T]).astype(np.uint8)[:, None]
    return Specimens(images, np.stack([mask, mask.T]), um_per_px)


def test_pages_are_those_of_the_registered_kinds() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == set(SPECS)


@pytest.mark.parametrize("kind", SPECS)
def test_the_page_has_every_section(kind: str) -> None:
    assert page(kind).startswith(f"# `{kind}`: ")
    assert list(sections(kind)) == SECTIONS
    assert all(len(text.split()) > 5 for text in sections(kind).values())


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize("um_per_px", [None, 0.5])
def test_the_unit_is_the_measured_one(kind: str, um_per_px: float | None) -> None:
    descriptor = SPECS[kind]().build()
    found = descriptor.measure(specimens(um_per_px))
    assert descriptor.summary(found) is not None
    for unit in {found.unit, descriptor.summary_unit(found, specimens(um_per_px))}:
        # What has no unit is a number, or a grey level.
        expected = re.escape(unit.replace("um", "µm")) if unit else "None|Grey levels"
        assert re.search(rf"(?<![\w/])({expected})(?!\w)", sections(kind)["Unit"]), unit


@pytest.mark.parametrize("kind", SPECS)
def test_every_field_is_explained(kind: str) -> None:
    for field in SPECS[kind].model_fields:
        if field != "kind":
            assert f"`{field}" in page(kind), field


@pytest.mark.parametrize("kind", SPECS)
def test_the_validation_names_tests_that_there_are(kind: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", sections(kind)["Validation"])
    assert named
    for path in named:
        assert "def test_" in (ROOT / path).read_text(encoding="utf-8"), path


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)h][^)]*)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


def test_the_table_lists_every_kind_once() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.md\) \|", page("README"), flags=re.MULTILINE)
    assert sorted(kind for kind, _ in rows) == sorted(SPECS)
    assert all(kind == link for kind, link in rows)
