"""Cracks of a large micrograph, which the small copy of it is too coarse for."""

import numpy as np
import pytest
from PIL import Image

from alloygan.data.image_parts import open_parts
from alloygan.data.region import Region
from alloygan.preparation.crack_search import search_cracks


@pytest.fixture(scope="module")
def large(tmp_path_factory, two_phases, with_crack):
    """3,072 × 2,304 px with two cracks of 250 px, and where they lie."""
    image = two_phases((2304, 3072), seed=1, coarse=4.0)
    truth = np.zeros(image.shape, dtype=bool)
    for number, (top, left) in enumerate([(200, 300), (1300, 1900)]):
        part = np.s_[top : top + 700, left : left + 800]
        image[part], truth[part] = with_crack(image[part], seed=number, length=0.32, width=5)
    path = tmp_path_factory.mktemp("large") / "large.png"
    Image.fromarray(image).save(path)
    return path, truth


def test_small_cracks_of_a_large_micrograph_are_found_once(large):
    path, truth = large
    with open_parts(path) as parts:
        found = search_cracks(parts, path, Region(0, 0, 3072, 2304), 3)
    covered = np.kron(found.mask, np.ones((3, 3), dtype=bool))[: truth.shape[0], : truth.shape[1]]
    assert covered.shape == truth.shape
    assert (covered & truth).sum() > 0.85 * truth.sum()
    assert covered.sum() < 4 * truth.sum()
    assert 2 <= len(found.found) <= 4
    assert found.note == ""
    assert all(25 < crack.length < 150 for crack in found.found)


def test_nothing_where_there_is_nothing(tmp_path, two_phases):
    path = tmp_path / "whole.png"
    Image.fromarray(two_phases((1500, 2100), seed=2, coarse=4.0)).save(path)
    with open_parts(path) as parts:
        found = search_cracks(parts, path, Region(0, 0, 2100, 1500), 3)
    assert not found.mask.any()
