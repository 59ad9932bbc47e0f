"""Along a condition: which conditions are asked, from which noise, and what is said of what is found."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace, Row
from alloygan.evaluation.condition_sweeps import condition_sweeps
from alloygan.evaluation.score_list import listed_scores, possible_scores
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.evaluation import EvaluationSpec
from alloygan_plugins.phase_statistics.specs import AreaFraction, InterfaceDensity

TIMES, SHARES = (10.0, 100.0, 1000.0), (0.2, 0.4, 0.6)
SPEC = EvaluationSpec(descriptors=(AreaFraction(), InterfaceDensity()), comparisons=(), images=4, sweep_steps=5, seed=3)


def space(held_out: frozenset[int] = frozenset(), alloys: tuple[str, ...] = ()) -> ConditionSpace:
    columns = [ColumnSpec(name="time", scale="log", unit="h"), ColumnSpec(name="share")]
    columns += [ColumnSpec(name="alloy", scale="category")] if alloys else []
    rows: list[dict[str, Any]] = [
        {"time": t, "share": s} | ({"alloy": a} if a else {}) for a in alloys or ("",) for t in TIMES for s in SHARES
    ]
    made = ConditionSpace.from_rows(columns, rows)
    return ConditionSpace(made.columns, made.table, held_out)


def striped(row: Row, count: int, seed: int) -> Tensor:
    """Images whose bright part is the share, whatever the time."""
    images = torch.zeros(count, 1, 16, 20, dtype=torch.uint8)
    images[..., : round(20 * float(row[1]))] = 255
    return images


def evaluation(of: ConditionSpace) -> dict[str, Any]:
    """What real images have: the area fraction is the share, the interface is the same everywhere."""
    scores = [{"area_fraction": {"real": float(row[1])}, "interface_density": {"real": 0.05}} for row in of.table]
    return {
        "segmentation": {"threshold": 128.0},
        "conditions": [{"label": i, "primary": "bright", "scores": one} for i, one in enumerate(scores)],
    }


def test_each_column_is_swept_over_its_range_at_the_middle_of_the_others() -> None:
    asked: list[tuple[Row, int, int]] = []

    def sample(row: Row, count: int, seed: int) -> Tensor:
        asked.append((row, count, seed))
        return striped(row, count, seed)

    given = space()
    over_time, over_share = condition_sweeps(SPEC, given, sample, evaluation(given), None)
    assert (over_time["column"], over_time["held"]) == ("time", "share = 0.4")
    assert over_time["values"] == pytest.approx([10, 1000**0.5, 100, 1e5**0.5, 1000])
    assert (over_share["column"], over_share["held"]) == ("share", "time = 100 h")
    assert over_share["values"] == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6])
    assert {one[1:] for one in asked} == {(4, 3)}, "the same noises at every step"
    assert [row for row, *_ in asked[:5]] == [(value, 0.4) for value in over_time["values"]]


def test_a_law_that_is_kept_has_no_error_and_is_in_order() -> None:
    given = space()
    over_time, over_share = condition_sweeps(SPEC, given, striped, evaluation(given), None)
    share = over_share["descriptors"]["area_fraction"]
    assert share["generated"] == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6])
    assert share["order"] == pytest.approx(1)
    assert share["error"] == pytest.approx(0, abs=1e-9)
    assert [one["value"] for one in share["real"]] == [0.2, 0.4, 0.6]
    time = over_time["descriptors"]["area_fraction"]
    assert time["order"] is None, "it does not change with the time"
    assert time["error"] == pytest.approx(0, abs=1e-9)
    assert over_share["descriptors"]["interface_density"]["error"] is None, "it is the same in every condition"


def test_a_law_that_is_not_kept_is_seen() -> None:
    def reversed_(row: Row, count: int, seed: int) -> Tensor:
        return striped((row[0], 0.8 - float(row[1])), count, seed)

    given = space()
    share = condition_sweeps(SPEC, given, reversed_, evaluation(given), None)[1]["descriptors"]["area_fraction"]
    assert share["order"] == pytest.approx(-1)
    assert share["error"] == pytest.approx(np.mean([0.4, 0.2, 0, 0.2, 0.4]) / 0.4)
    constant = condition_sweeps(SPEC, given, lambda r, n, s: striped((1.0, 0.4), n, s), evaluation(given), None)[1]
    assert constant["descriptors"]["area_fraction"]["order"] == 0
    assert constant["descriptors"]["area_fraction"]["error"] == pytest.approx(np.mean([0.2, 0.1, 0, 0.1, 0.2]) / 0.4)


def test_held_out_conditions_are_marked_and_not_the_centre() -> None:
    held_out = frozenset({4})  # 100 h, 0.4
    given = space(held_out)
    found = condition_sweeps(SPEC, given, striped, evaluation(given), None)
    marked = [one["value"] for one in found[0]["descriptors"]["area_fraction"]["real"] if one["held_out"]]
    assert marked == ([100.0] if found[0]["held"] == "share = 0.4" else [])
    assert found[0]["held"] != "share = 0.4" or found[1]["held"] != "time = 100 h"


def test_a_generator_of_classes_is_asked_for_the_table_only() -> None:
    given = space()
    found = condition_sweeps(SPEC, given, striped, evaluation(given), None, between=False)
    assert [one["values"] for one in found] == [[10.0, 100.0, 1000.0], [0.2, 0.4, 0.6]]


def test_classes_are_swept_one_by_one() -> None:
    given = space(alloys=("A", "B"))
    found = condition_sweeps(SPEC, given, striped, evaluation(given), None)
    assert [one["held"] for one in found] == [
        "share = 0.4, alloy = A", "time = 100 h, alloy = A", "share = 0.4, alloy = B", "time = 100 h, alloy = B",
    ]  # fmt: skip


def test_scores_are_listed_as_means_over_classes_and_can_be_named_beforehand() -> None:
    given = space(alloys=("A", "B"))
    sweeps = condition_sweeps(SPEC, given, striped, evaluation(given), None)
    listed = {one.name: one for one in listed_scores({"condition_sweeps": sweeps})}
    assert listed["along.share.area_fraction.order"].value == pytest.approx(1)
    assert listed["along.share.area_fraction.error"].value == pytest.approx(0, abs=1e-9)
    assert not listed["along.share.area_fraction.error"].higher_is_better
    assert listed.keys() <= possible_scores(SPEC, ["time", "share", "alloy"]).keys()


def test_none_are_made_where_none_are_asked_for() -> None:
    given = space()
    none = SPEC.model_copy(update={"sweep_steps": 0})
    assert condition_sweeps(none, given, striped, evaluation(given), None) == []
    random = ConditionSpace(given.columns)
    assert condition_sweeps(SPEC, random, striped, {"segmentation": {"threshold": 128.0}, "conditions": []}, None) == []


def test_the_phase_is_that_of_the_condition_as_for_real_images() -> None:
    """With `phase: minority` the primary phase changes at one half; a perfect generator has no error."""
    rows = [{"share": share} for share in (0.2, 0.4, 0.6, 0.8)]
    given = ConditionSpace.from_rows([ColumnSpec(name="share")], rows)
    minority = [min(float(row[0]), 1 - float(row[0])) for row in given.table]
    conditions = [
        {
            "label": i,
            "primary": "bright" if float(row[0]) < 0.5 else "dark",
            "scores": {"area_fraction": {"real": share}, "interface_density": {"real": 0.05}},
        }
        for i, (row, share) in enumerate(zip(given.table, minority, strict=True))
    ]

    def sample(row: Row, count: int, seed: int) -> Tensor:
        return striped((0.0, row[0]), count, seed)

    known = {"segmentation": {"threshold": 128.0}, "conditions": conditions}
    (found,) = condition_sweeps(SPEC.model_copy(update={"sweep_steps": 4}), given, sample, known, None)
    assert found["descriptors"]["area_fraction"]["error"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("low", "high"), [(10_000.0, 10_004.0), (1173.15, 1178.15)])
def test_steps_are_as_fine_as_the_range_asks_for(low: float, high: float) -> None:
    given = ConditionSpace.from_rows([ColumnSpec(name="share")], [{"share": low}, {"share": high}])

    def sample(row: Row, count: int, seed: int) -> Tensor:
        return striped((0.0, (float(row[0]) - low) / (high - low)), count, seed)

    scores = [{"area_fraction": {"real": real}, "interface_density": {"real": 0.05}} for real in (0.0, 1.0)]
    conditions = [{"label": i, "primary": "bright", "scores": one} for i, one in enumerate(scores)]
    known = {"segmentation": {"threshold": 128.0}, "conditions": conditions}
    (found,) = condition_sweeps(SPEC, given, sample, known, None)
    assert found["values"] == pytest.approx(np.linspace(low, high, 5), rel=1e-9)
    assert found["values"][0] == low
    assert found["descriptors"]["area_fraction"]["order"] == pytest.approx(1)


def test_scattered_conditions_are_swept_without_real_values_beside_them() -> None:
    rows = [{"time": t, "share": s} for t, s in ((10, 0.2), (40, 0.5), (300, 0.3), (1000, 0.6))]
    given = ConditionSpace.from_rows([ColumnSpec(name="time", scale="log"), ColumnSpec(name="share")], rows)
    over_time, over_share = condition_sweeps(SPEC, given, striped, evaluation(given), None)
    assert (over_time["values"][0], over_time["values"][-1]) == (10, 1000)
    assert (over_share["values"][0], over_share["values"][-1]) == (0.2, 0.6)
    share = over_share["descriptors"]["area_fraction"]
    assert len(share["generated"]) == 5
    assert len(share["real"]) == 1
    assert (share["order"], share["error"]) == (None, None)


def test_beyond_the_outermost_real_value_nothing_is_compared() -> None:
    given = space()
    known = evaluation(given)
    for one, row in zip(known["conditions"], given.table, strict=True):
        if row[1] == 0.6:
            one["scores"]["area_fraction"]["real"] = None
    share = condition_sweeps(SPEC, given, striped, known, None)[1]["descriptors"]["area_fraction"]
    assert share["error"] == pytest.approx(0, abs=1e-9)
    assert share["order"] == pytest.approx(1)


def test_a_step_without_anything_to_measure_counts_as_the_whole_range() -> None:
    from alloygan_plugins.spatial_correlation.specs import CharacteristicLength

    spec = EvaluationSpec(descriptors=(CharacteristicLength(),), comparisons=(), images=2, sweep_steps=3)
    given = ConditionSpace.from_rows([ColumnSpec(name="share")], [{"share": 0.0}, {"share": 1.0}])
    conditions = [
        {"label": i, "primary": "bright", "scores": {"characteristic_length": {"real": 5.0 + i}}} for i in range(2)
    ]
    known = {"segmentation": {"threshold": 128.0}, "conditions": conditions}

    def blank(row: Row, count: int, seed: int) -> Tensor:
        return torch.zeros(count, 1, 16, 16, dtype=torch.uint8)

    (found,) = condition_sweeps(spec, given, blank, known, None)
    assert found["descriptors"]["characteristic_length"]["generated"] == [None, None, None]
    assert found["descriptors"]["characteristic_length"]["error"] == 1


@pytest.mark.parametrize("steps", [1, 2])
def test_too_few_steps_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="are in no order"):
        EvaluationSpec(descriptors=(AreaFraction(),), comparisons=(), sweep_steps=steps)


def test_progress_is_told_a_sweep_at_a_time() -> None:
    told: list[tuple[str, int, int]] = []
    given = space()
    condition_sweeps(SPEC, given, striped, evaluation(given), None, progress=lambda *one: told.append(one))
    assert told == [("sweep", 0, 2), ("sweep", 1, 2), ("sweep", 2, 2)]
