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


def test_means_have_intervals_and_it_says_what_they_are_drawn_from(
    evaluation: dict[str, Any], make_findings: Any
) -> None:
    found = make_findings(3)
    (comparison, _) = found["comparisons"]
    comparison["overall"]["kid"] |= {"interval": [0.25, 0.37], "floor_interval": [-0.01, 0.02]}
    comparison["pooled_intervals_from"] = "16 sources"
    for one, words in zip(comparison["conditions"], ["8 sources", "8 sources", "24 images of 2 sources"], strict=True):
        one["intervals_from"] = words
    table, _ = comparison_tables(evaluation | found)
    assert [cell.interval for cell in table.overall[1][1][0].cells] == ["[0.250, 0.370]", "[−0.0100, 0.0200]"]
    assert table.intervals_words == (
        "Intervals (95 %) of all conditions' images together from halves of 16 sources, in a condition from halves of "
        "8 sources and 24 images of 2 sources."
    )


def test_a_score_that_is_missing_has_a_note(evaluation: dict[str, Any], make_findings: Any) -> None:
    found = make_findings(3)
    found["comparisons"][0]["pooled"]["kid"]["floor"] = None
    table, _ = comparison_tables(evaluation | found)
    assert [row.note for _, rows in table.overall for row in rows] == ["too few images for “–”", ""]


def test_no_comparisons(evaluation: dict[str, Any]) -> None:
    assert comparison_tables(evaluation) == []
