"""Area fraction, interface density and diversity."""

import math

import numpy as np
import pytest

from alloygan import Zoo
from alloygan.interfaces.descriptor import Specimens
from alloygan_plugins.phase_statistics.specs import AreaFraction, InterfaceDensity, MeanGrey, PixelStd


def specimens(masks: np.ndarray, um_per_px: float | None = None, channels: int = 1) -> Specimens:
    images = np.repeat((masks[:, None] * 255).astype(np.uint8), channels, axis=1)
    return Specimens(images, masks, um_per_px)


def checkerboard(height: int, width: int) -> np.ndarray:
    return (np.indices((height, width)).sum(axis=0) % 2 == 0)[None]


def stripes(height: int, width: int, thickness: int) -> np.ndarray:
    return np.broadcast_to(np.arange(width) // thickness % 2 == 0, (1, height, width))


@pytest.mark.parametrize("shape", [(16, 16), (10, 24)])
def test_area_fraction(shape: tuple[int, int]) -> None:
    descriptor = AreaFraction().build()
    masks = np.concatenate([np.zeros((1, *shape), bool), np.ones((1, *shape), bool), checkerboard(*shape)])
    found = descriptor.measure(specimens(masks, um_per_px=0.1))
    assert found.values.tolist() == [0, 1, 0.5]
    assert found.unit == ""
    assert descriptor.summary(found) == 0.5


@pytest.mark.parametrize("shape", [(16, 16), (9, 24)])
def test_interface_of_known_patterns(shape: tuple[int, int]) -> None:
    manhattan = InterfaceDensity(estimate="manhattan").build()
    isotropic = InterfaceDensity().build()
    board = specimens(checkerboard(*shape))
    assert manhattan.measure(board).values.tolist() == [2]
    assert isotropic.measure(board).values[0] == pytest.approx(math.pi / 2)
    for fill in (False, True):
        assert isotropic.measure(specimens(np.full((1, *shape), fill))).values.tolist() == [0]


def test_stripes_have_one_interface_a_thickness() -> None:
    manhattan = InterfaceDensity(estimate="manhattan").build()
    found = manhattan.measure(specimens(stripes(20, 401, 5)))
    # 400 pairs in a row, 80 of them unlike.
    np.testing.assert_allclose(found.values, [1 / 5])
    turned = manhattan.measure(specimens(stripes(20, 401, 5).transpose(0, 2, 1)))
    np.testing.assert_allclose(turned.values, found.values)


def test_isotropic_estimate_is_the_perimeter_of_a_disc() -> None:
    rows, columns = np.mgrid[:121, :161]
    disc = ((rows - 60.3) ** 2 + (columns - 80.2) ** 2 <= 40**2)[None]
    found = InterfaceDensity().build().measure(specimens(disc))
    assert found.values[0] * 121 * 161 == pytest.approx(2 * math.pi * 40, rel=0.02)


def test_interface_in_um() -> None:
    found = InterfaceDensity(estimate="manhattan").build().measure(specimens(checkerboard(8, 8), um_per_px=0.5))
    assert found.values.tolist() == [4]
    assert found.unit == "1/um"


def test_random_field_has_twice_the_product_of_its_fractions() -> None:
    masks = np.random.default_rng(0).random((20, 64, 96)) < 0.3
    found = InterfaceDensity(estimate="manhattan").build().measure(specimens(masks))
    assert found.values.mean() == pytest.approx(2 * 2 * 0.3 * 0.7, rel=0.01)


def boolean_discs(radius: float, density: float, count: int) -> np.ndarray:
    """Boolean model of discs on a torus, true where a disc is."""
    size, reach = 96, math.ceil(radius) + 1
    random = np.random.default_rng(1)
    near = np.arange(-reach, reach + 1)
    masks = np.zeros((count, size, size), dtype=bool)
    for mask in masks:
        for y, x in random.random((random.poisson(density * size**2), 2)) * size:
            rows, columns = int(y) + near, int(x) + near
            mask[np.ix_(rows % size, columns % size)] |= (rows[:, None] - y) ** 2 + (columns - x) ** 2 <= radius**2
    return masks


def test_boolean_model_has_its_known_area_and_interface() -> None:
    # D. Stoyan, W. S. Kendall and J. Mecke, Stochastic Geometry and its Applications, 2nd ed. 1995, chapter 3.
    radius, density = 6.0, 0.004
    found = specimens(boolean_discs(radius, density, 300), um_per_px=0.5)
    free = math.exp(-density * math.pi * radius**2)
    area = AreaFraction().build().measure(found)
    assert area.values.mean() == pytest.approx(1 - free, abs=0.006)
    length = InterfaceDensity().build().measure(found).values.mean() * 0.5
    # Pixels one px apart do not see the gaps between discs that are narrower: of the crossings per px of a line,
    # 2 φ 2Rλ, they find 2 φ (1 - exp(-2Rλ)), 2.4 % fewer here.
    assert length == pytest.approx(math.pi * free * (1 - math.exp(-2 * radius * density)), rel=0.01)
    assert length == pytest.approx(2 * math.pi * radius * density * free, rel=0.035)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixel_std(channels: int) -> None:
    descriptor = PixelStd().build()
    masks = np.random.default_rng(0).random((400, 8, 12)) < 0.5
    found = descriptor.measure(specimens(masks, channels=channels))
    # Levels -1 and 1, each with chance 1/2, have standard deviation 1.
    assert found.values.shape == (1,)
    assert found.values[0] == pytest.approx(1, rel=0.01)
    same = descriptor.measure(specimens(np.repeat(masks[:1], 5, axis=0), channels=channels))
    assert same.values.tolist() == [0]
    assert descriptor.distance(found, same) == pytest.approx(found.values[0])


def test_pixel_std_of_two_images_is_the_sample_deviation() -> None:
    images = np.stack([np.full((1, 4, 4), 100, np.uint8), np.full((1, 4, 4), 151, np.uint8)])
    found = PixelStd().build().measure(Specimens(images, np.zeros((2, 4, 4), bool)))
    assert found.values[0] == pytest.approx(51 / math.sqrt(2) * 2 / 255)


def test_pixel_std_needs_two_images() -> None:
    found = PixelStd().build().measure(specimens(checkerboard(4, 4)))
    assert found.values.size == 0
    assert "two images" in found.notes[0]


@pytest.mark.parametrize("spec", [AreaFraction(), InterfaceDensity()])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_values_of_small_images_belong_to_them(spec: AreaFraction | InterfaceDensity, shape: tuple[int, int]) -> None:
    descriptor = spec.build()
    masks = np.random.default_rng(0).random((3, *shape)) < 0.5
    found = descriptor.measure(specimens(masks))
    assert np.isfinite(found.values).all()
    assert found.image is not None
    assert found.image.tolist() == [0, 1, 2]
    assert descriptor.summary(descriptor.measure(specimens(masks[:0]))) is None


@pytest.mark.parametrize("spec", [AreaFraction(), InterfaceDensity(), PixelStd()])
def test_same_twice(spec: AreaFraction | InterfaceDensity | PixelStd) -> None:
    masks = np.random.default_rng(0).random((5, 16, 20)) < 0.3
    one, other = (spec.build().measure(specimens(masks)) for _ in range(2))
    np.testing.assert_array_equal(one.values, other.values)


def test_mean_grey_of_one_level_and_of_a_ramp() -> None:
    descriptor = MeanGrey().build()
    levels = np.array([0, 51, 255], dtype=np.uint8)
    images = np.broadcast_to(levels[:, None, None, None], (3, 3, 8, 10))
    ramp = np.broadcast_to(np.arange(0, 250, 25, dtype=np.uint8), (1, 3, 8, 10))
    found = descriptor.measure(Specimens(np.concatenate([images, ramp]), np.zeros((4, 8, 10), bool), 0.5))
    assert found.values.tolist() == pytest.approx([0, 0.2, 1, 112.5 / 255])
    assert found.unit == ""
    assert descriptor.summary(found) == pytest.approx(np.mean(found.values))


def test_mean_grey_of_a_spinodal_is_its_composition(zoo: Zoo) -> None:
    values = {"kind": "spinodal", "composition": [0.35, 0.6], "time": [30], "size": 64, "runs": 1, "evaluation_runs": 1}
    spec = zoo.spec_from_values(values, "dataset")
    data = spec.build(())
    low, high = spec.grey_range
    images = data.evaluation.images.numpy()
    found = MeanGrey().build().measure(Specimens(images, images[:, 0] > 127, None))
    asked = [float(data.space.table[label][0]) for label in data.evaluation.condition.label]
    assert low + found.values * (high - low) == pytest.approx(asked, abs=1e-3)
