"""The characteristic length of patterns of known spacing."""

import numpy as np
import pytest

from alloygan.interfaces.descriptor import Specimens
from alloygan_plugins.spatial_correlation.characteristic_length import characteristic_length
from alloygan_plugins.spatial_correlation.specs import CharacteristicLength


def wave(height: int, width: int, down: int, across: int, channels: int = 1) -> np.ndarray:
    """Plane wave with so many periods down and across."""
    rows, columns = np.mgrid[:height, :width]
    phase = 2 * np.pi * (down * rows / height + across * columns / width)
    level = np.rint(128 + 100 * np.sin(phase + 0.3)).astype(np.uint8)
    return np.repeat(level[None, None], channels, axis=1)


def test_plane_wave_has_its_wavelength() -> None:
    assert characteristic_length(wave(64, 64, 0, 8))[0] == pytest.approx(8, rel=0.02)
    assert characteristic_length(wave(64, 64, 4, 0))[0] == pytest.approx(16, rel=0.02)
    assert characteristic_length(wave(64, 64, 3, 4))[0] == pytest.approx(64 / 5, rel=0.02)


@pytest.mark.parametrize(("height", "width"), [(48, 96), (96, 48), (63, 90)])
def test_rectangular_images(height: int, width: int) -> None:
    assert characteristic_length(wave(height, width, 0, 9))[0] == pytest.approx(width / 9, rel=0.02)
    assert characteristic_length(wave(height, width, 6, 0))[0] == pytest.approx(height / 6, rel=0.02)


def test_direction_does_not_matter() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 31, 46), dtype=np.uint8)
    found = characteristic_length(images)
    np.testing.assert_allclose(characteristic_length(images.transpose(0, 1, 3, 2)), found)
    np.testing.assert_allclose(characteristic_length(images[..., ::-1]), found)


def test_level_and_contrast_do_not_matter() -> None:
    image = wave(64, 64, 3, 4)
    found = characteristic_length(image)
    assert characteristic_length(255 - image) == pytest.approx(found)
    assert characteristic_length(image // 2) == pytest.approx(found, rel=0.01)


def test_window_copes_with_a_cut_wave() -> None:
    rows = np.broadcast_to(np.arange(64), (64, 64))
    image = np.rint(128 + 100 * np.sin(2 * np.pi * rows / 64 * 4.5)).astype(np.uint8)[None, None]
    plain, tapered = characteristic_length(image)[0], characteristic_length(image, window="hann")[0]
    assert abs(tapered - 64 / 4.5) < abs(plain - 64 / 4.5)
    assert tapered == pytest.approx(64 / 4.5, rel=0.1)


def test_constant_images_have_no_value_and_are_counted() -> None:
    images = np.concatenate([wave(32, 32, 0, 4), np.full((2, 1, 32, 32), 9, np.uint8)])
    descriptor = CharacteristicLength().build()
    found = descriptor.measure(Specimens(images, images[:, 0] > 128))
    assert len(found.values) == 1
    assert found.image is not None
    assert found.image.tolist() == [0]
    assert found.notes == ("2 of 3 images have one grey level only",)
    nothing = descriptor.measure(Specimens(images[1:], images[1:, 0] > 128))
    assert descriptor.summary(nothing) is None
    assert descriptor.distance(found, nothing) is None


def test_channels_scale_and_name() -> None:
    descriptor = CharacteristicLength().build()
    image = wave(64, 64, 0, 8, channels=3)
    found = descriptor.measure(Specimens(image, image[:, 0] > 128, um_per_px=0.5))
    assert found.values[0] == pytest.approx(4, rel=0.02)
    assert found.unit == "um"
    assert descriptor.distance(found, found) == 0
