import numpy as np
import pytest
import tifffile
from PIL import Image

from alloygan.errors import DataError


@pytest.mark.parametrize("contrast", ["none", "quantile", "match", "clahe"])
def test_contrast_of_different_brightness(tmp_path, prepared, two_phases, contrast, read, stored):
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


def test_matching_a_reference(folder, prepared, two_phases, read):
    Image.fromarray(two_phases((100, 120), dark=10, bright=60, noise=2)).save(folder / "reference.png")
    done = prepared("file\nwhole.png\n", contrast="match", reference=folder / "reference.png")
    reference, image = read(folder / "reference.png"), read(done.out / "micrographs/whole.png")
    assert np.abs(np.percentile(reference, (5, 30, 70, 95)) - np.percentile(image, (5, 30, 70, 95))).max() < 6


@pytest.mark.parametrize("bits", [8, 9, 10, 12])
def test_deep_files_that_use_their_lower_bits(folder, prepared, bits, read, stored):
    levels = read(folder / "cracked.png").astype(np.float64) / 255 * (2**bits - 1)
    tifffile.imwrite(folder / "deep.tif", np.rint(levels).astype(np.uint16))
    kept = stored(prepared("file,c\ndeep.tif,1\n"))["micrographs"][0]
    plain = stored(prepared("file,c\ncracked.png,1\n"))["micrographs"][0]
    assert len(kept["cracks"]) == len(plain["cracks"]) >= 1
    assert kept["patches"] == plain["patches"]
    assert kept["bright_fraction"]["before"] == pytest.approx(plain["bright_fraction"]["before"], abs=0.03)


def test_one_grey_level_is_refused_also_where_the_contrast_makes_it_so(folder, prepared, read):
    low = read(folder / "whole.png").astype(np.uint16) // 4  # of 65535: black when shown as it is
    tifffile.imwrite(folder / "low.tif", low)
    with pytest.raises(DataError, match=r"low\.tif: contrast: none leaves one grey level"):
        prepared("file,c\nlow.tif,1\n", contrast="none")
    Image.fromarray(np.full((64, 64), 90, np.uint8)).save(folder / "flat.png")
    with pytest.raises(DataError, match="leaves one grey level"):
        prepared("file,c\nwhole.png,1\n", contrast="match", reference=folder / "flat.png")
