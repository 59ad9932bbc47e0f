"""A simulated micrograph refuses arrays that do not belong together."""

from typing import Any

import numpy as np
import pytest

from alloygan.data.simulated import SimulatedMicrograph

GOOD: dict[str, Any] = {
    "name": "one",
    "image": np.zeros((1, 4, 6), dtype=np.uint8),
    "conditions": {"time": 3.0},
    "mask": np.zeros((4, 6), dtype=bool),
    "truth": {"x_px": [1.0, 2.0], "y_px": [3.0, 4.0]},
}


def test_what_belongs_together() -> None:
    one = SimulatedMicrograph(**GOOD)
    assert one.training is None
    assert one.um_per_px is None
    assert one.crack_mask is None
    SimulatedMicrograph(**GOOD | {"mask": None, "truth": None, "crack_mask": np.ones((4, 6), dtype=bool)})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"image": np.zeros((4, 6), dtype=np.uint8)}, r"one: image must be uint8 \(C, H, W\); got uint8 \(4, 6\)"),
        ({"image": np.zeros((1, 4, 6))}, "got float64"),
        ({"mask": np.zeros((6, 4), dtype=bool)}, r"mask must be bool \(4, 6\)"),
        ({"mask": np.zeros((4, 6), dtype=np.uint8)}, "mask must be bool"),
        ({"crack_mask": np.zeros((1, 4, 6), dtype=bool)}, "crack_mask must be bool"),
        ({"truth": {"x_px": [1.0], "y_px": []}}, "differ in length"),
    ],
)
def test_what_does_not(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SimulatedMicrograph(**GOOD | fields)
