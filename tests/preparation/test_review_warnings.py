import re

import pytest
from PIL import Image

from alloygan.errors import DataError


def test_cracks_that_cost_patches_are_told(folder, prepared):
    done = prepared("file,c\ncracked.png,1\nwhole.png,2\n")
    assert done.warnings[0].startswith("cracks in 1 of 2 micrographs: ")


def test_flat_evaluation_patches_are_told(folder, prepared, read):
    image = read(folder / "whole.png").copy()
    image[:, -image.shape[1] // 4 :] = 0
    Image.fromarray(image).save(folder / "edge.png")
    done = prepared(f"file,c,evaluation\nedge.png,1,{image.shape[1] - 32} 0 32 {image.shape[0]}\n", cracks="off")
    assert any("evaluation patches have one grey level" in warning for warning in done.warnings)


def test_enlarging_a_little_is_said_and_a_lot_is_refused(folder, prepared, read):
    done = prepared("file,um_per_px\nwhole.png,0.11\n", side_um=3.2)
    assert any("whole.png: enlarged 1.10 times" in line for line in done.warnings)
    assert read(done.out / "micrographs/whole.png").shape == (220, 330)
    with pytest.raises(DataError, match=r"at most 1\.25 is sensible"):
        prepared("file,um_per_px\nwhole.png,0.15\n", side_um=3.2)


def test_matching_warns_that_area_fractions_become_alike(tmp_path, prepared, two_phases):
    for name, share in (("a", 0.3), ("b", 0.7)):
        Image.fromarray(two_phases((160, 240), share=share, noise=8)).save(tmp_path / f"{name}.png")
    (words,) = prepared("file\na.png\nb.png\n", contrast="match").warnings
    assert "makes the grey levels of all micrographs alike" in words
    low, high = map(float, re.search(r"bright part is (\S+) to (\S+) before", words).groups())
    assert abs(low - 0.3) < 0.03
    assert abs(high - 0.7) < 0.03
    assert prepared("file\na.png\nb.png\n").warnings == ()
