"""A simulation becomes a manifest with images; whole, or not at all."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alloygan.data.images import read_image, read_mask
from alloygan.data.manifest import read_manifest
from alloygan.data.simulated import SimulatedMicrograph
from alloygan.data.simulation_folder import write_simulation
from alloygan.errors import DataError
from alloygan.specs.condition_columns import ColumnSpec


def micrographs(count: int = 3, scale: float | None = 0.25) -> Iterator[SimulatedMicrograph]:
    random = np.random.default_rng(0)
    for i in range(count):
        image = random.integers(0, 256, (1, 16, 24), dtype=np.uint8)
        truth = {"diameter": [1.5 * i, 2.0], "whole": [True, False]} if i else None
        yield SimulatedMicrograph(f"m{i}", image, {"time": 10.0 * (i + 1)}, scale, image[0] > 127, truth=truth)


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    out = tmp_path / "made"
    summary = write_simulation(micrographs(), out, {"data": {"kind": "made_up"}})
    assert summary["micrographs"] == 3
    assert json.loads((out / "simulation.json").read_text())["data"] == {"kind": "made_up"}
    manifest = read_manifest(out / "manifest.csv", [ColumnSpec(name="time")])
    assert manifest.um_per_px == 0.25
    for row, one in zip(manifest.micrographs, micrographs(), strict=True):
        np.testing.assert_array_equal(read_image(row.file), one.image)
        assert row.mask is not None
        np.testing.assert_array_equal(read_mask(row.mask, size=(16, 24)), one.mask)
        assert float(row.conditions["time"]) == one.conditions["time"]
    assert not (out / "truth" / "m0.csv").exists()
    with (out / "truth" / "m2.csv").open() as file:
        assert list(csv.reader(file)) == [["diameter", "whole"], ["3", "True"], ["2", "False"]]


def test_columns_that_nothing_is_known_of_are_left_out(tmp_path: Path) -> None:
    write_simulation(micrographs(scale=None), tmp_path / "made", {})
    assert "um_per_px" not in (tmp_path / "made" / "manifest.csv").read_text().splitlines()[0]


def test_training_and_evaluation_are_kept_apart(tmp_path: Path) -> None:
    parts = [replace(one, training=training) for one, training in zip(micrographs(), (True, False, None), strict=True)]
    write_simulation(parts, tmp_path / "made", {})
    manifest = read_manifest(tmp_path / "made" / "manifest.csv", [ColumnSpec(name="time")])
    assert [one.evaluation for one in manifest.micrographs] == ["none", "all", None]
    write_simulation(micrographs(), tmp_path / "made", {})
    assert "evaluation" not in (tmp_path / "made" / "manifest.csv").read_text()


def test_an_earlier_simulation_is_replaced_and_anything_else_is_not(tmp_path: Path) -> None:
    out = tmp_path / "made"
    write_simulation(micrographs(3), out, {})
    write_simulation(micrographs(1), out, {})
    assert [path.name for path in (out / "images").iterdir()] == ["m0.png"]
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.tex").write_text("mine")
    with pytest.raises(DataError, match=r"thesis: there is something else already"):
        write_simulation(micrographs(), other, {})
    assert [path.name for path in other.iterdir()] == ["chapter.tex"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "m0"}, "two simulated micrographs are called 'm0'"),
        ({"name": "../escaped"}, "is called '../escaped'"),
        ({"name": "M0"}, "two simulated micrographs"),
        ({"conditions": {"file": 3.0}}, "the name of a manifest's own column"),
        ({"conditions": {"time": float("nan")}}, "not a finite number"),
    ],
)
def test_what_a_plugin_may_get_wrong(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    first, second = micrographs(2)
    with pytest.raises(DataError, match=message):
        write_simulation([first, replace(second, **changes)], tmp_path / "made", {})
    assert list(tmp_path.iterdir()) == []


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[SimulatedMicrograph]:
        yield from micrographs(1)
        raise DataError("no more")

    write_simulation(micrographs(2), tmp_path / "made", {})
    with pytest.raises(DataError, match="no more"):
        write_simulation(broken(), tmp_path / "made", {})
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert len(list((tmp_path / "made" / "images").iterdir())) == 2
