"""Images that nothing, or hardly anything, can be measured on: a value or a word why not, never NaN, never an error."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan import load_zoo
from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data, Patches
from alloygan.errors import DataError
from alloygan.evaluation.evaluate import measure
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.evaluation import EvaluationSpec

ZOO = load_zoo()


def data(images: Tensor) -> Data:
    """The same images (n, C, H, W) in both conditions, for training and evaluation."""
    space = ConditionSpace.from_rows([ColumnSpec(name="t")], [{"t": 0.0}, {"t": 1.0}])
    rows = [row for row in space.table for _ in images]
    patches = Patches(torch.cat([images, images]), space.condition(rows), torch.arange(len(rows)))
    return Data(space, patches, patches)


def everything(**settings: Any) -> EvaluationSpec:
    values = {
        "descriptors": [entry.kind for entry in ZOO.registries["descriptor"]],
        "comparisons": [{"kind": "lite0_features", "weights": "random", "side": 32}],
        "bootstrap": 10,
        "judge_images": 64,
        "images": 6,
    }
    return EvaluationSpec.model_validate(values | settings, context=ZOO.registries)


def two_phases(*shape: int) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return (255 * (torch.rand(shape, generator=random) > 0.5)).to(torch.uint8)


def grey(level: int, *shape: int) -> Tensor:
    return torch.full(shape, level, dtype=torch.uint8)


CASES = {
    "empty masks": (two_phases(8, 1, 24, 24), grey(0, 6, 1, 24, 24)),
    "full masks": (two_phases(8, 1, 24, 24), grey(255, 6, 1, 24, 24)),
    "no grains in real images": (grey(10, 8, 1, 24, 24), two_phases(6, 1, 24, 24)),
    "constant images": (grey(90, 8, 1, 24, 24), grey(90, 6, 1, 24, 24)),
    "one-pixel patches": (two_phases(8, 1, 1, 1), two_phases(6, 1, 1, 1)),
    "patches one pixel high": (two_phases(8, 1, 1, 24), two_phases(6, 1, 1, 24)),
    "colour": (two_phases(8, 3, 24, 24), two_phases(6, 3, 24, 24)),
    "five channels": (two_phases(8, 5, 24, 24), two_phases(6, 5, 24, 24)),
    "a single image": (two_phases(1, 1, 24, 24), two_phases(6, 1, 24, 24)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_value_or_a_word_why_not(case: str) -> None:
    real, generated = CASES[case]
    evaluation = measure(everything(threshold=127.0), data(real), lambda label, count: generated[:count])
    scores = json.loads(json.dumps(evaluation.scores, allow_nan=False))
    json.dumps(evaluation.samples, allow_nan=False)
    for condition in scores["conditions"]:
        for name, score in condition["scores"].items():
            if None in (score["real"], score["generated"], score["distance"], score["deviation"]):
                assert score.get("note"), (name, score)
    for part in ("fidelity", "memorising"):
        assert scores[part] is not None
    assert all(np.isfinite(condition["images"]) for condition in scores["conditions"])


def test_the_grey_level_of_constant_images_must_be_given() -> None:
    real = grey(90, 8, 1, 24, 24)
    with pytest.raises(DataError, match=r"evaluation\.threshold"):
        measure(everything(), data(real), lambda label, count: real[:count])
