import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from alloygan.data.manifest import condition_columns_of, read_manifest
from alloygan.data.region import Region
from alloygan.errors import DataError
from alloygan.specs.condition_columns import ColumnSpec

EXPOSURE = ColumnSpec(name="exposure", unit="h", scale="log")
PHASE = ColumnSpec(name="phase", scale="category")


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(np.zeros((40, 60), np.uint8)).save(tmp_path / name)
    Image.fromarray(np.zeros((40, 59), np.uint8)).save(tmp_path / "narrow.png")
    (tmp_path / "not.png").write_text("words")
    return tmp_path


def read(folder, text, *conditions):
    path = folder / "manifest.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manifest(path, conditions or (EXPOSURE,))


def problems(folder, text, *conditions):
    with pytest.raises(DataError) as caught:
        read(folder, text, *conditions)
    return str(caught.value).replace(str(folder) + "/", "").split("\n")


def test_a_whole_manifest(folder):
    manifest = read(
        folder,
        "file,exposure,um_per_px,mask,roi,exclude,operator\n"
        "a.png,10,0.5,b.png,2 3 20 30,,me\n"
        "\n"
        'b.png,1.5e2,0.5,,,no,"you, too"\n'
        "gone.png,nonsense,7,gone,x,YES,\n"
        ",,,,,,\n",
    )
    one, two = manifest.micrographs
    assert (one.file, one.mask, one.roi) == (folder / "a.png", folder / "b.png", Region(2, 3, 20, 30))
    assert (two.file, two.mask, two.roi) == (folder / "b.png", None, None)
    assert [dict(m.conditions) for m in manifest.micrographs] == [{"exposure": "10"}, {"exposure": "1.5e2"}]
    assert manifest.um_per_px == 0.5
    assert one.where.endswith("manifest.csv:2")
    assert two.where.endswith("manifest.csv:4")


def test_byte_order_mark_carriage_returns_and_spaces(folder):
    manifest = read(folder, "\ufefffile , exposure\r\na.png, 10 \r\n".encode())
    assert manifest.micrographs[0].conditions == {"exposure": "10"}
    assert manifest.um_per_px is None


def test_the_line_of_a_row_after_a_value_of_two_lines(folder):
    text = 'file,exposure,note\na.png,1,"two\nlines"\nb.png,zero,\n'
    assert problems(folder, text) == [
        "manifest.csv:4: exposure: 'zero' is not a number (a column of names needs scale: category)"
    ]


def test_several_conditions_and_a_category(folder):
    manifest = read(folder, "file,exposure,phase\na.png,1,beta\n", EXPOSURE, PHASE)
    assert manifest.micrographs[0].conditions == {"exposure": "1", "phase": "beta"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",5,,,,", "file: the value is missing"),
        ("d.png,5,,,,", "file: there is no file d.png"),
        ("a.png,,,,,", "exposure: the value is missing"),
        ("a.png,long,,,,", "exposure: 'long' is not a number"),
        ("a.png,nan,,,,", "exposure: nan is not a finite number"),
        ("a.png,inf,,,,", "exposure: inf is not a finite number"),
        ("a.png,0,,,,", "exposure: 0 has no logarithm"),
        ("a.png,5,0,,,", "um_per_px: '0' is not a length"),
        ("a.png,5,wide,,,", "um_per_px: 'wide' is not a length"),
        ("a.png,5,,gone.png,,", "mask: there is no file gone.png"),
        ("a.png,5,,narrow.png,,", "mask: narrow.png has 40 × 59 px and the image 40 × 60"),
        ("a.png,5,,not.png,,", "mask: not.png: not a PNG, JPEG, BMP or TIFF image"),
        ("a.png,5,,,1 2 3,", "roi: '1 2 3' is not `x y width height`"),
        ("a.png,5,,,-1 0 3 3,", "roi: '-1 0 3 3' is not"),
        ("a.png,5,,,1.0 0 3 3,", "roi: '1.0 0 3 3' is not"),
        ("a.png,5,,,50 0 11 3,", "roi: 50 0 11 3 does not lie in the image, which is 60 px wide and 40 px high"),
        ("a.png,5,,,0 0 0 3,", "roi: 0 0 0 3 does not lie in the image"),
        ("not.png,5,,,0 0 1 1,", "file: not.png: not a PNG"),
        ("a.png,5,,,,perhaps", "exclude: 'perhaps' is neither yes nor no"),
        ("a.png,5,,,", "5 values in a table of 6 columns"),
        ("a.png,5,,,,,", "7 values in a table of 6 columns"),
    ],
)
def test_what_is_wrong_with_a_row(folder, row, said):
    (problem,) = problems(folder, f"file,exposure,um_per_px,mask,roi,exclude\n{row}\n")
    assert problem.startswith(f"manifest.csv:2: {said}")


def test_an_unknown_level(folder):
    spec = ColumnSpec(name="phase", scale="category", levels=("alpha", "beta"))
    (problem,) = problems(folder, "file,phase\na.png,betta\n", spec)
    assert problem == "manifest.csv:2: phase: unknown level 'betta'. Did you mean 'beta'? Known: alpha, beta."
    assert problems(folder, "file,phase\na.png,\n", PHASE)[0].startswith("manifest.csv:2: phase: the value is missing")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("image,exposure", "file: there is no such column. Columns: exposure, image."),
        ("file;exposure", "file: there is no such column. Separate the columns with commas, not with ';'."),
        ("file,exposrue", "exposure: there is no such column. Did you mean 'exposrue'? Conditions: exposrue."),
        ("file,exposure,exposure", "exposure: the column stands 2 times"),
    ],
)
def test_what_is_wrong_with_the_header(folder, header, said):
    assert problems(folder, f"{header}\na.png{',1' * header.count(',')}\n")[0].startswith(f"manifest.csv:1: {said}")


def test_a_column_of_the_manifest_is_no_condition(folder):
    text = "file,um_per_px\na.png,1\n"
    assert problems(folder, text, ColumnSpec(name="um_per_px"))[0].startswith("manifest.csv:1: um_per_px: this column")


def test_scales_that_differ(folder):
    text = "file,exposure,um_per_px\na.png,1,0.5\nb.png,1,0.25\nc.png,1,\n"
    first, second = problems(folder, text)
    assert first.startswith("manifest.csv:3: um_per_px: 0.25 here, and 0.5 in manifest.csv:2; it must be the same")
    assert second.startswith("manifest.csv:4: um_per_px: missing here")
    assert "`alloygan prepare` brings micrographs to one scale" in first


def test_one_image_in_two_rows(folder):
    (problem,) = problems(folder, "file,exposure,roi\na.png,1,\n./a.png,2,0 0 5 5\n")
    assert problem.startswith("manifest.csv:3: file: a.png is also in manifest.csv:2")
    (problem,) = problems(folder, "file,exposure,roi\na.png,1,0 0 6 6\na.png,2,5 5 5 5\n")
    assert "do not overlap" in problem
    assert len(read(folder, "file,exposure,roi\na.png,1,0 0 5 5\na.png,2,5 0 5 5\n").micrographs) == 2


def test_all_problems_together_and_twenty_at_most(folder):
    assert len(problems(folder, "file,exposure,roi\nd.png,,x\na.png,-1,\n")) == 4
    many = problems(folder, "file,exposure\n" + "gone.png,x\n" * 15)
    assert len(many) == 21
    assert many[-1] == "… and 10 more"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "the manifest is empty"),
        (b"\n ,\n", "the manifest is empty"),
        (b"file,exposure\n", "there are no rows below the header"),
        (b"file,exposure,exclude\na.png,1,true\n", "exclude: every row is excluded"),
        ("file,exposure\n\xe4.png,1\n".encode("latin-1"), "not a UTF-8 text file"),
        (b'file,exposure\n"' + b"x" * 200_000, "not a table of comma-separated values"),
    ],
)
def test_what_is_wrong_with_the_file(folder, text, said):
    assert problems(folder, text)[0].startswith(f"manifest.csv: {said}")


def test_no_manifest(tmp_path):
    with pytest.raises(DataError, match="there is no such manifest"):
        read_manifest(tmp_path / "manifest.csv", (EXPOSURE,))
    with pytest.raises(DataError, match="is a folder"):
        read_manifest(tmp_path, (EXPOSURE,))


def test_columns_that_can_be_conditions(folder):
    read(folder, "file,exposure,,roi,phase\na.png,1,,,x\n")
    assert condition_columns_of(folder / "manifest.csv") == ("exposure", "phase")


def test_reading_a_manifest_imports_no_torch():
    program = "import sys, alloygan.data.manifest, alloygan.data.cutting; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_regions_and_what_is_known_of_cracks(folder):
    manifest = read(
        folder,
        "file,exposure,roi,avoid,evaluation,cracks\n"
        "a.png,1,10 5 40 30,0 0 12 8; 30 20 5 5;,20 5 30 30,NONE\n"
        "b.png,1,,,,\n"
        "c.png,1,,,,0 0 5 5;6 6 2 2\n",
    )
    one, two, three = manifest.micrographs
    assert one.avoid == (Region(0, 0, 12, 8), Region(30, 20, 5, 5))
    assert one.regions_in_roi == ((Region(0, 0, 2, 3), Region(20, 15, 5, 5)), Region(10, 0, 30, 30))
    assert (one.cracks, two.cracks) == ("none", "find")
    assert two.regions_in_roi == ((), None)
    assert three.cracks == (Region(0, 0, 5, 5), Region(6, 6, 2, 2))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.png,1,1 2 3,,", "avoid: '1 2 3' is not `x y width height`"),
        ("a.png,1,0 0 2 2; 50 0 11 3,,", "avoid: 50 0 11 3 does not lie in the image, which is 60 px wide"),
        ("a.png,1,,0 0 5 5; 6 6 2 2,", "evaluation: '0 0 5 5; 6 6 2 2' is not known; leave it empty"),
        ("a.png,1,,50 0 11 3,", "evaluation: 50 0 11 3 does not lie in the image"),
        ("a.png,1,,,no", "cracks: 'no' is not known; leave it empty"),
        ("a.png,1,,,0 0 61 5", "cracks: 0 0 61 5 does not lie in the image"),
    ],
)
def test_what_is_wrong_with_regions(folder, row, said):
    (problem,) = problems(folder, f"file,exposure,avoid,evaluation,cracks\n{row}\n")
    assert problem.startswith(f"manifest.csv:2: {said}")


def test_all_or_none_for_evaluation(folder):
    manifest = read(
        folder, "file,exposure,roi,evaluation\na.png,1,10 5 40 30,All\nb.png,1,1 1 9 9,none\nc.png,1,,0 0 9 9\n"
    )
    assert [one.evaluation for one in manifest.micrographs] == ["all", "none", Region(0, 0, 9, 9)]
    assert [one.regions_in_roi[1] for one in manifest.micrographs] == ["all", "none", Region(0, 0, 9, 9)]
    assert [one.trains for one in manifest.micrographs] == [False, True, True]


@pytest.mark.parametrize("word", ["some", "whole", "all; none", "1 2 3", "-1 0 3 3"])
def test_another_word_for_evaluation_is_told_the_words_that_there_are(folder, word):
    (problem,) = problems(folder, f"file,exposure,evaluation\nb.png,1,all\na.png,1,{word}\n")
    assert problem == (
        f"manifest.csv:3: evaluation: {word!r} is not known; leave it empty (a strip at one end is kept for "
        "evaluation), or write all (the whole micrograph, or its roi, is for evaluation), none (nothing of it is), or "
        "one region `x y width height` in px"
    )


def test_for_preparation_every_other_column_is_taken_over(folder):
    path = folder / "manifest.csv"
    path.write_text("file,exposure,um_per_px,my note,source\na.png,long,0.5,,x\nb.png,,0.25,two,y\n")
    one, two = read_manifest(path, None).micrographs
    assert one.conditions == {"exposure": "long", "my note": ""}
    assert two.conditions == {"exposure": "", "my note": "two"}
    assert (one.um_per_px, two.um_per_px) == (0.5, 0.25)
    assert (one.source, two.source) == ("a.png", "b.png")


def test_for_preparation_columns_that_are_no_conditions_are_carried(folder):
    path = folder / "manifest.csv"
    path.write_text("file,operator,exposure,roi,date\na.png,ann,10,,today\n")
    manifest = read_manifest(path, None, named=["exposure", "exposure"])
    (one,) = manifest.micrographs
    assert one.conditions == {"exposure": "10"}
    assert one.others == {"operator": "ann", "date": "today"}
    assert manifest.columns == ("operator", "exposure", "date")
    assert one.values(manifest.columns) == ["ann", "10", "today"]
    assert read_manifest(path, None).micrographs[0].others == {}
    assert read_manifest(path, [EXPOSURE]).micrographs[0].others == {}
