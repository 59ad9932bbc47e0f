import os

import numpy as np
import pytest
from PIL import Image

from alloygan.errors import DataError
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.prepare import prepare


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("file\ngone.png\n", {}, "there is no file"),
        ("name\nwhole.png\n", {}, "file: there is no such column"),
        ("file,cracks\nwhole.png,perhaps\n", {}, "cracks: 'perhaps' is not known"),
        ("file,cracks\nwhole.png,1 2 3\n", {}, "cracks: '1 2 3' is not `x y width height`"),
        ("file,cracks\nwhole.png,0 0 301 3\n", {}, "cracks: 0 0 301 3 does not lie in the image"),
        (
            "file,evaluation,roi\nwhole.png,0 0 50 50,10 10 100 100\n",
            {},
            "evaluation: 0 0 50 50 does not lie in the roi",
        ),
        ("file,um_per_px\nwhole.png,0.5\n", {}, r"choose the side of a patch in µm \(side_um\)"),
        ("file\nwhole.png\n", {"side_um": 5}, "the manifest has no um_per_px"),
        ("file,um_per_px\nwhole.png,0.5\ncracked.png,\n", {"side_um": 16}, "manifest.csv:3: um_per_px: missing here"),
        ("file\nwhole.png\n", {"patch": 200}, "hold no training patch of 200 × 200 px"),
        ("file\nwhole.png\n", {"max_pixels": 100}, "is more than max_pixels: 100"),
        ("file\nconstant.png\nwhole.png\n", {}, r"constant.png: the training region has one grey level \(9 of 255\)"),
        ("file\nnot.png\n", {}, "not a PNG, JPEG, BMP or TIFF image"),
        ("file,mask\nwhole.png,whole.png\n", {}, "a mask has two levels, and this one has more"),
        ("file\nwhole.png\n", {"contrast": "match", "reference": "gone.png"}, "there is no such file"),
    ],
)
def test_what_cannot_be_prepared_leaves_nothing(folder, prepared, text, options, said):
    Image.fromarray(np.full((200, 300), 9, np.uint8)).save(folder / "constant.png")
    (folder / "not.png").write_text("words")
    before = sorted(folder.iterdir())
    with pytest.raises(DataError, match=said):
        prepared(text, **options)
    assert sorted(folder.iterdir()) == sorted([*before, folder / "manifest.csv"])


def test_one_name_twice(tmp_path, prepared, two_phases):
    for name in ("a/x.png", "b/x.png", "c/X.png"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(two_phases((100, 160))).save(tmp_path / name)
    done = prepared("file\na/x.png\nb/x.png\nc/X.png\n")
    assert sorted(path.name for path in (done.out / "micrographs").iterdir()) == ["X_3.png", "x.png", "x_2.png"]


def test_the_folder(folder, prepared):
    done = prepared("file,c\nwhole.png,1\n")
    (done.out / "micrographs" / "left over.png").write_text("")
    assert prepared("file,c\nwhole.png,1\n").micrographs == 1
    assert not (done.out / "micrographs" / "left over.png").exists()
    (done.out / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds notes\.txt as well"):
        prepared("file,c\nwhole.png,1\n")
    (done.out / "notes.txt").unlink()
    with pytest.raises(DataError, match=r"holds whole\.png, which is to be read"):
        prepared("file,c\nout/micrographs/whole.png,1\n")
    (done.out / "preparation.json").unlink()
    with pytest.raises(DataError, match="there is something else already"):
        prepared("file\nwhole.png\n")
    with pytest.raises(DataError, match="holds the manifest that is to be prepared"):
        prepare(done.manifest, done.out, PrepareOptions(patch=32))


def test_a_link_leads_to_the_folder(folder, prepared, tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "scratch")
    for _ in range(2):
        prepared("file,c\nwhole.png,1\n")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "scratch" / "manifest.csv").is_file()
    assert not list(tmp_path.glob(".*.part"))


def test_what_a_killed_process_left_is_removed(folder, prepared, tmp_path):
    for process in ("999999999", str(os.getpid())):
        (tmp_path / f".out.{process}.abc.part").mkdir()
    prepared("file,c\nwhole.png,1\n")
    assert [path.name for path in tmp_path.glob(".out.*")] == [f".out.{os.getpid()}.abc.part"]
