"""A manifest of tiny micrographs for specs of the data set `micrographs`."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alloygan.specs.condition_columns import ColumnSpec

MakeManifest = Callable[[Sequence[ColumnSpec], int], Path]


@pytest.fixture(scope="session")
def make_manifest(tmp_path_factory: pytest.TempPathFactory) -> MakeManifest:
    """A function from condition columns and an image side in px to a manifest of three micrographs."""

    def make(columns: Sequence[ColumnSpec], side: int) -> Path:
        folder = tmp_path_factory.mktemp("micrographs")
        rng = np.random.default_rng(0)
        lines = [",".join(["file", *(column.name for column in columns)])]
        for number in range(3):
            pixels = rng.integers(0, 256, (side, side), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
            values = [
                (column.levels or "abc")[number % len(column.levels or "abc")]
                if column.scale == "category"
                else str(10.0 ** (number + 1))
                for column in columns
            ]
            lines.append(",".join([f"{number}.png", *values]))
        (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
        return folder / "manifest.csv"

    return make
