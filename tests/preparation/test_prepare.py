import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from pydantic import ValidationError

from alloygan.data import image_parts
from alloygan.data.manifest import read_manifest
from alloygan.data.simulation_folder import write_simulation
from alloygan.errors import DataError
from alloygan.preparation import pixels, rescaled, survey
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.prepare import prepare
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.micrographs.specs import Micrographs
from alloygan_plugins.synthetic_alloy.specs import SyntheticAlloy

EXPOSURE = ColumnSpec(name="exposure", unit="h", scale="log")


@pytest.fixture
def folder(tmp_path, two_phases, with_crack):
    Image.fromarray(two_phases((200, 300), seed=1)).save(tmp_path / "whole.png")
    Image.fromarray(with_crack(two_phases((200, 300), seed=2), seed=5, length=0.5)[0]).save(tmp_path / "cracked.png")
    return tmp_path


def read(path):
    return np.asarray(Image.open(path))


def stored(done):
    return json.loads((done.out / "preparation.json").read_text(encoding="utf-8"))


def patches_of(done):
    with (done.out / "patches.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_crack_is_left_out_and_the_data_set_is_what_the_tables_say(folder, prepared):
    done = prepared("file,exposure,note\nwhole.png,10,a\ncracked.png,100,b\n")
    assert (done.micrographs, done.left_out) == (2, 0)
    whole, cracked = stored(done)["micrographs"]
    assert whole["cracks"] == []
    assert len(cracked["cracks"]) == 1
    assert whole["patches"] == whole["patches_before"]
    assert 0 < cracked["patches"]["training"] < cracked["patches_before"]["training"]
    data = Micrographs(manifest=done.manifest, patch=32).build([EXPOSURE])
    rows = patches_of(done)
    for part, patches in (("training", data.train), ("evaluation", data.evaluation)):
        mine = [row for row in rows if row["split"] == part]
        assert len(mine) == len(patches)
        for row, image in zip(mine, patches.images.numpy(), strict=True):
            x, y = int(row["x"]), int(row["y"])
            np.testing.assert_array_equal(image[0], read(done.out / row["file"])[y : y + 32, x : x + 32])
    assert (len(data.train), len(data.evaluation)) == (done.training_patches, done.evaluation_patches)
    assert {row["note"] for row in rows} == {"a", "b"}
    assert (rows[0]["x0"], rows[0]["y0"], rows[0]["w0"], rows[0]["h0"]) == (rows[0]["x"], rows[0]["y"], "32", "32")


def test_the_crack_is_in_no_patch(folder, prepared, two_phases, with_crack):
    _, truth = with_crack(two_phases((200, 300), seed=2), seed=5, length=0.5)
    done = prepared("file\ncracked.png\n", crack_margin=3)
    for row in patches_of(done):
        x, y = int(row["x"]), int(row["y"])
        assert not truth[y : y + 32, x : x + 32].any()


def test_the_manifest_overrules(folder, prepared):
    text = "file,cracks\nwhole.png,{}\ncracked.png,{}\n"
    done = prepared(text.format("", "none"))
    assert stored(done)["micrographs"][1]["patches"] == stored(done)["micrographs"][1]["patches_before"]
    done = prepared(text.format("0 0 50 200; 60 0 10 10", "micrograph"))
    one, two = stored(done)["micrographs"]
    assert one["cracks_from"] == "manifest"
    assert two["left_out"] == "the manifest says so (cracks: micrograph)"
    (micrograph,) = read_manifest(done.manifest, ()).micrographs
    assert [region.text for region in micrograph.avoid] == ["0 0 50 200", "60 0 10 10"]
    assert not any(int(row["x"]) < 50 for row in patches_of(done))
    assert done.left_out == 1
    assert any("cracked.png: left out" in line for line in done.warnings)
    assert sorted(path.name for path in (done.out / "overlays").iterdir()) == ["cracked.png", "whole.png"]
    assert [path.name for path in (done.out / "micrographs").iterdir()] == ["whole.png"]


def test_a_micrograph_with_a_crack_is_left_out_or_kept_whole(folder, prepared):
    text = "file,exposure\nwhole.png,10\ncracked.png,100\n"
    done = prepared(text, cracks="micrograph")
    assert done.left_out == 1
    assert "the condition exposure = 100 has no micrograph left" in done.warnings
    assert prepared(text, cracks="off").left_out == 0
    assert stored(prepared(text, cracks="off"))["micrographs"][1]["cracks"] == []
    with pytest.raises(DataError, match="every micrograph is left out"):
        prepared("file\ncracked.png\n", cracks="micrograph")


def test_roi_avoid_evaluation_and_mask(folder, prepared):
    mask = np.zeros((200, 300), np.uint8)
    mask[:, 150:] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    done = prepared("file,roi,mask,avoid,evaluation\nwhole.png,10 20 280 160,mask.png,20 30 40 10,200 20 50 160\n")
    (one,) = read_manifest(done.manifest, ()).micrographs
    assert [region.text for region in one.avoid] == ["10 10 40 10"]
    assert one.evaluation.text == "190 0 50 160"
    np.testing.assert_array_equal(read(one.mask), mask[20:180, 10:290])
    for row in patches_of(done):
        x, y = int(row["x"]), int(row["y"])
        assert float(row["x0"]) == x + 10
        assert float(row["y0"]) == y + 20
        assert (x >= 190 and x + 32 <= 240) == (row["split"] == "evaluation")
        assert row["split"] == "evaluation" or x + 32 <= 190 or x >= 240
        assert not (x < 50 and x + 32 > 10 and y < 20 and y + 32 > 10)
    with pytest.raises(DataError, match="clahe needs an evaluation region that takes one end"):
        prepared("file,evaluation\nwhole.png,200 20 50 100\n", contrast="clahe")


def test_one_scale(tmp_path, prepared):
    spec = SyntheticAlloy(
        temperature=(900.0,), strain_rate=(0.001,), training_micrographs=3, evaluation_micrographs=0, size=(320, 320),
        um_per_px=(0.5, 0.25, 0.3), noise=0,
    )  # fmt: skip
    write_simulation(spec.micrographs(()), tmp_path / "alloy", {})
    done = prepare(tmp_path / "alloy/manifest.csv", tmp_path / "out", PrepareOptions(patch=64, side_um=32))
    manifest = read_manifest(done.manifest, ())
    assert {one.um_per_px for one in manifest.micrographs} == {0.5}
    sizes = [read(one.file).shape for one in manifest.micrographs]
    assert sizes == [(320, 320), (160, 160), (192, 192)]
    for one, factor in zip(manifest.micrographs, (1, 2, 0.5 / 0.3), strict=True):
        original = read(tmp_path / "alloy/images" / one.file.name)
        assert original.shape[0] == round(read(one.file).shape[0] * factor)
        mask = read(one.mask)
        assert set(np.unique(mask)) == {0, 255}
    # The area fraction of the phase is kept, as is where it lies.
    for number, one in enumerate(manifest.micrographs):
        before = read(tmp_path / "alloy/masks" / one.mask.name)
        after = read(one.mask)
        assert abs((before > 0).mean() - (after > 0).mean()) < 0.01
        dark = read(one.file)[after > 0].mean()
        assert dark < 60 < 130 < read(one.file)[after == 0].mean(), number
    rows = [row for row in patches_of(done) if "0.3" not in row["file"]]
    assert {row["w0"] for row in rows} == {"64", "128", "106.667"}
    data = Micrographs(manifest=done.manifest, patch=64).build([ColumnSpec(name="temperature")])
    assert data.um_per_px == 0.5
    with pytest.raises(DataError, match="`alloygan prepare` brings micrographs to one scale"):
        Micrographs(manifest=tmp_path / "alloy/manifest.csv", patch=64).build([ColumnSpec(name="temperature")])


def test_enlarging_a_little_is_said_and_a_lot_is_refused(folder, prepared):
    done = prepared("file,um_per_px\nwhole.png,0.11\n", side_um=3.2)
    assert any("whole.png: enlarged 1.10 times" in line for line in done.warnings)
    assert read(done.out / "micrographs/whole.png").shape == (220, 330)
    with pytest.raises(DataError, match=r"at most 1\.25 is sensible"):
        prepared("file,um_per_px\nwhole.png,0.15\n", side_um=3.2)


@pytest.mark.parametrize("contrast", ["none", "quantile", "match", "clahe"])
def test_contrast_of_different_brightness(tmp_path, prepared, two_phases, contrast):
    for name, dark, bright in (("a", 40, 90), ("b", 150, 240)):
        Image.fromarray(two_phases((160, 240), seed=3, dark=dark, bright=bright, noise=2)).save(
            tmp_path / f"{name}.png"
        )
    done = prepared("file\na.png\nb.png\n", contrast=contrast)
    means = [one["mean_grey"] for one in stored(done)["micrographs"]]
    assert abs(means[0]["before"] - means[1]["before"]) > 100
    images = [read(done.out / f"micrographs/{name}.png").astype(float) for name in "ab"]
    if contrast == "none":
        assert np.abs(images[0] - read(tmp_path / "a.png")).max() == 0
    else:
        assert abs(means[0]["after"] - means[1]["after"]) < 5
        assert np.corrcoef(images[0].ravel(), images[1].ravel())[0, 1] > 0.95


def test_matching_warns_that_area_fractions_become_alike(tmp_path, prepared, two_phases):
    for name, share in (("a", 0.3), ("b", 0.7)):
        Image.fromarray(two_phases((160, 240), share=share, noise=8)).save(tmp_path / f"{name}.png")
    (words,) = prepared("file\na.png\nb.png\n", contrast="match").warnings
    assert "makes the grey levels of all micrographs alike" in words
    low, high = map(float, re.search(r"bright part is (\S+) to (\S+) before", words).groups())
    assert abs(low - 0.3) < 0.03
    assert abs(high - 0.7) < 0.03
    assert prepared("file\na.png\nb.png\n").warnings == ()


def test_matching_a_reference(folder, prepared, two_phases):
    Image.fromarray(two_phases((100, 120), dark=10, bright=60, noise=2)).save(folder / "reference.png")
    done = prepared("file\nwhole.png\n", contrast="match", reference=folder / "reference.png")
    reference, image = read(folder / "reference.png"), read(done.out / "micrographs/whole.png")
    assert np.abs(np.percentile(reference, (5, 30, 70, 95)) - np.percentile(image, (5, 30, 70, 95))).max() < 6


def test_depths_colours_and_sizes(tmp_path, prepared, two_phases):
    grey = two_phases((160, 240), seed=4)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(np.stack([grey] * 3, axis=-1)).save(tmp_path / "colour.png")
    tifffile.imwrite(tmp_path / "deep.tif", grey.astype(np.uint16) * 3 + 500)
    tifffile.imwrite(tmp_path / "float.tif", grey / np.float32(255))
    Image.fromarray(grey[:100, :170]).save(tmp_path / "small.png")
    names = ["grey.png", "colour.png", "deep.tif", "float.tif", "small.png"]
    done = prepared("file\n" + "\n".join(names) + "\n")
    images = [read(done.out / f"micrographs/{Path(name).stem}.png") for name in names]
    assert {image.dtype for image in images} == {np.dtype(np.uint8)}
    for image in images[1:4]:
        assert np.abs(image.astype(int) - images[0]).max() <= 1
    assert images[4].shape == (100, 170)


def test_one_name_twice(tmp_path, prepared, two_phases):
    for name in ("a/x.png", "b/x.png", "c/X.png"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(two_phases((100, 160))).save(tmp_path / name)
    done = prepared("file\na/x.png\nb/x.png\nc/X.png\n")
    assert sorted(path.name for path in (done.out / "micrographs").iterdir()) == ["X_3.png", "x.png", "x_2.png"]


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


def test_options_that_do_not_fit():
    for fields, said in (
        ({"quantiles": (99, 1)}, "the lower one first"),
        ({"reference": "a.png"}, "only contrast: match has a reference"),
        ({"block": 64}, "only contrast: clahe has blocks"),
        ({"side_um": -1}, "greater than 0"),
        ({"contrast": "histogram"}, "'none', 'quantile', 'match' or 'clahe'"),
        ({"margin": 3}, "unknown field"),
    ):
        with pytest.raises(ValidationError, match=said):
            PrepareOptions(patch=32, **fields)


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


def test_the_same_again(folder, prepared):
    text = "file,exposure\nwhole.png,10\ncracked.png,100\n"
    contents = []
    for _ in range(2):
        out = prepared(text).out
        contents.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert contents[0] == contents[1]


@pytest.mark.parametrize("contrast", ["quantile", "clahe"])
@pytest.mark.parametrize("scale", [0.1, 0.06, 0.05])
def test_tiny_tiles_give_the_same(folder, prepared, monkeypatch, contrast, scale):
    text = f"file,um_per_px,mask\ncracked.png,{scale},mask.png\n"
    Image.fromarray(np.where(read(folder / "whole.png") > 140, 255, 0).astype(np.uint8)).save(folder / "mask.png")
    tifffile.imwrite(folder / "cracked.tif", read(folder / "cracked.png"), tile=(16, 48), compression="zlib")
    options = {"side_um": 3.2, "contrast": contrast, "crack_margin": 0.2}
    one = prepared(text, **options)
    kept = stored(one)["micrographs"][0]
    image, mask = read(one.out / kept["file"]), read(one.out / "masks/cracked.png")
    monkeypatch.setattr(rescaled.Rescaled.__init__, "__kwdefaults__", {"tile_pixels": 700})
    monkeypatch.setattr(image_parts.open_parts.__wrapped__, "__kwdefaults__", {"whole_bytes": 0})
    monkeypatch.setattr(survey, "_BAND", 1000)
    monkeypatch.setattr(pixels, "_TILE", 16)
    monkeypatch.setattr(pixels, "PNG_PIXELS", 100)
    two = prepared(text.replace("cracked.png", "cracked.tif"), **options)
    again = stored(two)["micrographs"][0]
    assert again["file"] == "micrographs/cracked.tif"
    tiled = tifffile.imread(two.out / again["file"])
    assert np.abs(tiled.astype(int) - image).max() <= (1 if contrast == "clahe" else 0)
    np.testing.assert_array_equal(tifffile.imread(two.out / "masks/cracked.tif"), mask)
    differ = {"source", "file", "mean_grey", "bright_fraction"} if contrast == "clahe" else {"source", "file"}
    assert {k: v for k, v in kept.items() if k not in differ} == {k: v for k, v in again.items() if k not in differ}


def test_real_micrographs(shared_data, tmp_path):
    source = shared_data / "ni_superalloy_1070C"
    rows = "".join(
        f"{source}/sem_1070C_{h}h.jpg,{int(h)},{source}/gammaprime_mask_1070C_{h}h.png,0 0 1024 700\n"
        for h in ("010", "150", "300", "500")
    )
    (tmp_path / "manifest.csv").write_text("file,exposure,mask,roi\n" + rows)
    done = prepare(tmp_path / "manifest.csv", tmp_path / "out", PrepareOptions(patch=128))
    assert done.warnings == ()
    assert (done.training_patches, done.evaluation_patches) == (1512, 40)
    micrographs = stored(done)["micrographs"]
    assert not any(one["cracks"] for one in micrographs)
    after = [one["mean_grey"]["after"] for one in micrographs]
    before = [one["mean_grey"]["before"] for one in micrographs]
    assert np.ptp(before) > 50
    assert np.ptp(after) < np.ptp(before) / 2
    data = Micrographs(manifest=done.manifest, patch=128).build([EXPOSURE])
    assert data.space.table == ((10.0,), (150.0,), (300.0,), (500.0,))
    assert len(data.train) == 1512
    assert len(data.evaluation) == 40


def test_nothing_needs_torch():
    program = "import sys, alloygan.preparation.prepare; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.slow
def test_a_micrograph_of_900_megapixels(tmp_path):
    side = 30_000
    tile = np.random.default_rng(0).integers(90, 180, (1000, side), dtype=np.uint8)
    image = tifffile.memmap(tmp_path / "large.tif", shape=(side, side), dtype=np.uint8, photometric="minisblack")
    for top in range(0, side, 1000):
        image[top : top + 1000] = tile
    image.flush()
    (tmp_path / "manifest.csv").write_text("file,um_per_px\nlarge.tif,0.1\n")
    program = (
        "import sys, resource; from pathlib import Path; from alloygan.preparation.prepare import prepare; "
        "from alloygan.preparation.options import PrepareOptions; here = Path(sys.argv[1]); "
        "prepare(here / 'manifest.csv', here / 'out', PrepareOptions(patch=256, side_um=25.6, max_pixels=10**9)); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True, text=True)
    assert float(done.stdout) < 4  # GiB
    assert tifffile.TiffFile(tmp_path / "out/micrographs/large.tif").pages[0].shape == (side, side)


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


@pytest.mark.parametrize("bits", [8, 9, 10, 12])
def test_deep_files_that_use_their_lower_bits(folder, prepared, bits):
    levels = read(folder / "cracked.png").astype(np.float64) / 255 * (2**bits - 1)
    tifffile.imwrite(folder / "deep.tif", np.rint(levels).astype(np.uint16))
    kept = stored(prepared("file,c\ndeep.tif,1\n"))["micrographs"][0]
    plain = stored(prepared("file,c\ncracked.png,1\n"))["micrographs"][0]
    assert len(kept["cracks"]) == len(plain["cracks"]) >= 1
    assert kept["patches"] == plain["patches"]
    assert kept["bright_fraction"]["before"] == pytest.approx(plain["bright_fraction"]["before"], abs=0.03)


def test_one_grey_level_is_refused_also_where_the_contrast_makes_it_so(folder, prepared):
    low = read(folder / "whole.png").astype(np.uint16) // 4  # of 65535: black when shown as it is
    tifffile.imwrite(folder / "low.tif", low)
    with pytest.raises(DataError, match=r"low\.tif: contrast: none leaves one grey level"):
        prepared("file,c\nlow.tif,1\n", contrast="none")
    Image.fromarray(np.full((64, 64), 90, np.uint8)).save(folder / "flat.png")
    with pytest.raises(DataError, match="leaves one grey level"):
        prepared("file,c\nwhole.png,1\n", contrast="match", reference=folder / "flat.png")


def test_flat_evaluation_patches_are_told(folder, prepared):
    image = read(folder / "whole.png").copy()
    image[:, -image.shape[1] // 4 :] = 0
    Image.fromarray(image).save(folder / "edge.png")
    done = prepared(f"file,c,evaluation\nedge.png,1,{image.shape[1] - 32} 0 32 {image.shape[0]}\n", cracks="off")
    assert any("evaluation patches have one grey level" in warning for warning in done.warnings)


def test_cracks_that_cost_patches_are_told(folder, prepared):
    done = prepared("file,c\ncracked.png,1\nwhole.png,2\n")
    assert done.warnings[0].startswith("cracks in 1 of 2 micrographs: ")


def test_too_small_after_rescaling_says_what_became_of_the_file(folder, prepared):
    height, width = read(folder / "whole.png").shape
    with pytest.raises(DataError) as caught:
        prepared("file,c,um_per_px\nwhole.png,1,0.01\n", side_um=3.2)
    assert f"{height} × {width} px of the file become" in str(caught.value)
    assert "manifest.csv:2" in str(caught.value)
    assert "side_um" in str(caught.value)
