"""Size and shape of particles."""

import math

import numpy as np
import pytest

from alloygan.interfaces.descriptor import Specimens
from alloygan_plugins.imagej_particles.specs import AspectRatio, EquivalentDiameter


def specimens(masks: np.ndarray, um_per_px: float | None = None) -> Specimens:
    return Specimens((masks[:, None] * 255).astype(np.uint8), masks, um_per_px)


def squares(*sides: int) -> np.ndarray:
    masks = np.zeros((len(sides), 32, 40), dtype=bool)
    for i, side in enumerate(sides):
        masks[i, 4 : 4 + side, 6 : 6 + side] = True
    return masks


def test_diameter_is_that_of_the_circle_of_the_same_area() -> None:
    found = EquivalentDiameter().build().measure(specimens(squares(5, 10)))
    np.testing.assert_allclose(found.values, [2 * 5 / math.sqrt(math.pi), 2 * 10 / math.sqrt(math.pi)])
    assert found.unit == "px"
    assert found.image is not None
    assert found.image.tolist() == [0, 1]
    assert found.notes == ()


def test_diameter_in_um() -> None:
    pixels = EquivalentDiameter().build().measure(specimens(squares(5, 10)))
    lengths = EquivalentDiameter().build().measure(specimens(squares(5, 10), um_per_px=0.25))
    np.testing.assert_allclose(lengths.values, pixels.values / 4)
    assert lengths.unit == "um"


def test_aspect_ratio_has_no_unit_whatever_the_scale() -> None:
    mask = np.zeros((1, 20, 40), dtype=bool)
    mask[0, 5:9, 4:24] = True
    found = AspectRatio().build().measure(specimens(mask, um_per_px=0.25))
    np.testing.assert_allclose(found.values, [5.0])
    assert found.unit == ""


@pytest.mark.parametrize("spec", [EquivalentDiameter(), AspectRatio()])
@pytest.mark.parametrize("fill", [False, True])
def test_no_particles_gives_no_values_and_says_so(spec: EquivalentDiameter | AspectRatio, fill: bool) -> None:
    descriptor = spec.build()
    found = descriptor.measure(specimens(np.full((3, 16, 16), fill)))
    assert found.values.shape == (0,)
    assert found.notes == ("3 of 3 images have no particle of at least 20 px² clear of the border",)
    assert descriptor.summary(found) is None
    assert descriptor.distance(found, found) is None


def test_fields_reach_the_measurement() -> None:
    masks = squares(4, 10)
    masks[1, :10, :] = True
    assert len(EquivalentDiameter().build().measure(specimens(masks)).values) == 0
    assert len(EquivalentDiameter(min_area=16).build().measure(specimens(masks)).values) == 1
    assert len(EquivalentDiameter(exclude_edges=False).build().measure(specimens(masks)).values) == 1


def test_distance_is_the_shift() -> None:
    descriptor = EquivalentDiameter().build()
    one, other = (descriptor.measure(specimens(squares(side, side))) for side in (5, 10))
    assert descriptor.distance(one, other) == pytest.approx(10 / math.sqrt(math.pi))
    assert descriptor.distance(one, one) == 0
