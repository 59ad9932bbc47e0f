"""Spacing and alignment of the synthetic alloy, against its law."""

import numpy as np
import pytest

from alloygan.evaluation.segmentation import fit_threshold, segment
from alloygan.interfaces.descriptor import Specimens
from alloygan_plugins.orientation.specs import LamellarSpacing, OrientationAnisotropy
from alloygan_plugins.synthetic_alloy.law import truth_at
from alloygan_plugins.synthetic_alloy.micrograph import Look, Seed, draw_micrograph

UM_PER_PX = 0.5


def patches(temperature: float, rate: float, look: Look, size: int = 128) -> Specimens:
    """Patches of two micrographs of 512 x 512 px, with masks by one grey level."""
    images = []
    for number in range(2):
        image = draw_micrograph(truth_at(temperature, rate), UM_PER_PX, look, Seed(3, number=number)).image
        images += [image[y : y + size, x : x + size] for y in range(0, 512, size) for x in range(0, 512, size)]
    stack = np.stack(images)[:, None]
    return Specimens(stack, segment(stack, fit_threshold(stack, 1), 1, bright=False), UM_PER_PX)


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize(("temperature", "rate"), [(800, 0.001), (900, 0.1), (1000, 0.001), (1100, 0.001)])
def test_spacing_is_the_laws(temperature: float, rate: float, size: int) -> None:
    found = LamellarSpacing().build().measure(patches(temperature, rate, Look(noise=8), size))
    assert len(found.values) >= 0.95 * 2 * (512 // size) ** 2
    assert found.values.mean() == pytest.approx(truth_at(temperature, rate).lamellar_spacing, rel=0.025)


def test_grains_and_lamellae_lie_across_the_compression() -> None:
    for compression, sign in (("vertical", 1), ("horizontal", -1)):
        specimens = patches(800, 0.1, Look(noise=8, compression=compression))
        for of in ("image", "mask"):
            values = OrientationAnisotropy(of=of).build().measure(specimens).values
            assert (sign * values).mean() > 0.25


def test_lost_lamellae_have_less_strength() -> None:
    lamellar, globular = (
        OrientationAnisotropy(value="strength").build().measure(patches(*condition, Look(noise=8))).values.mean()
        for condition in ((800, 0.1), (1100, 0.001))
    )
    assert globular < 0.15 < 2 * globular < lamellar
