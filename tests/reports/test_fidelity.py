"""What the report makes of the judge of the conditions."""

from typing import Any

import pytest

from alloygan.reports.fidelity import MOST_WRITTEN, fidelity


def test_accuracies_stand_with_their_intervals_and_chance(evaluation: dict[str, Any], make_findings: Any) -> None:
    found = fidelity(evaluation | make_findings(4))
    assert found is not None
    assert found.sentence == (
        "The judge reads the right condition from 75.0 % [61.0, 87.0] of the generated images, and from 100 % "
        "[90.0, 100] of real ones that it had not seen. By chance it would be 25.0 %."
    )
    assert found.notes == ["The judge saw few images."]
    real, generated = found.confusion
    assert real.notes == ["32 of 32 images on the diagonal"]
    assert generated.notes == ["24 of 32 images on the diagonal"]
    assert generated.svg is not None
    assert generated.svg.count(">75</text>") == 4
    assert generated.svg.count(">25</text>") == 4
    (row,) = found.columns
    assert [(cell.text, cell.interval) for cell in row.cells] == [
        ("2.1 %", "[1.8, 2.5]"), ("8.4 %", "[7.0, 10.0]"), ("0.970", ""), ("0.710", ""),
    ]  # fmt: skip
    (judged,) = found.judged
    assert judged.title == "composition"


def test_held_out_conditions_have_a_row_of_their_own(evaluation: dict[str, Any], make_findings: Any) -> None:
    findings = make_findings(3)
    findings["fidelity"]["columns"][0]["held_out"] = {"real": {"error": 0.1, "r2": None}, "generated": None}
    found = fidelity(evaluation | findings)
    assert found is not None
    assert [(row.name, row.held_out) for row in found.columns] == [
        ("composition (at%)", False),
        ("composition (at%)", True),
    ]
    assert [cell.text for cell in found.columns[1].cells] == ["10.0 %", "–", "–", "–"]


def test_many_classes_carry_no_numbers(evaluation: dict[str, Any], make_findings: Any) -> None:
    found = fidelity(evaluation | make_findings(MOST_WRITTEN + 1))
    assert found is not None
    assert all(panel.svg is not None and ">100</text>" not in panel.svg for panel in found.confusion)


def test_no_judge(evaluation: dict[str, Any]) -> None:
    assert fidelity(evaluation) is None
    assert fidelity(evaluation | {"fidelity": None}) is None
    none = {"classes": [], "confusion": None, "accuracy": None, "columns": [], "note": "one condition only"}
    found = fidelity(evaluation | {"fidelity": none})
    assert found is not None
    assert found.sentence == "Nothing could be judged."
    assert found.notes == ["one condition only"]
    assert not found.confusion


@pytest.mark.parametrize("damage", [[[1]], [[1, 2], [3]], [[1, float("nan")], [0, 1]], [[-1, 0], [0, 1]], "text"])
def test_a_damaged_matrix_is_not_drawn(evaluation: dict[str, Any], make_findings: Any, damage: Any) -> None:
    findings = make_findings(2)
    findings["fidelity"]["confusion"]["generated"] = damage
    found = fidelity(evaluation | findings)
    assert found is not None
    assert [panel.title for panel in found.confusion] == ["real images"]
