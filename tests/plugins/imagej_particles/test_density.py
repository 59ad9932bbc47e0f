"""Number of particles per area: the estimators, against a field whose density is known."""

import numpy as np
import pytest

from alloygan.interfaces.descriptor import Specimens
from alloygan_plugins.imagej_particles.specs import NumberDensity

EDGES = ("two_sides", "miles_lantuejoul")


def specimens(masks: np.ndarray, um_per_px: float | None = None) -> Specimens:
    return Specimens((masks[:, None] * 255).astype(np.uint8), masks, um_per_px)


def hard_discs(size: int, radius: int, spacing: int) -> tuple[np.ndarray, float]:
    """Discs on a jittered grid on a torus, which never touch; and their density in 1/px²."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size]
    mask = np.zeros((size, size), dtype=bool)
    starts = range(0, size, spacing)
    slack = spacing - 2 * radius - 2
    for top in starts:
        for left in starts:
            y, x = top + radius + random.random() * slack, left + radius + random.random() * slack
            dy = (rows - y + size / 2) % size - size / 2
            dx = (columns - x + size / 2) % size - size / 2
            mask |= dy**2 + dx**2 <= radius**2
    return mask, len(starts) ** 2 / size**2


def windows(mask: np.ndarray, height: int, width: int, step: int) -> np.ndarray:
    size = len(mask)
    wrapped = np.pad(mask, ((0, height), (0, width)), mode="wrap")
    return np.stack(
        [wrapped[y : y + height, x : x + width] for y in range(0, size, step) for x in range(0, size, step)]
    )


@pytest.mark.parametrize("edges", EDGES)
@pytest.mark.parametrize(("height", "width"), [(48, 48), (40, 72)])
def test_small_windows_of_a_field_give_its_density(edges: str, height: int, width: int) -> None:
    mask, density = hard_discs(240, 9, 24)
    found = NumberDensity(edges=edges, min_area=1).build().measure(specimens(windows(mask, height, width, 5)))
    assert found.values.mean() == pytest.approx(density, rel=0.015)
    # What counting those clear of the border over the whole area would give.
    naive = (height - 20) * (width - 20) / (height * width)
    assert naive < 0.45


@pytest.mark.parametrize("edges", EDGES)
def test_unit_scale_and_empty_images(edges: str) -> None:
    masks = np.zeros((2, 20, 30), dtype=bool)
    masks[0, 5:10, 5:10] = True
    descriptor = NumberDensity(edges=edges).build()
    found = descriptor.measure(specimens(masks))
    expected = 1 / (19 * 29) if edges == "two_sides" else 1 / ((20 - 1 - 5) * (30 - 1 - 5))
    np.testing.assert_allclose(found.values, [expected, 0])
    assert found.unit == "1/px²"
    scaled = descriptor.measure(specimens(masks, um_per_px=0.5))
    np.testing.assert_allclose(scaled.values, found.values * 4)
    assert scaled.unit == "1/um²"
    assert descriptor.summary(descriptor.measure(specimens(masks[1:]))) == 0
    assert descriptor.distance(found, found) == 0


@pytest.mark.parametrize("edges", EDGES)
def test_full_image_and_largest_particle(edges: str) -> None:
    masks = np.ones((2, 8, 8), dtype=bool)
    masks[1, [0, -1]] = False
    masks[1, :, [0, -1]] = False
    found = NumberDensity(edges=edges).build().measure(specimens(masks)).values
    assert found[0] == 0
    assert found[1] == (1 / 49 if edges == "two_sides" else 1)
