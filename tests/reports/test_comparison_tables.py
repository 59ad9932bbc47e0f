"""The tables of scores by features."""

from typing import Any

from alloygan.reports.comparison_tables import comparison_tables


def test_scores_stand_beside_their_floors(evaluation: dict[str, Any], make_findings: Any) -> None:
    found, missing = comparison_tables(evaluation | make_findings(3))
    assert found.title == "some features"
    assert found.notes == ["Features of nothing known."]
    assert [(title, [[cell.text for cell in row.cells] for row in rows]) for title, rows in found.overall] == [
        ("all conditions' images together", [["0.180", "0.00100"]]),
        ("mean over conditions", [["0.310", "0.00300"]]),
    ]
    ((title, rows),) = found.parts
    assert title == "kid (lower is better)"
    assert [row.name for row in rows] == ["c = 1", "c = 2", "c = 3"]
    assert [(cell.text, cell.interval) for cell in rows[0].cells] == [
        ("0.210", "[0.100, 0.300]"),
        ("−0.00200", "[−0.0100, 0.0100]"),
    ]
    assert missing.missing == "its weights are not installed"


def test_no_comparisons(evaluation: dict[str, Any]) -> None:
    assert comparison_tables(evaluation) == []
