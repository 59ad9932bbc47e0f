"""What the measuring chain finds in the micrographs against what the law says is there."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from alloygan.evaluation.particles import Particles, find_particles
from alloygan.evaluation.segmentation import fit_threshold, segment
from alloygan_plugins.synthetic_alloy.lamellae import draw_eutectic
from alloygan_plugins.synthetic_alloy.law import Truth, truth_at
from alloygan_plugins.synthetic_alloy.micrograph import Look, Micrograph, Seed, draw_micrograph

UM_PER_PX = 0.5
CONDITIONS = ((800.0, 0.1), (900.0, 0.1), (1100.0, 0.001))


@dataclass(frozen=True)
class Drawn:
    truth: Truth
    micrographs: list[Micrograph]

    @property
    def masks(self) -> NDArray[np.bool_]:
        return np.stack([one.mask for one in self.micrographs])

    @property
    def images(self) -> NDArray[np.uint8]:
        return np.stack([one.image[None] for one in self.micrographs])


@pytest.fixture(scope="module")
def drawn() -> dict[tuple[float, float], Drawn]:
    look = Look(noise=8, roughness=0.1)
    found = {}
    for temperature, rate in CONDITIONS:
        truth = truth_at(temperature, rate)
        # Coarse grains are few in a micrograph.
        count = 5 if truth.mean_diameter > 8 else 2
        micrographs = [draw_micrograph(truth, UM_PER_PX, look, Seed(3, number=number)) for number in range(count)]
        found[temperature, rate] = Drawn(truth, micrographs)
    return found


def check(truth: Truth, masks: NDArray[np.bool_], aspect_tolerance: float) -> None:
    """Compare by hand what descriptors would give, on whole micrographs."""
    clear = find_particles(masks)
    diameter = 2 * np.sqrt(clear.area / math.pi) * UM_PER_PX
    assert diameter.mean() == pytest.approx(truth.mean_diameter, rel=0.04)
    assert clear.aspect_ratio.mean() == pytest.approx(truth.mean_aspect_ratio, rel=aspect_tolerance)
    assert masks.mean() == pytest.approx(truth.area_fraction, rel=0.07)
    assert density(masks) == pytest.approx(truth.number_density, rel=0.05)
    # Angles are counted from the horizontal, which is perpendicular to the compression.
    assert np.cos(2 * np.radians(clear.angle)).mean() == pytest.approx(truth.alignment, abs=0.05)


def density(masks: NDArray[np.bool_]) -> float:
    """Grains per µm², those that touch the upper or left side left out (Gundersen)."""
    found: Particles = find_particles(masks, exclude_edges=False)
    counted = ((found.left > 0) & (found.top > 0)).sum()
    count, height, width = masks.shape
    return float(counted / (count * (height - 1) * (width - 1) * UM_PER_PX**2))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_masks_have_what_the_law_says(condition: tuple[float, float], drawn: dict[tuple[float, float], Drawn]) -> None:
    check(drawn[condition].truth, drawn[condition].masks, aspect_tolerance=0.025)


def test_one_grey_level_finds_it_in_noisy_images(drawn: dict[tuple[float, float], Drawn]) -> None:
    threshold = fit_threshold(np.concatenate([one.images for one in drawn.values()]), smooth=1)
    for one in drawn.values():
        found = segment(one.images, threshold, smooth=1, bright=False)
        assert (found == one.masks).mean() > 0.97
        check(one.truth, found, aspect_tolerance=0.08)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_measured_distributions_are_the_laws(
    condition: tuple[float, float], drawn: dict[tuple[float, float], Drawn]
) -> None:
    truth = drawn[condition].truth
    particles = find_particles(drawn[condition].masks)
    diameter = np.sort(2 * np.sqrt(particles.area / math.pi) * UM_PER_PX)
    aspect = np.sort(particles.aspect_ratio)
    place = (np.arange(len(aspect)) + 0.5) / len(aspect)
    assert np.abs(np.array(truth.diameter_cdf(diameter)) - place).max() < 0.07
    assert np.abs(np.array(truth.aspect_ratio_cdf(aspect)) - place).max() < 0.07


def test_the_table_lists_what_the_mask_shows(drawn: dict[tuple[float, float], Drawn]) -> None:
    for one in drawn.values():
        micrograph = one.micrographs[0]
        clear = find_particles(micrograph.mask, min_area=0)
        table = {name: np.array(column) for name, column in micrograph.table().items()}
        listed = np.flatnonzero(table["clear_of_border"] == "yes")
        assert len(listed) == len(clear)
        # Each particle is the grain whose centre is nearest; all of its numbers agree up to the pixels.
        away = np.hypot(table["x_px"][listed] - clear.x[:, None], table["y_px"][listed] - clear.y[:, None])
        grain = listed[away.argmin(axis=1)]
        assert len(set(grain.tolist())) == len(clear)
        assert away.min(axis=1).max() < 0.6
        measured = 2 * np.sqrt(clear.area / math.pi) * UM_PER_PX
        large = table["equivalent_diameter_um"][grain] > 4
        np.testing.assert_allclose(measured[large], table["equivalent_diameter_um"][grain][large], rtol=0.06)
        off = np.abs(clear.aspect_ratio[large] / table["aspect_ratio"][grain][large] - 1)
        assert np.median(off) < 0.03
        assert off.max() < 0.15
        long = large & (table["aspect_ratio"][grain] > 1.5)
        turned = np.radians(clear.angle[long] - table["angle_deg"][grain][long])
        assert np.cos(2 * turned).min() > math.cos(math.radians(10))


def test_grains_never_touch(drawn: dict[tuple[float, float], Drawn]) -> None:
    for one in drawn.values():
        for micrograph in one.micrographs:
            assert len(find_particles(micrograph.mask, min_area=0, exclude_edges=False)) == len(micrograph.grains)


def test_two_populations_show_at_900_degrees_and_a_high_rate(drawn: dict[tuple[float, float], Drawn]) -> None:
    def valley(condition: tuple[float, float]) -> float:
        """Lowest density of the aspect ratio between its peaks below 1.5 and above 2, over the lower peak."""
        aspect = find_particles(drawn[condition].masks).aspect_ratio
        density = np.histogram(aspect, bins=np.arange(1.0, 4.01, 0.25))[0]
        left, right = int(density[:2].argmax()), 4 + int(density[4:].argmax())
        return float(density[left : right + 1].min() / min(density[left], density[right]))

    assert valley((900.0, 0.1)) < 0.3
    # One peak alone has no valley at its side; what is below 1 is chance.
    assert valley((800.0, 0.1)) > 0.6
    particles = find_particles(drawn[900.0, 0.1].masks)
    # The grains that the compression has left alone are the smaller ones.
    assert particles.area[particles.aspect_ratio < 1.6].mean() < 0.7 * particles.area[particles.aspect_ratio > 2].mean()


@pytest.mark.parametrize(("temperature", "rate"), [(800.0, 0.001), (1100.0, 0.1), (1000.0, 0.001), (1100.0, 0.001)])
def test_the_spectrum_of_the_eutectic_has_the_laws_spacing(temperature: float, rate: float) -> None:
    truth = truth_at(temperature, rate)
    size, spacings = 512, []
    window = np.hanning(size)[:, None] * np.hanning(size)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size, UM_PER_PX), np.fft.fftfreq(size, UM_PER_PX)))
    near = (frequency > 0.6 / truth.lamellar_spacing) & (frequency < 1.5 / truth.lamellar_spacing)
    for number in range(2):
        random = Seed(0, number=number).stream(truth, "eutectic")
        pattern = draw_eutectic(truth, (size, size), UM_PER_PX, random, elongated_along=0.0)
        assert abs(float(pattern.mean())) < 0.01
        assert np.abs(pattern).max() <= 1
        power = np.abs(np.fft.fft2(pattern * window)) ** 2
        assert power[near].sum() > 0.7 * power.sum()
        spacings.append(power[near].sum() / (power * frequency)[near].sum())
    assert np.mean(spacings) == pytest.approx(truth.lamellar_spacing, rel=0.04)


def test_the_order_of_the_lamellae_is_lost() -> None:
    def coherence(temperature: float, rate: float) -> float:
        """How directed the pattern is within 8 µm: mean anisotropy of the local structure tensor, 0 to 1."""
        truth = truth_at(temperature, rate)
        random = Seed(0).stream(truth, "eutectic")
        pattern = draw_eutectic(truth, (256, 256), UM_PER_PX, random, elongated_along=0.0)
        down, across = np.gradient(pattern)
        blocks = [
            product.reshape(16, 16, 16, 16).mean(axis=(1, 3))
            for product in (down * down, across * across, down * across)
        ]
        return float(np.mean(np.hypot(blocks[0] - blocks[1], 2 * blocks[2]) / (blocks[0] + blocks[1])))

    lamellar, between, globular = coherence(800, 0.001), coherence(1000, 0.001), coherence(1100, 0.001)
    assert lamellar > 0.75
    assert globular < 0.45
    assert globular < between < lamellar
    assert coherence(1100, 0.1) > 0.75


def test_lamellae_that_no_pixel_resolves_are_not_shown() -> None:
    truth = truth_at(800, 0.001)
    random = np.random.default_rng(0)
    coarse = draw_eutectic(truth, (64, 64), 1.2, random, elongated_along=0.0)
    assert not coarse.any()


def test_compression_from_the_side_turns_everything() -> None:
    truth = truth_at(800, 0.1)
    micrograph = draw_micrograph(truth, UM_PER_PX, Look(compression="horizontal"), Seed(0))
    angle = find_particles(micrograph.mask).angle
    assert np.cos(2 * np.radians(angle)).mean() == pytest.approx(-truth.alignment, abs=0.05)
    pattern = draw_eutectic(truth, (256, 256), UM_PER_PX, np.random.default_rng(0), elongated_along=90.0)
    down, across = np.gradient(pattern)
    # Lamellae too lie along the vertical: grey levels change faster across.
    assert np.square(across).mean() > 1.3 * np.square(down).mean()
