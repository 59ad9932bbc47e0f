import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from pydantic import ValidationError

from alloygan import load_zoo
from alloygan.errors import DataError
from alloygan.reading import LocatedText, Position
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.micrographs.specs import Micrographs

EXPOSURE = ColumnSpec(name="exposure", unit="h", scale="log")


def numbered(height, width, first=0):
    number = first + np.arange(height * width).reshape(height, width)
    return np.stack([number >> 16, number >> 8 & 255, number & 255], -1).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(numbered(48, 96)).save(tmp_path / "a.png")
    Image.fromarray(numbered(96, 48, 5000)).save(tmp_path / "b.png")
    Image.fromarray(numbered(64, 64, 10_000)).save(tmp_path / "c.png")
    (tmp_path / "manifest.csv").write_text("file,exposure,exclude\na.png,150,\nb.png,10,\nc.png,500,yes\n")
    return tmp_path


def spec(folder, **fields):
    return Micrographs(manifest=folder / "manifest.csv", **{"patch": 16, "channels": 3} | fields)


def test_patches_with_their_conditions(folder):
    data = spec(folder).build([EXPOSURE])
    train = data.train
    assert train.images.dtype == torch.uint8
    assert train.images.shape == (2 * 9 * 13, 3, 16, 16)
    assert train.images.is_contiguous()
    assert data.evaluation.images.shape == (2 * 6, 3, 16, 16)
    assert data.space.table == ((10.0,), (150.0,))
    assert train.source.tolist() == [0] * 117 + [1] * 117
    assert train.condition.label.tolist() == [1] * 117 + [0] * 117
    assert train.condition.values.squeeze(1).tolist() == [1.0] * 117 + [0.0] * 117
    assert data.um_per_px is None
    np.testing.assert_array_equal(train.images[0], np.moveaxis(numbered(48, 96)[:16, :16], -1, 0))


def test_training_and_evaluation_share_no_pixel(folder):
    data = spec(folder, stride=3).build([EXPOSURE])

    def numbers(patches):
        red, green, blue = patches.images.long().unbind(1)
        return set((red * 65536 + green * 256 + blue).flatten().tolist())

    train, evaluation = numbers(data.train), numbers(data.evaluation)
    assert len(evaluation) == 12 * 16 * 16
    assert not train & evaluation


def test_the_excluded_row_gives_neither_patches_nor_bounds(folder):
    data = spec(folder).build([EXPOSURE])
    assert (data.space.columns[0].low, data.space.columns[0].high) == (10, 150)
    assert (data.train.images[:, 1].long() * 256 + data.train.images[:, 2]).max() < 10_000


def test_bounds_of_the_spec(folder):
    column = ColumnSpec(name="exposure", scale="linear", low=0, high=200)
    assert spec(folder).build([column]).train.condition.values.unique().tolist() == pytest.approx([0.05, 0.75])


def test_no_evaluation_region(folder):
    data = spec(folder, evaluation_fraction=0).build([EXPOSURE])
    assert data.evaluation is data.train


def test_without_a_table(folder):
    continuous = spec(folder, table=False)
    assert continuous.gives == frozenset()
    assert spec(folder).gives == {"label"}
    data = continuous.build([EXPOSURE])
    assert data.space.table == ()
    assert (data.train.condition.label == -1).all()


def test_rectangles_downscale_and_scale(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((100, 120), 257 * 99, np.uint16))
    (tmp_path / "manifest.csv").write_text("file,exposure,um_per_px\na.tif,1,0.5\n")
    data = spec(tmp_path, patch=[8, 10], downscale=2, channels=1).build([EXPOSURE])
    assert data.train.images.shape[1:] == (1, 8, 10)
    assert (data.train.images == 99).all()
    assert data.um_per_px == 1.0
    assert spec(tmp_path, patch=[8, 10]).image_shape == (3, 8, 10)


def test_roi(folder):
    (folder / "manifest.csv").write_text("file,exposure,roi\na.png,150,8 4 64 32\n")
    data = spec(folder, evaluation_fraction=0).build([EXPOSURE])
    np.testing.assert_array_equal(data.train.images[0], np.moveaxis(numbered(48, 96)[4:20, 8:24], -1, 0))
    assert len(data.train) == 5 * 13


def test_contrast(tmp_path):
    Image.fromarray(np.tile(np.arange(100, 164, dtype=np.uint8), (64, 1))).save(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_text("file,exposure\na.png,1\n")
    plain = spec(tmp_path, channels=1).build([EXPOSURE])
    stretched = spec(tmp_path, channels=1, contrast="stretch").build([EXPOSURE])
    assert plain.train.images.max() < 164
    assert stretched.evaluation.images.max() == 255


def test_the_same_twice(folder):
    one, two = spec(folder).build([EXPOSURE]), spec(folder).build([EXPOSURE])
    assert torch.equal(one.train.images, two.train.images)
    assert one.space == two.space


def test_conditions_must_be_named(folder):
    assert spec(folder).columns([EXPOSURE]) == (EXPOSURE,)
    with pytest.raises(ValueError, match=r"name the conditions.*the manifest has exposure$"):
        spec(folder).columns([])
    (folder / "manifest.csv").unlink()
    with pytest.raises(ValueError, match=r"nothing that can be read .*there is no such manifest"):
        spec(folder).columns([])
    assert spec(folder).columns([EXPOSURE]) == (EXPOSURE,)


def test_all_problems_are_found_before_anything_is_decoded(folder, monkeypatch):
    monkeypatch.setattr("alloygan.data.images.read_levels", lambda path: pytest.fail("decoded"))
    spec(folder).check_inputs([EXPOSURE])
    with pytest.raises(DataError) as caught:
        spec(folder, patch=50).check_inputs([EXPOSURE])
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{folder}/manifest.csv:2: file: {folder}/a.png: 48 × 96 px hold no training patch")
    assert second.startswith(f"{folder}/manifest.csv:3: file: {folder}/b.png: 96 × 48 px hold no training patch")
    for fields, said in (({"channels": 2}, "3 channels"), ({"max_pixels": 100}, "more than max_pixels: 100")):
        with pytest.raises(DataError, match=said):
            spec(folder, **fields).build([EXPOSURE])
    with pytest.raises(DataError, match=r"exposuer: there is no such column\. Did you mean 'exposure'"):
        spec(folder).check_inputs([ColumnSpec(name="exposuer")])


@pytest.mark.parametrize(
    "fields",
    [
        {"patch": 0},
        {"patch": [16]},
        {"patch": "large"},
        {"downscale": 0},
        {"evaluation_fraction": 1},
        {"evaluation_fraction": -0.1},
        {"stride": 0},
        {"contrast": "more"},
    ],
)
def test_fields_that_are_refused(folder, fields):
    with pytest.raises(ValidationError):
        spec(folder, **fields)


def test_the_manifest_lies_beside_the_file_that_names_it(tmp_path):
    named = LocatedText("ni/manifest.csv", Position("ni.yaml", 2, 7, tmp_path))
    assert Micrographs(manifest=named, patch=16).manifest == tmp_path.resolve() / "ni" / "manifest.csv"


def test_checking_imports_no_torch(folder):
    program = (
        "import sys; from pathlib import Path; from alloygan_plugins.micrographs.specs import Micrographs\n"
        "from alloygan.specs.condition_columns import ColumnSpec\n"
        "one = Micrographs(manifest=Path(sys.argv[1]), patch=16, channels=3)\n"
        "one.check_inputs([ColumnSpec(name='exposure')]); sys.exit('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program, str(folder / "manifest.csv")], check=False)
    assert answer.returncode == 0


def test_the_kind_is_registered():
    assert load_zoo().registries["dataset"].get("micrographs").spec.__name__ == "Micrographs"


def test_real_micrographs(shared_data, tmp_path):
    folder = shared_data / "ni_superalloy_1070C"
    rows = [
        f"{folder}/sem_1070C_{h:03d}h.jpg,{h},{folder}/gammaprime_mask_1070C_{h:03d}h.png" for h in (10, 150, 300, 500)
    ]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,exposure,mask", *rows]))
    data = Micrographs(manifest=tmp_path / "manifest.csv", patch=128, downscale=2).build([EXPOSURE])
    assert data.space.table == ((10.0,), (150.0,), (300.0,), (500.0,))
    assert data.train.images.shape == (4 * 9 * 9, 1, 128, 128)
    assert data.evaluation.images.shape == (4 * 3, 1, 128, 128)
    greys = [data.train.of_condition(label).float().mean().item() for label in range(4)]
    assert greys == pytest.approx([161, 175, 138, 200], abs=3)


def test_regions_of_the_manifest(folder):
    (folder / "manifest.csv").write_text("file,exposure,avoid,evaluation\na.png,150,0 0 10 48,70 0 26 48\nb.png,10,,\n")
    data = spec(folder).build([EXPOSURE])
    assert not (numbers_of(data.train.images[data.train.source == 0]) % 96 < 10).any()
    assert (numbers_of(data.evaluation.images[data.evaluation.source == 0]) % 96 >= 70).all()
    assert (data.evaluation.source == 0).sum() == 3
    assert (data.evaluation.source == 1).sum() == 6
    # Without a strip, a region of the manifest is kept all the same, and conditions stay with their images.
    data = spec(folder, evaluation_fraction=0).build([EXPOSURE])
    assert data.evaluation.source.tolist() == [0, 0, 0]
    assert data.evaluation.condition.label.tolist() == [1, 1, 1]
    (folder / "manifest.csv").write_text("file,exposure,avoid,evaluation\na.png,150,,0 0 8 8\n")
    with pytest.raises(DataError, match=r"manifest.csv:2: file: .*leave no evaluation patch"):
        spec(folder).check_inputs([EXPOSURE])


def numbers_of(images):
    return (images[:, 0].int() << 16 | images[:, 1].int() << 8 | images[:, 2].int()).numpy()


def test_micrographs_that_are_all_for_evaluation_or_not_at_all(folder):
    text = "file,exposure,evaluation\na.png,150,all\nb.png,10,{}\nc.png,150,none\n"
    (folder / "manifest.csv").write_text(text.format("none"))
    data = spec(folder).build([EXPOSURE])
    assert data.train.source.unique().tolist() == [1, 2]
    assert data.evaluation.source.tolist() == [0] * 3 * 6
    assert data.evaluation.condition.label.unique().tolist() == [1]
    np.testing.assert_array_equal(
        numbers_of(data.evaluation.images[:1])[0], np.arange(16) + 96 * np.arange(16)[:, None]
    )
    # A row that says nothing keeps its strip.
    (folder / "manifest.csv").write_text(text.format(""))
    data = spec(folder).build([EXPOSURE])
    assert data.train.source.unique().tolist() == [1, 2]
    assert data.evaluation.source.unique().tolist() == [0, 1]
    assert spec(folder, evaluation_fraction=0).build([EXPOSURE]).evaluation.source.unique().tolist() == [0]


def test_where_nothing_is_for_evaluation_it_uses_the_training_patches(folder):
    (folder / "manifest.csv").write_text("file,exposure,evaluation\na.png,150,none\nb.png,10,none\n")
    data = spec(folder).build([EXPOSURE])
    assert data.evaluation is data.train
    assert len(data.train) == 2 * 9 * 21


def test_conditions_without_training_patches(folder):
    (folder / "manifest.csv").write_text(
        "file,exposure,evaluation\na.png,150,none\nb.png,1e2,all\nc.png,100,all\n"
    )  # fmt: skip
    with pytest.raises(DataError) as caught:
        spec(folder).check_inputs([EXPOSURE])
    assert str(caught.value) == (
        f"{folder}/manifest.csv:3: evaluation: all, as in every row of the condition exposure = 1e2, so it has no "
        "training patch; write none or a region in one of them, leave it empty, exclude them, or set table: false "
        "where conditions are values between others"
    )
    with pytest.raises(DataError, match="csv:3: evaluation: all, as in every row"):
        spec(folder).build([ColumnSpec(name="exposure", scale="category")])
    data = spec(folder, table=False).build([EXPOSURE])
    assert data.train.source.unique().tolist() == [0]
    assert data.evaluation.source.unique().tolist() == [1, 2]
    (folder / "manifest.csv").write_text("file,exposure,evaluation\na.png,150,all\nb.png,10,all\n")
    for table in (True, False):
        with pytest.raises(DataError, match=r"manifest.csv: evaluation: every row says all, so there is no training"):
            spec(folder, table=table).check_inputs([EXPOSURE])
