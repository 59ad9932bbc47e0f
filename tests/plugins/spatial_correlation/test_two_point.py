"""The two-point correlation against answers by hand, by brute force and in the limit."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alloygan.interfaces.descriptor import Specimens
from alloygan_plugins.spatial_correlation.specs import TwoPoint
from alloygan_plugins.spatial_correlation.two_point import two_point


def specimens(masks: np.ndarray, um_per_px: float | None = None) -> Specimens:
    return Specimens((masks[:, None] * 255).astype(np.uint8), masks, um_per_px)


def by_brute_force(mask: np.ndarray, periodic: bool) -> np.ndarray:
    height, width = mask.shape
    lags = min(height, width) // 2
    shares: list[list[float]] = [[] for _ in range(lags + 1)]
    for down in range(-lags, lags + 1):
        for across in range(-lags, lags + 1):
            ring = round(math.hypot(down, across))
            if ring > lags:
                continue
            if periodic:
                other = np.roll(mask, (-down, -across), axis=(0, 1))
                shares[ring].append(float((mask & other).mean()))
            else:
                here = mask[max(0, -down) : height - max(0, down), max(0, -across) : width - max(0, across)]
                there = mask[max(0, down) : height - max(0, -down), max(0, across) : width - max(0, -across)]
                shares[ring].append(float((here & there).mean()))
    return np.array([np.mean(ring) for ring in shares])


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [(12, 12), (9, 14), (16, 7), (13, 13)])
def test_equals_brute_force(periodic: bool, shape: tuple[int, int]) -> None:
    masks = np.random.default_rng(0).random((3, *shape)) < 0.4
    found = two_point(masks, periodic=periodic)
    assert found.shape == (3, min(shape) // 2 + 1)
    for curve, mask in zip(found, masks, strict=True):
        np.testing.assert_allclose(curve, by_brute_force(mask, periodic), atol=1e-14)


@pytest.mark.parametrize("periodic", [False, True])
def test_checkerboard(periodic: bool) -> None:
    board = (np.indices((16, 16)).sum(axis=0) % 2 == 0)[None]
    curve = two_point(board, periodic=periodic)[0]
    # Lag 1: four neighbours of the other colour, four diagonal ones of the same.
    np.testing.assert_allclose(curve[:2], [0.5, 0.25])


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_one_phase(periodic: bool, fill: float) -> None:
    descriptor = TwoPoint(periodic=periodic).build()
    found = descriptor.measure(specimens(np.full((2, 10, 14), bool(fill))))
    assert np.all(found.values == fill)
    assert found.notes == ("no correlation length: one phase only, or correlated further than 5 px",)
    assert descriptor.summary(found) is None


def test_only_a_periodic_image_wraps() -> None:
    # One stripe at each side: 2 pixels wide in the wrapped image, 1 in the image itself.
    mask = np.zeros((1, 32, 32), dtype=bool)
    mask[:, :, [0, -1]] = True
    wrapped, cut = two_point(mask, periodic=True)[0], two_point(mask, periodic=False)[0]
    assert wrapped[1] > 1.4 * cut[1]
    assert wrapped[0] == cut[0] == 2 / 32


def test_random_pixels_are_uncorrelated() -> None:
    curve = two_point(np.random.default_rng(0).random((30, 48, 64)) < 0.3).mean(axis=0)
    assert curve[0] == pytest.approx(0.3, abs=0.005)
    np.testing.assert_allclose(curve[1:], 0.09, atol=0.003)


# What porespy 3.2.0 found on three masks: see `source` and `command` in the file.
PORESPY = json.loads(Path(__file__).with_name("porespy_two_point.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", PORESPY["cases"], ids=lambda case: case["name"])
def test_equals_porespy(case: dict[str, Any]) -> None:
    rows = [np.frombuffer(bytes.fromhex(row), dtype=np.uint8) for row in case["rows"]]
    mask = np.unpackbits(np.stack(rows), axis=1)[:, : case["shape"][1]].astype(bool)
    assert mask.shape == tuple(case["shape"])
    np.testing.assert_allclose(two_point(mask[None])[0], case["curve"], atol=1e-11)


def boolean_discs(radius: float, density: float, count: int) -> np.ndarray:
    """Boolean model of discs on a torus: the primary phase is what no disc covers."""
    size = 96
    random = np.random.default_rng(1)
    rows, columns = np.mgrid[:size, :size]
    masks = np.ones((count, size, size), dtype=bool)
    for mask in masks:
        for y, x in random.random((random.poisson(density * size**2), 2)) * size:
            dy, dx = (rows - y + size / 2) % size - size / 2, (columns - x + size / 2) % size - size / 2
            mask &= dy**2 + dx**2 > radius**2
    return masks


def test_boolean_model_has_its_known_curve() -> None:
    # Matrix between overlapping discs: S2(r) = exp(-density * area of two discs r apart), Torquato 2002,
    # chapter 5.
    radius, density = 6.0, 0.006
    lags = np.arange(49.0)
    inside = np.minimum(lags / (2 * radius), 1)
    union = 2 * math.pi * radius**2 - 2 * radius**2 * (np.arccos(inside) - inside * np.sqrt(1 - inside**2))
    found = two_point(boolean_discs(radius, density, 60)).mean(axis=0)
    np.testing.assert_allclose(found, np.exp(-density * union), atol=0.015)


def test_summary_is_the_lag_where_the_covariance_is_1_over_e() -> None:
    descriptor = TwoPoint().build()
    lags = np.arange(40.0)
    found = descriptor.measure(specimens(np.zeros((1, 78, 78), bool)))
    assert found.axis is not None
    assert len(found.axis) == 40
    curve = 0.21 * np.exp(-lags / 7.0) + 0.09
    assert descriptor.summary(type(found)(curve[None], axis=lags)) == pytest.approx(7)
    scaled = type(found)(curve[None], axis=lags * 0.5)
    assert descriptor.summary(scaled) == pytest.approx(3.5)


def test_summary_of_what_never_decorrelates() -> None:
    descriptor = TwoPoint().build()
    masks = np.zeros((2, 16, 16), dtype=bool)
    masks[1] = True
    assert descriptor.summary(descriptor.measure(specimens(masks))) is None
    assert descriptor.summary(descriptor.measure(specimens(masks[:0]))) is None


@pytest.mark.parametrize("count", [0, 1])
def test_images_of_one_pixel(count: int) -> None:
    descriptor = TwoPoint().build()
    found = descriptor.measure(specimens(np.ones((count, 1, 1), bool)))
    assert found.values.shape == (count, 1)
    assert descriptor.summary(found) is None
    assert len(found.notes) == count


def test_units_and_distance() -> None:
    descriptor = TwoPoint().build()
    masks = np.random.default_rng(0).random((4, 16, 20)) < 0.3
    found = descriptor.measure(specimens(masks, um_per_px=0.5))
    assert found.axis is not None
    np.testing.assert_allclose(found.axis, np.arange(9) * 0.5)
    assert found.unit == ""
    assert descriptor.summary_unit(found, specimens(masks, um_per_px=0.5)) == "um"
    assert descriptor.distance(found, found) == 0
    other = descriptor.measure(specimens(~masks, um_per_px=0.5))
    assert descriptor.distance(found, other) == pytest.approx(0.4, abs=0.05)


def test_parts_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = np.random.default_rng(0).random((7, 16, 20)) < 0.3
    whole = two_point(masks)
    monkeypatch.setattr("alloygan_plugins.spatial_correlation.two_point._PIXELS_AT_ONCE", 1)
    np.testing.assert_array_equal(two_point(masks), whole)
