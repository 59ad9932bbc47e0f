from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from alloygan.data import image_parts
from alloygan.data.manifest import read_manifest
from alloygan.errors import DataError
from alloygan.preparation import pixels, rescaled, survey


def test_roi_avoid_evaluation_and_mask(folder, prepared, read, patches_of):
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


def test_depths_colours_and_sizes(tmp_path, prepared, two_phases, read):
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


@pytest.mark.parametrize("contrast", ["quantile", "clahe"])
@pytest.mark.parametrize("scale", [0.1, 0.06, 0.05])
def test_tiny_tiles_give_the_same(folder, prepared, monkeypatch, contrast, scale, read, stored):
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
