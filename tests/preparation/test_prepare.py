import subprocess
import sys

import numpy as np
import pytest
import tifffile

from alloygan.data.manifest import read_manifest
from alloygan.data.simulation_folder import write_simulation
from alloygan.errors import DataError
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.prepare import prepare
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.micrographs.specs import Micrographs
from alloygan_plugins.synthetic_alloy.specs import SyntheticAlloy

EXPOSURE = ColumnSpec(name="exposure", unit="h", scale="log")


def test_a_crack_is_left_out_and_the_data_set_is_what_the_tables_say(folder, prepared, read, stored, patches_of):
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


def test_the_crack_is_in_no_patch(folder, prepared, two_phases, with_crack, patches_of):
    _, truth = with_crack(two_phases((200, 300), seed=2), seed=5, length=0.5)
    done = prepared("file\ncracked.png\n", crack_margin=3)
    for row in patches_of(done):
        x, y = int(row["x"]), int(row["y"])
        assert not truth[y : y + 32, x : x + 32].any()


def test_the_manifest_overrules(folder, prepared, stored, patches_of):
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


def test_a_micrograph_with_a_crack_is_left_out_or_kept_whole(folder, prepared, stored):
    text = "file,exposure\nwhole.png,10\ncracked.png,100\n"
    done = prepared(text, cracks="micrograph")
    assert done.left_out == 1
    assert "the condition exposure = 100 has no micrograph left" in done.warnings
    assert prepared(text, cracks="off").left_out == 0
    assert stored(prepared(text, cracks="off"))["micrographs"][1]["cracks"] == []
    with pytest.raises(DataError, match="every micrograph is left out"):
        prepared("file\ncracked.png\n", cracks="micrograph")


def test_one_scale(tmp_path, prepared, read, patches_of):
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


def test_too_small_after_rescaling_says_what_became_of_the_file(folder, prepared, read):
    height, width = read(folder / "whole.png").shape
    with pytest.raises(DataError) as caught:
        prepared("file,c,um_per_px\nwhole.png,1,0.01\n", side_um=3.2)
    assert f"{height} × {width} px of the file become" in str(caught.value)
    assert "manifest.csv:2" in str(caught.value)
    assert "side_um" in str(caught.value)


def test_the_same_again(folder, prepared):
    text = "file,exposure\nwhole.png,10\ncracked.png,100\n"
    contents = []
    for _ in range(2):
        out = prepared(text).out
        contents.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert contents[0] == contents[1]


def test_real_micrographs(shared_data, tmp_path, stored):
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
