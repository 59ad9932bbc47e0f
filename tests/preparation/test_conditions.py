"""Which columns are conditions, and when two micrographs have the same one."""

import csv
import re

import pytest

from alloygan.errors import DataError

ROWS = (
    "file,operator,exposure,evaluation,date\n"
    "whole.png,ann,0.10,none,2024-05-01\n"
    "cracked.png,bob,1e-1,all,2024-05-02\n"
)  # fmt: skip


def headings(done):
    """Conditions of the summary page."""
    return re.findall(r'<tr><th scope="row">([^<]*)</th><td class="number">\d+</td>', done.summary.read_text("utf-8"))


def block(done):
    return re.search(r"<pre>(.*?)</pre>", done.summary.read_text("utf-8"), re.DOTALL).group(1)


def test_only_what_is_named_is_a_condition_and_the_rest_is_carried_through(folder, prepared, stored, patches_of):
    done = prepared(ROWS, conditions=("exposure",), cracks="off")
    assert headings(done) == ["exposure = 0.10"]
    assert block(done).endswith("conditions:\n  - {name: exposure}")
    assert [one["conditions"] for one in stored(done)["micrographs"]] == [{"exposure": "0.10"}, {"exposure": "1e-1"}]
    with done.manifest.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["file", "operator", "exposure", "date"]
    assert [row["operator"] for row in rows] == ["ann", "bob"]
    assert [row["date"] for row in rows] == ["2024-05-01", "2024-05-02"]
    assert {(row["operator"], row["exposure"]) for row in patches_of(done)} == {("ann", "0.10"), ("bob", "1e-1")}
    assert done.warnings == ()


def test_all_columns_are_conditions_where_none_is_named(folder, prepared):
    done = prepared(ROWS.replace("none", "").replace("all", ""), cracks="off")
    assert len(headings(done)) == 2
    assert [line.strip() for line in block(done).splitlines()[-3:]] == [
        "- {name: operator}",
        "- {name: exposure}",
        "- {name: date}",
    ]


@pytest.mark.parametrize("same", ["0.1", "1e-1", " 0.100 ", "+.1"])
def test_numbers_are_compared_as_numbers(folder, prepared, same):
    done = prepared(f"file,exposure,phase\nwhole.png,0.10,beta\ncracked.png,{same},beta\n", cracks="micrograph")
    assert headings(done) == ["exposure = 0.10, phase = beta"]
    assert not any("has no micrograph left" in line for line in done.warnings)


def test_texts_are_compared_as_texts(folder, prepared):
    assert len(headings(prepared("file,phase\nwhole.png,beta\ncracked.png,Beta\n"))) == 2
    assert len(headings(prepared("file,phase\nwhole.png,nan\ncracked.png,nan\n"))) == 1


def test_a_condition_with_another_spelling_left_out_is_not_lost(folder, prepared):
    text = "file,exposure,cracks\nwhole.png,0.10,none\ncracked.png,{},micrograph\n"
    assert not any("no micrograph left" in line for line in prepared(text.format("0.1")).warnings)
    assert "the condition exposure = 0.2 has no micrograph left" in prepared(text.format("0.2")).warnings


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "exposuer",
            "exposuer: there is no such column. Did you mean 'exposure'? Conditions: date, exposure, operator.",
        ),
        (
            "mask",
            "mask: this column is no condition but the manifest's own; rename it, or name another. Conditions",
        ),
        ("", ": there is no such column."),
    ],
)
def test_a_name_that_is_no_column(folder, prepared, name, said):
    with pytest.raises(DataError) as caught:
        prepared(ROWS, conditions=("exposure", name))
    assert str(caught.value).startswith(f"{folder}/manifest.csv:1: {said}")
    assert not (folder / "out").exists()
