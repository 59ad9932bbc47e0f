"""The period of lamellae, of gratings whose period is known and of images that have none."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from alloygan.interfaces.descriptor import Measurement, Specimens
from alloygan_plugins.orientation.specs import LamellarSpacing


def grating(height: int, width: int, period: float, angle: float, amplitude: float = 100.0) -> np.ndarray:
    """Lamellae (H, W) along an angle in degrees from the horizontal, around a grey level of 128."""
    rows, columns = np.mgrid[:height, :width]
    turn = math.radians(angle)
    across = math.sin(turn) * columns + math.cos(turn) * rows
    return 128 + amplitude * np.sin(2 * np.pi * across / period + 0.3)


def to_images(levels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)[:, None]


def measure(levels: np.ndarray, masks: np.ndarray | None = None, **fields: object) -> Measurement:
    empty = np.zeros(levels.shape, dtype=bool)
    return LamellarSpacing(**fields).build().measure(Specimens(to_images(levels), empty if masks is None else masks))


def gaussian_fields(count: int, size: int, spectrum: np.ndarray) -> np.ndarray:
    """Random fields of a spectrum over rfft2's half plane, of standard deviation 30 around 128."""
    noise = np.random.default_rng(0).standard_normal((count, size, size))
    fields = np.fft.irfft2(np.fft.rfft2(noise) * np.sqrt(spectrum), s=(size, size))
    return 128 + 30 * fields / fields.std()


def wavenumber(size: int) -> np.ndarray:
    return 2 * np.pi * np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))


@pytest.mark.parametrize("period", [3.2, 4, 5.3, 8, 13, 20])
def test_gratings_of_any_direction(period: float) -> None:
    found = measure(np.stack([grating(128, 128, period, angle) for angle in np.arange(0, 180, 11.25)]))
    assert len(found.values) == 16
    np.testing.assert_allclose(found.values, period, rtol=0.01)


@pytest.mark.parametrize(("height", "width"), [(96, 160), (160, 96), (97, 127)])
def test_rectangular_images(height: int, width: int) -> None:
    found = measure(np.stack([grating(height, width, 7, angle) for angle in (0, 30, 90)]))
    np.testing.assert_allclose(found.values, 7, rtol=0.01)


def test_noisy_and_sharp_lamellae() -> None:
    noise = np.random.default_rng(0).standard_normal((12, 128, 128))
    waves = np.stack([grating(128, 128, 9, angle, amplitude=20) for angle in np.arange(0, 180, 15)])
    found = measure(waves + 25 * noise)
    assert len(found.values) == 12
    np.testing.assert_allclose(found.values, 9, rtol=0.02)
    sharp = measure(np.where(waves > 128, 160.0, 90.0) + 10 * noise)
    np.testing.assert_allclose(sharp.values, 9, rtol=0.01)


def test_isotropic_pattern_of_one_wavelength() -> None:
    # Power in a ring, symmetric about it when all directions are taken together.
    k = np.maximum(wavenumber(128), 1e-3)
    levels = gaussian_fields(40, 128, np.exp(-(((k / (2 * np.pi / 8) - 1) / 0.1) ** 2)) / k)
    found = measure(levels)
    assert len(found.values) == 40
    assert found.values.mean() == pytest.approx(8, rel=0.015)


def test_grains_are_left_out() -> None:
    rows, columns = np.mgrid[:128, :128]
    random = np.random.default_rng(0)
    masks = np.zeros((8, 128, 128), dtype=bool)
    for mask in masks:
        for y, x in random.random((14, 2)) * 128:
            mask |= (rows - y) ** 2 + (columns - x) ** 2 < 12**2
    assert masks.mean() > 0.25
    levels = np.stack([grating(128, 128, 6, angle, amplitude=15) for angle in np.arange(0, 180, 22.5)])
    # Dark grains with a blurred edge: the mask ends within the edge.
    levels = np.where(masks, 20.0, levels)
    levels = (levels + np.roll(levels, 1, axis=1) + np.roll(levels, 1, axis=2)) / 3
    masks &= np.roll(masks, 1, axis=1) & np.roll(masks, 1, axis=2)
    found = measure(levels, masks)
    assert len(found.values) == 8
    np.testing.assert_allclose(found.values, 6, rtol=0.03)
    # Without the rim and with the grains in it, the grains' own spectrum drowns the lamellae.
    assert len(measure(levels, masks, where="image").values) < 8


def test_the_primary_phase_may_be_a_lamella() -> None:
    levels = grating(128, 128, 10, 30)[None]
    masks = levels > 128
    assert measure(levels, masks, where="image").values == pytest.approx([10], rel=0.01)
    assert measure(levels, masks).values.size == 0


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("law", ["white", "exponential", "smooth"])
def test_no_period_no_value(size: int, law: str) -> None:
    k = wavenumber(size)
    spectrum = {"white": np.ones_like(k), "exponential": (1 + (8 * k) ** 2) ** -1.5, "smooth": np.exp(-4 * k**2)}[law]
    found = measure(gaussian_fields(100, size, spectrum))
    assert len(found.values) <= 1
    assert f"in {100 - len(found.values)} of 100 images no period of lamellae stands out" in found.notes


def test_periods_outside_of_the_band_do_not_count() -> None:
    levels = grating(128, 128, 8, 0)[None]
    assert measure(levels, shortest=9).values.size == 0
    assert measure(levels, longest=7).values.size == 0
    assert measure(levels, shortest=7, longest=9).values == pytest.approx([8], rel=0.01)


def test_both_demands_on_the_peak_count() -> None:
    random = np.random.default_rng(0)
    levels = grating(128, 128, 8, 0, amplitude=20)[None] + 30 * random.standard_normal((1, 128, 128))
    assert measure(levels).values == pytest.approx([8], rel=0.02)
    assert measure(levels, contrast=1000).values.size == 0
    assert measure(levels, share=0.9).values.size == 0


@pytest.mark.parametrize("fill", [0, 128, 255])
@pytest.mark.parametrize("where", ["matrix", "image"])
def test_images_of_one_grey_level(fill: int, where: str) -> None:
    found = measure(np.full((3, 40, 50), float(fill)), where=where)
    assert found.values.size == 0
    assert found.notes == ("in 3 of 3 images no period of lamellae stands out",)


def test_images_full_of_the_primary_phase() -> None:
    levels = grating(64, 64, 5, 0)[None].repeat(2, axis=0)
    masks = np.zeros((2, 64, 64), dtype=bool)
    masks[1] = True
    found = measure(levels, masks)
    assert found.image is not None
    assert found.image.tolist() == [0]
    assert found.notes == ("1 of 2 images are nearly all primary phase",)


@pytest.mark.parametrize("shape", [(1, 1), (2, 40), (12, 12)])
def test_images_too_small_for_any_period(shape: tuple[int, int]) -> None:
    found = measure(np.random.default_rng(0).random((2, *shape)) * 255)
    assert found.values.size == 0
    assert found.notes == (f"images of {shape[0]} × {shape[1]} px are too small for periods above 3 px",)
    assert LamellarSpacing().build().summary(found) is None


def test_no_images() -> None:
    found = measure(np.zeros((0, 64, 64)))
    assert found.values.size == 0
    assert found.notes == ()


def test_unit_image_and_distance() -> None:
    levels = np.concatenate([np.full((1, 96, 96), 7.0), grating(96, 96, 6, 20)[None], grating(96, 96, 8, 50)[None]])
    descriptor = LamellarSpacing().build()
    found = descriptor.measure(Specimens(to_images(levels), np.zeros(levels.shape, bool), um_per_px=0.5))
    assert found.unit == "um"
    np.testing.assert_allclose(found.values, [3, 4], rtol=0.01)
    assert found.image is not None
    assert found.image.tolist() == [1, 2]
    other = descriptor.measure(Specimens(to_images(levels[1:2]), np.zeros((1, 96, 96), bool), um_per_px=0.5))
    assert descriptor.distance(found, other) == pytest.approx(0.5, abs=0.03)
    assert descriptor.distance(found, found) == 0


def test_parts_and_channels_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = np.stack([grating(64, 72, 5, angle) for angle in (0, 25, 60, 75)])
    whole = measure(levels)
    monkeypatch.setattr("alloygan_plugins.orientation.lamellar_spacing._PIXELS_AT_ONCE", 1)
    np.testing.assert_allclose(measure(levels).values, whole.values, rtol=1e-6)
    coloured = np.repeat(to_images(levels), 3, axis=1)
    found = LamellarSpacing().build().measure(Specimens(coloured, np.zeros(levels.shape, bool)))
    np.testing.assert_allclose(found.values, whole.values, rtol=1e-5)


def test_periods_have_to_be_in_order() -> None:
    with pytest.raises(ValidationError, match=r"longest \(4 px\) has to be above shortest \(5 px\)"):
        LamellarSpacing(shortest=5, longest=4)
