import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from alloygan.preparation.cracks import MOST, find_cracks
from alloygan_plugins.spinodal.specs import Spinodal
from alloygan_plugins.synthetic_alloy.specs import SyntheticAlloy

EXPOSURES = ("010", "150", "300", "500")


def found(image):
    return find_cracks(image.astype(np.float32))


def recall(finding, truth):
    near = ndimage.binary_dilation(finding.mask, iterations=3)
    return (near & truth).sum() / truth.sum()


def precision(finding, truth):
    near = ndimage.binary_dilation(truth, iterations=4)
    return (finding.mask & near).sum() / finding.mask.sum()


def micrograph(folder, exposure):
    return np.asarray(Image.open(folder / f"ni_superalloy_1070C/sem_1070C_{exposure}h.jpg").convert("L"))[:700]


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_nothing_on_real_micrographs(shared_data, exposure):
    finding = found(micrograph(shared_data, exposure))
    assert not finding.mask.any()
    assert finding.cracks == ()
    assert finding.note == ""


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_cracks_drawn_over_real_micrographs(shared_data, with_crack, exposure):
    image = micrograph(shared_data, exposure)
    level = max(0.0, float(np.percentile(image, 0.5)) - 60)
    cracked, truth = with_crack(image, seed=int(exposure), length=0.3, width=5, level=level)
    finding = found(cracked)
    assert recall(finding, truth) > 0.9
    assert precision(finding, truth) > 0.7  # it grows into dark particles that it runs through
    assert 1 <= len(finding.cracks) <= 3


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_cracks_in_two_phases(two_phases, with_crack, seed, share):
    image = two_phases((400, 500), seed=seed, share=share)
    assert not found(image).cracks
    cracked, truth = with_crack(image, seed=seed)
    finding = found(cracked)
    assert recall(finding, truth) > 0.9
    assert precision(finding, truth) > 0.9
    (longest, *_) = finding.cracks
    assert 3 <= longest.width <= 8
    assert longest.length > 0.1 * 500
    inside = np.zeros(truth.shape, dtype=bool)
    for one in finding.cracks:
        inside[one.box.rows, one.box.columns] = True
    assert not (finding.mask & ~inside).any()


def test_a_crack_in_a_single_phase(with_crack):
    image = (150 + 4 * np.random.default_rng(0).standard_normal((400, 600))).clip(0, 255).astype(np.uint8)
    assert not found(image).cracks
    cracked, truth = with_crack(image, seed=1, level=60)
    assert recall(found(cracked), truth) > 0.9


def test_uneven_brightness_hides_no_crack_and_makes_none(two_phases, with_crack):
    slope = np.linspace(-60, 60, 500)[None, :]
    image = two_phases((400, 500))
    uneven = (image + slope).clip(0, 255).astype(np.uint8)
    assert not found(uneven).cracks
    cracked, truth = with_crack(image, seed=3, level=5)
    assert recall(found((cracked * 0.5 + 60 + slope).clip(0, 255)), truth) > 0.8


@pytest.mark.parametrize("composition", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("time", [60.0, 300.0])
def test_nothing_in_spinodal_decomposition(composition, time):
    spec = Spinodal(composition=(composition,), time=(time,), runs=1, evaluation_runs=0, size=(128, 128))
    (one,) = spec.micrographs(())
    assert not found(one.image[0]).cracks


@pytest.mark.parametrize(("count", "radii"), [(20, (6, 22)), (150, (4, 10)), (300, (3, 6))])
def test_dark_particles_are_no_cracks(count, radii):
    random = np.random.default_rng(count)
    y, x = np.mgrid[:512, :512]
    dark = np.zeros((512, 512), dtype=bool)
    for _ in range(count):
        at = random.uniform(0, 512, 2)
        dark |= (y - at[0]) ** 2 + (x - at[1]) ** 2 < random.uniform(*radii) ** 2
    image = np.where(dark, 40.0, 170.0) + 8 * random.standard_normal(dark.shape)
    assert not found(ndimage.gaussian_filter(image, 1)).cracks


@pytest.mark.parametrize("spacing", [8, 20, 60])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_lamellae_are_no_cracks(spacing, share):
    random = np.random.default_rng(spacing)
    y, x = np.mgrid[:512, :512]
    bend = ndimage.gaussian_filter(random.standard_normal(x.shape), 40)
    phase = 2 * np.pi * (x + 0.3 * y) / spacing + bend / bend.std()
    image = np.where(np.cos(phase) > np.cos(np.pi * share), 60.0, 180.0) + 8 * random.standard_normal(x.shape)
    assert not found(ndimage.gaussian_filter(image, 0.8)).cracks


def test_many_long_lines_are_microstructure_and_that_is_said():
    image = np.full((512, 512), 170.0) + np.random.default_rng(0).standard_normal((512, 512))
    for number in range(MOST + 3):
        image[20 + 32 * number : 24 + 32 * number, 60:440] = 30
    finding = found(image)
    assert not finding.mask.any()
    assert f"{MOST + 3} long dark lines" in finding.note
    assert "column cracks" in finding.note


def test_cracks_of_the_synthetic_alloy():
    spec = SyntheticAlloy(
        training_micrographs=1, evaluation_micrographs=0, cracks=1, temperature=(800.0, 1100.0), size=(400, 400), seed=5
    )
    for one in spec.micrographs(()):
        finding = found(one.image[0])
        assert recall(finding, one.crack_mask) > 0.8, one.name
        assert precision(finding, one.crack_mask) > 0.9, one.name
    whole = SyntheticAlloy(training_micrographs=1, evaluation_micrographs=0, contrast_drift=0.3, size=(400, 400))
    assert not any(found(one.image[0]).cracks for one in whole.micrographs(()))


def test_a_constant_image():
    assert not found(np.full((100, 80), 7.0)).cracks


@pytest.mark.parametrize("grains", [20, 40, 80])
def test_grain_boundaries_are_no_crack(grains):
    random = np.random.default_rng(grains)
    seeds = random.uniform(0, 512, (grains, 2))
    y, x = np.mgrid[0:512, 0:512]
    distances = np.sort(np.hypot(y[..., None] - seeds[:, 0], x[..., None] - seeds[:, 1]), axis=-1)
    image = np.where(distances[..., 1] - distances[..., 0] < 3, 30.0, 150.0) + 4 * random.standard_normal((512, 512))
    assert not found(image).mask.any()
