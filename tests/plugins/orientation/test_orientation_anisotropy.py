"""Alignment, of gratings whose direction is known and of images that have none."""

import math

import numpy as np
import pytest

from alloygan.interfaces.descriptor import Specimens
from alloygan_plugins.orientation.orientation_anisotropy import orientation_moments
from alloygan_plugins.orientation.specs import OrientationAnisotropy


def grating(height: int, width: int, period: float, angle: float) -> np.ndarray:
    """Layers (1, 1, H, W) along an angle in degrees, counter-clockwise from the horizontal."""
    rows, columns = np.mgrid[:height, :width]
    turn = math.radians(angle)
    # Rows count downwards, so the layers climb to the right: along them, down is minus up.
    across = math.sin(turn) * columns + math.cos(turn) * rows
    return np.rint(128 + 100 * np.sin(2 * np.pi * across / period + 0.3)).astype(np.uint8)[None, None]


def smooth_fields(count: int, size: int, width: float) -> np.ndarray:
    """Isotropic Gaussian fields (N, 1, H, W), correlated over about `width` px."""
    noise = np.random.default_rng(0).standard_normal((count, 1, size, size))
    k = 2 * np.pi * np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    fields = np.fft.irfft2(np.fft.rfft2(noise) * np.exp(-((width * k) ** 2) / 2), s=(size, size))
    return fields / fields.std()


def grey(fields: np.ndarray) -> np.ndarray:
    return np.clip(128 + 40 * fields, 0, 255).astype(np.uint8)


def measure(images: np.ndarray, masks: np.ndarray | None = None, **fields: object) -> np.ndarray:
    specimens = Specimens(images, images[:, 0] > 127 if masks is None else masks)
    return OrientationAnisotropy(**fields).build().measure(specimens).values


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("period", [3, 6, 15])
@pytest.mark.parametrize("angle", [0, 15, 22.5, 45, 60, 90, 120, 165])
def test_layers_give_the_cosine_of_their_angle(order: int, period: float, angle: float) -> None:
    image = grating(96, 128, period, angle)
    cosine, strength = (measure(image, order=order, value=value)[0] for value in ("cosine", "strength"))
    assert cosine == pytest.approx(math.cos(order * math.radians(angle)), abs=0.01)
    assert strength == pytest.approx(1, abs=0.01)


def test_a_stripe_that_climbs_to_the_right_lies_at_45_degrees() -> None:
    # As one sees it: from the lower left to the upper right.
    image = (np.add.outer(np.arange(64), np.arange(64)) // 8 % 2 * 255).astype(np.uint8)[None, None]
    (moment,) = orientation_moments(image, 2)
    assert moment.imag == pytest.approx(1, abs=0.02)
    (moment,) = orientation_moments(image[:, :, ::-1], 2)
    assert moment.imag == pytest.approx(-1, abs=0.02)


@pytest.mark.parametrize("of", ["image", "mask"])
def test_turning_the_image(of: str) -> None:
    field = smooth_fields(4, 96, 3)
    field = np.repeat(field, 2, axis=3)[:, :, :, :96]
    plain, turned = grey(field), grey(field.transpose(0, 1, 3, 2))
    assert (measure(plain, of=of) > 0.3).all()
    np.testing.assert_allclose(measure(turned, of=of), -measure(plain, of=of), atol=1e-5)
    np.testing.assert_allclose(measure(turned, of=of, order=4), measure(plain, of=of, order=4), atol=1e-5)
    np.testing.assert_allclose(
        measure(turned, of=of, value="strength"), measure(plain, of=of, value="strength"), atol=1e-5
    )
    np.testing.assert_allclose(measure(plain[..., ::-1], of=of), measure(plain, of=of), atol=1e-5)


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("of", ["image", "mask"])
@pytest.mark.parametrize("width", [0, 1, 3])
def test_isotropic_fields_have_none_on_average(order: int, of: str, width: float) -> None:
    images = grey(smooth_fields(100, 96, width))
    values = measure(images, order=order, of=of)
    # Three standard errors, and 0.02 that the grid of square pixels makes in masks of single pixels.
    assert abs(values.mean()) < 3 * values.std() / 10 + 0.02
    assert values.std() < 0.12
    assert measure(images, order=order, of=of, value="strength").mean() < 0.12


def test_two_colonies_at_right_angles_have_order_4_only() -> None:
    image = np.concatenate([grating(128, 128, 8, 30), grating(128, 128, 8, 120)], axis=3)
    assert measure(image, order=2, value="strength")[0] < 0.05
    moment = orientation_moments(image, 4)[0]
    assert math.degrees(np.angle(moment)) / 4 % 90 == pytest.approx(30, abs=2)


def test_ellipses_have_the_mean_over_their_border() -> None:
    # Along a border of length l the gradient is the same everywhere, so q is the mean of exp(2iθ) over the border.
    rows, columns = np.mgrid[:200, :320]
    mask = (((columns - 160) / 120) ** 2 + ((rows - 100) / 60) ** 2 <= 1)[None]
    t = np.linspace(0, 2 * np.pi, 20001)
    along = np.stack([-120 * np.sin(t), 60 * np.cos(t)])
    length = np.hypot(*along)
    expected = np.average(np.cos(2 * np.arctan2(along[1], along[0])), weights=length)
    images = (mask[:, None] * 255).astype(np.uint8)
    assert measure(images, mask, of="mask")[0] == pytest.approx(expected, abs=0.02)
    assert measure(images.transpose(0, 1, 3, 2), mask.transpose(0, 2, 1), of="mask")[0] == pytest.approx(
        -expected, abs=0.02
    )


def test_image_and_mask_may_lie_differently() -> None:
    image, mask = grating(64, 64, 6, 0), grating(64, 64, 20, 90)[0] > 128
    assert measure(image, mask)[0] == pytest.approx(1, abs=0.01)
    assert measure(image, mask, of="mask")[0] == pytest.approx(-1, abs=0.01)


def test_grey_level_contrast_and_channels_do_not_matter() -> None:
    image = grey(smooth_fields(3, 64, 2))
    plain = measure(image)
    np.testing.assert_allclose(measure(255 - image), plain, atol=1e-5)
    np.testing.assert_allclose(measure(np.repeat(image, 3, axis=1)), plain, atol=1e-5)
    np.testing.assert_allclose(measure(image // 2 + 60), plain, atol=0.02)


@pytest.mark.parametrize("of", ["image", "mask"])
def test_uniform_images_have_no_value_and_are_counted(of: str) -> None:
    images = np.concatenate([np.full((2, 1, 40, 40), 200, np.uint8), grating(40, 40, 8, 0)])
    descriptor = OrientationAnisotropy(of=of).build()
    found = descriptor.measure(Specimens(images, images[:, 0] > 210))
    assert found.values == pytest.approx([1], abs=0.02)
    assert found.image is not None
    assert found.image.tolist() == [2]
    assert found.notes == (f"2 of 3 images have one {'grey level' if of == 'image' else 'phase'} only",)
    nothing = descriptor.measure(Specimens(images[:2], images[:2, 0] > 210))
    assert descriptor.summary(nothing) is None
    assert descriptor.distance(found, nothing) is None


@pytest.mark.parametrize("shape", [(1, 1), (8, 40), (40, 8)])
def test_images_too_small(shape: tuple[int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 1, *shape), dtype=np.uint8)
    found = OrientationAnisotropy().build().measure(Specimens(images, images[:, 0] > 127))
    assert found.values.size == 0
    assert found.notes == (f"images of {shape[0]} × {shape[1]} px are too small: gradients need 9 px each way",)
    assert OrientationAnisotropy().build().measure(Specimens(images[:0], images[:0, 0] > 127)).notes == ()


def test_a_larger_scale_sees_through_noise() -> None:
    noise = np.random.default_rng(0).integers(-60, 61, (1, 1, 128, 128))
    image = (grating(128, 128, 24, 30) // 4 + 90 + noise).astype(np.uint8)
    assert measure(image, value="strength")[0] < 0.3
    assert measure(image, value="strength", scale=4)[0] > 0.9
    assert measure(image, scale=4)[0] == pytest.approx(0.5, abs=0.05)
    assert measure(image[:, :, :32], scale=4).size == 0


def test_distance_and_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.concatenate([grating(48, 40, 6, angle) for angle in (0, 30, 90)])
    descriptor = OrientationAnisotropy().build()
    found = descriptor.measure(Specimens(images, images[:, 0] > 127))
    level = descriptor.measure(Specimens(images[:1], images[:1, 0] > 127))
    assert descriptor.distance(found, level) == pytest.approx((0 + 0.5 + 2) / 3, abs=0.01)
    assert descriptor.distance(found, found) == 0
    monkeypatch.setattr("alloygan_plugins.orientation.orientation_anisotropy._PIXELS_AT_ONCE", 1)
    np.testing.assert_allclose(measure(images), found.values, atol=1e-6)
