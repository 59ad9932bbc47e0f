"""Data sets without a table of conditions: bins of alike conditions are compared, and each with its own."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data, Patches
from alloygan.evaluation.condition_bins import FEWEST_IMAGES, MOST_BINS, condition_bins
from alloygan.evaluation.evaluate import measure
from alloygan.evaluation.subjects import conditions_asked, of_label, subjects_of
from alloygan.interfaces.condition import Condition
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.phase_statistics.specs import AreaFraction

SIDES = (4, 14)


def with_conditions(values: Tensor, images: Tensor, seed: int) -> Patches:
    label = torch.full((len(values),), -1)
    return Patches(images, Condition(values.float(), label), torch.arange(len(values)) + 1000 * seed)


def data(squares: Any, evaluation: int, training: int = 100, *, columns: int = 1) -> Data:
    """Squares whose side grows with the first column, with conditions all over the range."""
    specs = [ColumnSpec(name=f"c{i}", unit="h" if i == 0 else "", low=1, high=101) for i in range(columns)]
    space = ConditionSpace.from_rows(specs, [], tabulate=False)
    sets = []
    for seed, count in ((1, training), (2, evaluation)):
        values = torch.rand((count, columns), generator=torch.Generator().manual_seed(seed))
        sets.append(with_conditions(values, drawn_at(squares, values, seed), seed))
    return Data(space, *sets)


def drawn_at(squares: Any, values: Tensor, seed: int) -> Tensor:
    low, high = SIDES
    sides = [round(low + (high - low) * float(value)) for value in values[:, 0]]
    none = torch.zeros((0, *squares.SHAPE), dtype=torch.uint8)
    return torch.cat([none, *(squares.images(side, 1, 1000 * seed + i) for i, side in enumerate(sides))])


def test_bins_have_about_as_many_images_each_and_share_none(squares: Any) -> None:
    given = data(squares, 90)
    bins = condition_bins(given)
    assert [one.label for one in bins] == [-1, -2, -3, -4]
    inside = np.stack([one.holds(given.evaluation) for one in bins])
    assert (inside.sum(axis=0) == 1).all()
    assert set(inside.sum(axis=1)) <= {22, 23}
    for one in bins:
        assert one.holds(given.train).sum() >= FEWEST_IMAGES
    # What lies beyond all evaluation images belongs to the outermost bins.
    beyond = with_conditions(torch.tensor([[-0.5], [1.5]]), torch.zeros((2, 1, 4, 4), dtype=torch.uint8), 3)
    assert bins[0].holds(beyond).tolist() == [True, False]
    assert bins[-1].holds(beyond).tolist() == [False, True]


@pytest.mark.parametrize(("evaluation", "training", "columns"), [(31, 400, 1), (400, 31, 1), (0, 100, 1), (31, 400, 3)])
def test_few_images_are_one_pool(squares: Any, evaluation: int, training: int, columns: int) -> None:
    (pool,) = condition_bins(data(squares, evaluation, training, columns=columns))
    assert pool.edges == ()


@pytest.mark.parametrize(("columns", "expected"), [(2, 12), (3, 12), (5, 12)])
def test_several_columns_are_cut_into_fewer_parts_each(squares: Any, columns: int, expected: int) -> None:
    given = data(squares, 600, 900, columns=columns)
    bins = condition_bins(given)
    assert len(bins) == expected <= MOST_BINS
    assert all(one.holds(given.evaluation).sum() >= FEWEST_IMAGES for one in bins)
    assert sum(one.holds(given.evaluation).sum() for one in bins) == 600


def test_a_column_that_does_not_vary_is_not_cut(squares: Any) -> None:
    given = data(squares, 200, 200, columns=2)
    given.evaluation.condition.values[:, 1] = 0.3
    bins = condition_bins(given)
    assert len(bins) == 4
    assert all(position == 0 for one in bins for position, _, _ in one.edges)


def test_images_of_one_condition_stay_together(squares: Any) -> None:
    given = data(squares, 80)
    values = torch.tensor([0.1] * 30 + [0.5] * 25 + [0.9] * 25)[:, None]
    given = Data(given.space, given.train, with_conditions(values, given.evaluation.images, 2))
    assert [one.edges[0][1:] for one in condition_bins(given)][1] == (pytest.approx(0.3), pytest.approx(0.7))
    counts = [int(one.holds(given.evaluation).sum()) for one in condition_bins(given)]
    assert counts == [30, 25, 25]


def test_a_bin_is_a_row_with_its_range_and_its_mean_condition(squares: Any) -> None:
    given = data(squares, 90)
    generate = generator(squares, given)
    result = squares.plain(measure(squares.spec(AreaFraction()), given, generate))
    assert [entry["label"] for entry in result["conditions"]] == [-1, -2, -3, -4]
    for entry, subject in zip(result["conditions"], subjects_of(squares.spec(), given, 120.0), strict=True):
        low, high = entry["ranges"]["c0"]
        assert entry["text"] == f"c0 = {low:g}–{high:g} h"
        values = 1 + 100 * subject.real_values[:, 0]
        assert (low, high) == (pytest.approx(values.min(), rel=1e-3), pytest.approx(values.max(), rel=1e-3))
        assert entry["condition"] == {"c0": pytest.approx(values.mean(), rel=1e-3)}
    highs = [entry["ranges"]["c0"][1] for entry in result["conditions"]]
    lows = [entry["ranges"]["c0"][0] for entry in result["conditions"]]
    assert all(high < low for high, low in zip(highs, lows[1:], strict=False))


def generator(squares: Any, given: Data, shift: float = 0.0, seen: list[Tensor] | None = None) -> Any:
    """Squares of the size of the conditions asked, or of conditions off by `shift`, round the end of the range."""

    def generate(label: int, count: int) -> Tensor:
        asked = conditions_asked(given, label, count, 0).values
        assert len(asked) == count
        if seen is not None:
            seen.append(asked)
        return drawn_at(squares, (asked + shift) % 1, 5)

    return generate


def test_asked_are_the_conditions_of_the_images_compared_with(squares: Any) -> None:
    given = data(squares, 90)
    seen: list[Tensor] = []
    measure(squares.spec(AreaFraction(), images=18), given, generator(squares, given, seen=seen))
    for asked, subject in zip(seen, subjects_of(squares.spec(images=18), given, 120.0), strict=True):
        np.testing.assert_array_equal(asked.numpy(), subject.real_values)
    pool = data(squares, 20)
    seen.clear()
    measure(squares.spec(AreaFraction()), pool, generator(squares, pool, seen=seen))
    assert sorted(seen[0].ravel().tolist()) == sorted(pool.evaluation.condition.values.ravel().tolist())


def test_without_evaluation_images_the_training_s_conditions_are_asked(squares: Any) -> None:
    given = data(squares, 0, 40)
    asked = conditions_asked(given, -1, 32, 0)
    assert len(asked) == 32
    assert set(asked.values.ravel().tolist()) <= set(given.train.condition.values.ravel().tolist())


def test_images_at_wrong_conditions_are_seen_and_the_floor_has_no_scatter_of_conditions(squares: Any) -> None:
    given = data(squares, 128, 128)
    spec = squares.spec(AreaFraction(), judge_images=64, memorising_images=8)
    right = squares.plain(measure(spec, given, generator(squares, given)))
    wrong = squares.plain(measure(spec, given, generator(squares, given, 0.5)))
    good, bad = (found["overall"]["area_fraction"] for found in (right, wrong))
    # The pool of both is the same, for they have the same conditions in another order.
    assert bad["mean_deviation"] > 5 * good["mean_deviation"]
    assert bad["mean_deviation"] > 3 * good["mean_floor_deviation"]
    assert good["r2"] > 0.9 > 0 > bad["r2"]
    assert [entry["label"] for entry in right["fidelity"]["conditions"]] == [-4, -3, -2, -1]
    assert {entry["label"] for entry in right["memorising"]["conditions"]} == {-1, -2, -3, -4}


def test_images_of_a_label_are_those_of_its_bin_or_of_its_condition(squares: Any) -> None:
    given = data(squares, 90)
    parts = [of_label(given, given.train, label) for label in (-1, -2, -3, -4)]
    assert sum(map(len, parts)) == len(given.train)
    table = squares.data()
    assert torch.equal(of_label(table, table.train, 1), table.train.of_condition(1))
