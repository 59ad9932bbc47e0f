"""The tables of the scores: intervals, R² and Kolmogorov-Smirnov beside their floors, and why values are absent."""

from typing import Any

from alloygan.reports.deviations import deviation_panel
from alloygan.reports.phases import particle_words
from alloygan.reports.score_tables import overall_rows, score_tables, shape_columns, shape_rows
from alloygan.reports.verdict import verdict

KS = {"ks": 0.21, "ks_interval": [0.1, 0.3], "floor_ks": 0.05, "floor_ks_interval": [0.01, 0.09]}


def with_ks(evaluation: dict[str, Any]) -> dict[str, Any]:
    for condition in evaluation["conditions"]:
        condition["scores"]["equivalent_diameter"] |= KS
    evaluation["overall"]["equivalent_diameter"] |= {f"mean_{key}": value for key, value in KS.items()}
    return evaluation


def cells(row: Any) -> dict[int, tuple[str, str]]:
    return {i: (cell.text, cell.interval) for i, cell in enumerate(row.cells)}


def test_ks_and_its_floor_have_intervals(evaluation: dict[str, Any]) -> None:
    evaluation = with_ks(evaluation)
    table = score_tables(evaluation)[0]
    expected = [("0.210", "[0.100, 0.300]"), ("0.0500", "[0.0100, 0.0900]")]
    assert table.columns[-2:] == ("KS", "floor")
    assert list(cells(table.rows[0]).values())[-2:] == expected
    assert list(cells(table.means[0]).values())[-2:] == expected
    columns, row = shape_columns(evaluation), shape_rows(evaluation)[0]
    assert columns == ("R²", "floor", "KS", "floor")
    assert list(cells(row).values())[2:] == expected


def test_r2_is_in_a_table_of_its_own(evaluation: dict[str, Any]) -> None:
    evaluation["overall"]["equivalent_diameter"] |= {"r2_interval": [-0.2, 0.4], "floor_r2_interval": [0.9, 0.98]}
    assert shape_columns(evaluation) == ("R²", "floor")
    found = cells(shape_rows(evaluation)[0])
    assert found == {0: ("0.108", "[−0.200, 0.400]"), 1: ("0.964", "[0.900, 0.980]")}
    for mean in evaluation["overall"].values():
        mean["r2"] = None
    assert shape_rows(evaluation) == [], "of two conditions no descriptor has any"


def test_every_absent_value_of_the_overall_table_has_a_reason(evaluation: dict[str, Any]) -> None:
    evaluation["overall"]["area_fraction"] |= {
        "mean_deviation": None, "mean_floor_deviation": None,
        "absent": {"mean_deviation": "one reason", "mean_floor_deviation": "one reason", "mean_ks": "not shown"},
    }  # fmt: skip
    evaluation["overall"]["equivalent_diameter"]["mean_floor_deviation"] = 0.0
    diameter, fraction, curve = overall_rows(evaluation)
    assert diameter.note == "the floor of the deviation is 0, which nothing is a multiple of"
    assert fraction.note == "one reason"
    assert curve.note == ""
    assert [row.note for row in shape_rows(evaluation)] == ["", "", "no R² of two_point"]


def test_a_descriptor_without_ratio_scale_has_no_place_among_percentages(evaluation: dict[str, Any]) -> None:
    evaluation["descriptors"][1] |= {"ratio_scale": False}
    for scores in (evaluation["overall"], *(one["scores"] for one in evaluation["conditions"])):
        scores["area_fraction"] |= dict.fromkeys(("deviation", "floor_deviation"))
    evaluation["overall"]["area_fraction"] |= {
        "mean_deviation": None, "mean_floor_deviation": None, "absent": {"mean_deviation": "0 is not none of it"},
    }  # fmt: skip
    panel = deviation_panel(evaluation)
    assert panel is not None
    assert "area fraction" not in str(panel.svg)
    assert "two point" in str(panel.svg)
    assert "area fraction" not in verdict(evaluation)
    assert score_tables(evaluation)[1].note == "0 is not none of it"
    assert [table.note for table in score_tables(evaluation)][::2] == ["", ""]


def test_values_of_a_curve_are_called_by_their_name(evaluation: dict[str, Any]) -> None:
    evaluation["descriptors"][2]["summary_name"] = "correlation length"
    assert [table.summary_name for table in score_tables(evaluation)] == ["", "", "correlation length"]


def test_bins_of_conditions_are_counted_and_not_called_one_pool(evaluation: dict[str, Any]) -> None:
    for i, condition in enumerate(evaluation["conditions"]):
        condition["label"] = -1 - i
    assert verdict(evaluation).startswith("On average over 3 bins of conditions, ")


def test_particles_too_small_to_count_are_mentioned(evaluation: dict[str, Any]) -> None:
    assert particle_words(evaluation) == ""
    evaluation["descriptors"][0]["spec"] = {"kind": "equivalent_diameter", "min_area": 20.0}
    evaluation["descriptors"][1]["spec"] = {"kind": "aspect_ratio", "min_area": 20.0}
    assert particle_words(evaluation) == (
        "Particles of less than 20 px² are taken for noise and left out of equivalent diameter and area fraction."
    )
