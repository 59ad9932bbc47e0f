"""Particles against ImageJ's frozen tables, and against answers by hand."""

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alloygan.evaluation.particles import Particles, clear_of_edges, find_particles

COLUMNS = ("area", "x", "y", "major", "minor", "angle", "aspect_ratio")


@pytest.mark.parametrize(("hours", "count"), [("010", 569), ("150", 157), ("300", 38), ("500", 40)])
def test_equals_imagej(shared_data: Path, hours: str, count: int) -> None:
    folder = shared_data / "ni_superalloy_1070C"
    mask = np.asarray(Image.open(folder / f"gammaprime_mask_1070C_{hours}h.png")) > 127
    table = np.genfromtxt(folder / f"imagej_1070C_{hours}h.csv", delimiter=",", names=True)
    found = find_particles(mask)
    assert len(found) == len(table) == count
    for column in COLUMNS:
        difference = getattr(found, column) - table[column]
        if column == "angle":
            difference = (difference + 90) % 180 - 90
        # Row by row: even the order is ImageJ's.
        np.testing.assert_allclose(difference / np.maximum(1, np.abs(table[column])), 0, atol=1e-9, err_msg=column)


def one(mask: np.ndarray, **settings: float | bool) -> dict[str, float]:
    found = find_particles(mask, **{"min_area": 1.0} | settings)
    assert len(found) == 1
    return {column: float(getattr(found, column)[0]) for column in (*COLUMNS, "left", "top", "width", "height")}


def canvas(*rectangles: tuple[slice, slice], shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    for rectangle in rectangles:
        mask[rectangle] = True
    return mask


def test_single_pixel_is_a_disc_of_one_pixel() -> None:
    found = one(canvas(np.s_[4:5, 7:8]))
    assert found["area"] == 1
    assert (found["x"], found["y"]) == (7.5, 4.5)
    assert found["major"] == pytest.approx(2 / math.sqrt(math.pi))
    assert found["aspect_ratio"] == pytest.approx(1)
    assert found["angle"] == 0


@pytest.mark.parametrize(("height", "width"), [(1, 12), (3, 12), (5, 5), (12, 4)])
def test_rectangle_has_the_ratio_of_its_sides_and_its_area(height: int, width: int) -> None:
    # A rectangle's pixel variances are (side² - 1) / 12; the added 1/12 makes them the unit squares' own
    # side² / 12.
    found = one(canvas(np.s_[3 : 3 + height, 5 : 5 + width]))
    long, short = max(height, width), min(height, width)
    assert found["aspect_ratio"] == pytest.approx(long / short)
    assert math.pi / 4 * found["major"] * found["minor"] == pytest.approx(height * width)
    assert (found["x"], found["y"]) == (5 + width / 2, 3 + height / 2)
    assert found["angle"] == (90 if height > width else 0)
    assert (found["left"], found["top"], found["width"], found["height"]) == (5, 3, width, height)


@pytest.mark.parametrize("length", [2, 3, 8])
def test_diagonal_line_is_one_particle_and_its_angle_counts_counter_clockwise(length: int) -> None:
    falling = np.zeros((12, 12), dtype=bool)
    falling[np.arange(2, 2 + length), np.arange(2, 2 + length)] = True
    assert one(falling)["angle"] == pytest.approx(135)
    assert one(falling[:, ::-1])["angle"] == pytest.approx(45)
    variance = (length**2 - 1) / 12
    expected = math.sqrt((2 * variance + 1 / 12) * 12)
    assert one(falling)["aspect_ratio"] == pytest.approx(expected)


def test_disc_is_round() -> None:
    rows, columns = np.mgrid[:64, :64]
    found = one((rows - 30) ** 2 + (columns - 33) ** 2 <= 20**2)
    assert found["aspect_ratio"] == pytest.approx(1)
    assert found["major"] == pytest.approx(40, rel=0.01)
    assert (found["x"], found["y"]) == (33.5, 30.5)


def test_hole_belongs_to_no_particle() -> None:
    ring = canvas(np.s_[2:12, 2:12])
    ring[5:8, 5:8] = False
    assert one(ring)["area"] == 91


def test_empty_and_full_masks() -> None:
    assert len(find_particles(np.zeros((16, 24), dtype=bool))) == 0
    assert len(find_particles(np.ones((16, 24), dtype=bool))) == 0
    assert one(np.ones((16, 24), dtype=bool), exclude_edges=False)["aspect_ratio"] == pytest.approx(1.5)
    assert len(find_particles(np.zeros((0, 16, 24), dtype=bool))) == 0


def test_minimum_area_and_edges() -> None:
    mask = canvas(np.s_[2:6, 2:7], np.s_[10:14, 10:14], np.s_[0:5, 20:25], np.s_[10:15, 25:30], np.s_[16:20, 2:9])
    assert find_particles(mask).area.tolist() == [20]
    assert sorted(find_particles(mask, min_area=16).area.tolist()) == [16, 20]
    assert len(find_particles(mask, exclude_edges=False, min_area=16)) == 5


def test_stack_is_measured_mask_by_mask() -> None:
    random = np.random.default_rng(0)
    masks = random.random((7, 33, 48)) < 0.3
    masks[3] = False
    together = find_particles(masks, min_area=3)
    for i, mask in enumerate(masks):
        alone = find_particles(mask, min_area=3)
        for column in (*COLUMNS, "left", "top", "width", "height"):
            np.testing.assert_array_equal(getattr(together, column)[together.image == i], getattr(alone, column))
    assert np.all(np.diff(together.image) >= 0)
    assert np.all((together.angle >= 0) & (together.angle < 180))


def test_large_stack_is_cut_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = np.random.default_rng(1).random((9, 16, 16)) < 0.3
    whole = find_particles(masks, min_area=2)
    monkeypatch.setattr("alloygan.evaluation.particles._PIXELS_AT_ONCE", 2 * 16 * 16)
    parts = find_particles(masks, min_area=2)
    np.testing.assert_array_equal(whole.image, parts.image)
    np.testing.assert_array_equal(whole.major, parts.major)


@pytest.mark.parametrize("mask", [np.zeros((4, 4)), np.zeros(4, dtype=bool), np.zeros((1, 1, 4, 4), dtype=bool)])
def test_refuses_what_is_no_mask(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match="bool array"):
        find_particles(mask)


def test_leaving_out_edges_afterwards_is_the_same() -> None:
    masks = np.random.default_rng(3).random((4, 30, 41)) < 0.45
    expected = find_particles(masks, min_area=3)
    found = clear_of_edges(find_particles(masks, min_area=3, exclude_edges=False), (30, 41))
    for field in fields(Particles):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))
