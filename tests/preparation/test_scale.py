from pathlib import Path

import pytest

from alloygan.data.manifest import Micrograph
from alloygan.errors import DataError
from alloygan.preparation.scale import factors


def rows(*scales):
    return [Micrograph(f"m.csv:{i + 2}", Path("a.png"), {}, scale) for i, scale in enumerate(scales)]


def test_factors():
    assert factors(rows(0.5, 0.25, 0.1), 0.5) == [1.0, 2.0, 5.0]
    assert factors(rows(0.3), 0.1 * 3) == [1.0]
    assert factors(rows(0.5), 0.45) == [0.9]
    assert factors(rows(None, None), None) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("scales", "asked", "said"),
    [
        ((None,), 0.5, "the manifest has no um_per_px"),
        ((0.5,), None, r"choose the side of a patch in µm \(side_um\)"),
        ((0.5, None, None), 0.5, r"(?s)m.csv:3: um_per_px: missing here.*m.csv:4: um_per_px: missing"),
        ((0.5, 0.2), 0.2, r"m.csv:2: um_per_px: 0.5 would be enlarged 2.5 times"),
    ],
)
def test_what_cannot_be_scaled(scales, asked, said):
    with pytest.raises(DataError, match=said):
        factors(rows(*scales), asked)
