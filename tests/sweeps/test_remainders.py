"""Remainders over held-out conditions and seeds: the ratio, its interval, what is paired, what is left out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alloygan.errors import RunFolderError
from alloygan.sweeps.held_out_scores import HeldOutScore, read_held_out_scores, write_held_out_scores
from alloygan.sweeps.remainders import blend_remainder, remainder_by_gap, remainders

NEAREST = {"a": 1.1, "b": 0.6, "c": 2.1, "d": 0.4}
FLOOR = 0.1


def scores(cell: str, baseline: str, left: float, scatter: float = 0.0, seeds: int = 3) -> list[HeldOutScore]:
    """A cell of which `left` of the way is left in every condition, give or take."""
    random = np.random.default_rng(len(cell))
    return [
        HeldOutScore(
            cell, baseline, seed, condition, "between", 0.1 if condition < "c" else 0.2, "two_point",
            FLOOR + (left + scatter * random.standard_normal()) * (nearest - FLOOR), FLOOR, nearest, True,
        )
        for seed in range(seeds)
        for condition, nearest in NEAREST.items()
    ]  # fmt: skip


def test_the_remainder_is_a_ratio_of_sums() -> None:
    one = [
        HeldOutScore("x", "", 0, "a", "between", 0.1, "s", 0.3, 0.1, 1.1, True),
        HeldOutScore("x", "", 0, "b", "between", 0.1, "s", 0.4, 0.1, 0.2, True),
    ]
    found = remainders(one, "s", "between")["x"]
    assert found.value == pytest.approx((0.2 + 0.3) / (1.0 + 0.1))
    assert (found.conditions, found.seeds) == (2, 1)
    assert found.interval == pytest.approx((0.2, 3.0))  # either condition twice
    assert remainders(one, "s", "beyond") == {}


def test_intervals_hold_what_is_true() -> None:
    """Of 40 cells with scatter between conditions and seeds, most intervals have the truth in them."""
    hits = 0
    for number in range(40):
        found = remainders(scores("x" * (number + 1), "", 0.5, 0.3), "two_point", "between")
        (one,) = found.values()
        assert one.interval is not None
        hits += one.interval[0] <= 0.5 <= one.interval[1]
    assert hits >= 30


def test_differences_are_of_the_same_conditions_and_seeds() -> None:
    """What both cells share, such as a hard condition, is no part of the difference."""
    base = scores("base", "", 0.6, 0.4)
    other = [
        replace(one, cell="other", baseline="base", value=one.value - 0.1 * (one.nearest - one.floor)) for one in base
    ]  # type: ignore[operator]
    found = remainders(base + other, "two_point", "between")
    assert found["other"].difference == pytest.approx(-0.1)
    assert found["other"].difference_interval == pytest.approx((-0.1, -0.1))
    assert found["other"].better is True
    interval = found["other"].interval
    assert interval is not None
    assert interval[1] - interval[0] > 0.05
    assert found["base"].difference is None
    assert found["base"].better is None
    worse = remainders([*base, *scores("other", "base", 1.5)], "two_point", "between")["other"]
    assert worse.better is False


def test_only_seeds_that_both_have_are_compared() -> None:
    base = scores("base", "", 0.6, 0.2, seeds=3)
    other = [replace(one, cell="other", baseline="base") for one in base if one.seed == 1]
    found = remainders(base + other, "two_point", "between")["other"]
    assert found.seeds == 1
    assert found.difference == pytest.approx(0, abs=1e-12)


def test_conditions_where_nothing_can_be_said_are_listed() -> None:
    given = scores("x", "", 0.5)
    given = [replace(one, told_apart=one.condition != "c") for one in given]
    found = remainders(given, "two_point", "between")["x"]
    assert found.not_told_apart == ("c",)
    assert found.conditions == 3
    nothing = remainders([replace(one, told_apart=False) for one in given], "two_point", "between")["x"]
    assert (nothing.value, nothing.interval, nothing.conditions) == (None, None, 0)


def test_nothing_gets_better_by_having_nothing_to_measure() -> None:
    """A lost value counts as twice as far from real images as the nearest ones, and is named."""
    base = scores("base", "", 0.5)
    lost = [replace(one, cell="lost", baseline="base") for one in base]
    lost = [replace(one, value=None) if (one.condition, one.seed) == ("c", 1) else one for one in lost]
    found = remainders(base + lost, "two_point", "between")["lost"]
    assert found.lost == ("c",)
    way = {name: nearest - FLOOR for name, nearest in NEAREST.items()}
    expected = (0.5 * 3 * sum(way.values()) + 1.5 * way["c"]) / (3 * sum(way.values()))
    assert found.value == pytest.approx(expected)
    assert found.difference is not None
    assert found.difference > 0


def test_runs_that_lack_a_condition_are_paired_entry_by_entry() -> None:
    base = scores("base", "", 0.6, 0.4)
    other = [replace(one, cell="other", baseline="base") for one in base]
    other = [one for one in other if (one.condition, one.seed) != ("c", 1)]
    found = remainders(base + other, "two_point", "between")["other"]
    assert found.difference == pytest.approx(0, abs=1e-12), "what both have is the same"
    assert found.difference_interval == pytest.approx((0, 0), abs=1e-12)


@pytest.mark.parametrize("seeds", [1, 2])
def test_one_or_two_seeds_say_little_of_another(seeds: int) -> None:
    base = scores("base", "", 0.6, seeds=seeds)
    found = remainders([*base, *scores("other", "base", 0.5, seeds=seeds)], "two_point", "between")["other"]
    assert found.difference_interval == pytest.approx((-0.1, -0.1))
    assert found.shared_seeds == seeds
    assert found.better is None


def test_one_condition_and_one_seed_have_no_interval() -> None:
    found = remainders(scores("x", "", 0.5, seeds=1)[:1], "two_point", "between")["x"]
    assert found.value == pytest.approx(0.5)
    assert found.interval is None


def test_over_the_width_of_the_gap() -> None:
    given = [replace(one, value=one.nearest) if one.gap == 0.2 else one for one in scores("x", "", 0.5)]
    given += [replace(given[0], place="beyond", value=9.0)]
    assert remainder_by_gap(given, "x", "two_point") == pytest.approx({0.1: 0.5, 0.2: 1.0})


def test_the_blend_counts_each_condition_once() -> None:
    given = [
        HeldOutScore(cell, "", seed, "a", "between", 0.1, "s.mean", 0.9, 0.1, 1.1, True, 0.3)
        for cell in "xy"
        for seed in range(2)
    ]
    assert blend_remainder(given, "s.mean", "between") == pytest.approx(0.2)
    assert blend_remainder(scores("x", "", 0.5), "two_point", "between") is None


def test_the_table_holds_what_was_measured(tmp_path: Path) -> None:
    given = [
        HeldOutScore("with, narrow", "", 0, "time = 1 h, x = 2", "beyond", 0.25, "s", None, 0.125, 1.5, False),
        HeldOutScore(
            "without", "with, narrow", 1, "time = 1 h, x = 2", "between", 0.5, "s.mean", 0.5, 0.125, 1.5, True, 0.75
        ),
    ]
    path = tmp_path / "held_out.csv"
    write_held_out_scores(given, path)
    assert read_held_out_scores(path) == given
    write_held_out_scores([], path)
    assert not path.exists(), "that of an earlier time is not left behind"
    path.write_text("cell,seed\nx,0\n")
    with pytest.raises(RunFolderError, match="not a table of held-out conditions"):
        read_held_out_scores(path)
