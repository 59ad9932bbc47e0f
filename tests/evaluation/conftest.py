"""A small made-up data set for the orchestration: squares of a size that the condition sets."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data, Patches
from alloygan.evaluation.evaluate import Evaluation
from alloygan.specs.components import DescriptorSpec
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.evaluation import EvaluationSpec
from alloygan_plugins.imagej_particles.specs import AspectRatio, EquivalentDiameter, NumberDensity
from alloygan_plugins.phase_statistics.specs import AreaFraction, InterfaceDensity, PixelStd
from alloygan_plugins.spatial_correlation.specs import CharacteristicLength, TwoPoint

ALL = (
    EquivalentDiameter(),
    NumberDensity(),
    AspectRatio(),
    AreaFraction(),
    InterfaceDensity(),
    CharacteristicLength(),
    TwoPoint(),
    PixelStd(),
)
SIZES = (6, 9, 12)
SHAPE = (1, 32, 40)


def squares(side: int, count: int, seed: int, dark: int = 60, channels: int = 1) -> Tensor:
    """Images (count, C, 32, 40) of a bright rectangle, `side` px give or take one, somewhere inside."""
    random = np.random.default_rng(seed)
    images = random.integers(dark - 10, dark + 11, (count, channels, *SHAPE[1:]))
    for image in images:
        height, width = side + random.integers(-1, 2, 2)
        top, left = random.integers(1, SHAPE[1] - height), random.integers(1, SHAPE[2] - width)
        image[:, top : top + height, left : left + width] += 120
    return torch.from_numpy(images.astype(np.uint8))


def patches(space: ConditionSpace, counts: list[int], seed: int, channels: int = 1, sources: int = 2) -> Patches:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    images = [
        squares(SIZES[label], count, seed + label, channels=channels) for label, count in enumerate(counts) if count
    ]
    return Patches(
        torch.cat(images) if images else torch.zeros((0, channels, *SHAPE[1:]), dtype=torch.uint8),
        space.condition([space.table[label] for label in labels]),
        torch.tensor([i % sources + 100 * seed for i in range(len(labels))], dtype=torch.int64),
    )


def data(
    train: list[int] | None = None,
    evaluation: list[int] | None = None,
    held_out: frozenset[int] = frozenset(),
    um_per_px: float | None = None,
    channels: int = 1,
    sources: int = 2,
) -> Data:
    rows = [{"size": size} for size in SIZES]
    space = ConditionSpace.from_rows([ColumnSpec(name="size", unit="px")], rows)
    space = ConditionSpace(space.columns, space.table, held_out)
    return Data(
        space,
        patches(space, train or [40, 40, 40], 1, channels, sources),
        patches(space, evaluation or [40, 40, 40], 2, channels, sources),
        um_per_px,
    )


def right(label: int, count: int) -> Tensor:
    return squares(SIZES[label], count, 77 + label)


def wrong(label: int, count: int) -> Tensor:
    return squares(SIZES[2 - label] if label != 1 else 14, count, 77 + label)


def spec(*descriptors: DescriptorSpec, **settings: Any) -> EvaluationSpec:
    quick = {"images": 32, "comparisons": (), "bootstrap": 20, "judge_images": 0, "memorising_images": 0}
    return EvaluationSpec(descriptors=descriptors or ALL, **quick | settings)


def plain(evaluation: Evaluation) -> dict[str, Any]:
    """What a reader of evaluation.json sees; fails on NaN and infinity."""
    json.dumps(evaluation.samples, allow_nan=False)
    loaded: dict[str, Any] = json.loads(json.dumps(evaluation.scores, allow_nan=False))
    return loaded


class Squares:
    """What the tests make of it."""

    SHAPE = SHAPE
    SIZES = SIZES
    images = staticmethod(squares)
    data = staticmethod(data)
    right = staticmethod(right)
    wrong = staticmethod(wrong)
    spec = staticmethod(spec)
    plain = staticmethod(plain)


@pytest.fixture(name="squares")
def given_squares() -> Squares:
    """The made-up data set, images of the right and of the wrong condition, and a quick evaluation."""
    return Squares()
