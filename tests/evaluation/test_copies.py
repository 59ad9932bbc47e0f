"""Copies of training patches among generated images are named, and honest images are not, on simulated data sets."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from scipy import ndimage

from alloygan import load_zoo
from alloygan.evaluation.copies import FALSE_ALARM, MOST_NAMED, copy_limit
from alloygan.evaluation.memorising import memorising
from alloygan.evaluation.nearest import TrainingSearch
from alloygan.reports.nearest_patches import _copies_first, _sentence
from alloygan.terminal_scores import _print_memorising

Images = NDArray[np.uint8]

SHIFT = 4
KINDS: dict[str, dict[str, Any]] = {
    "spinodal": {
        "composition": [0.35, 0.5], "gradient_energy": [0.25], "time": [100], "runs": 16, "evaluation_runs": 16,
        "size": 64, "patch": 32, "stride": 16,
    },
    "synthetic_alloy": {
        "size": 512, "temperature": [900, 1100], "strain_rate": [0.1], "training_micrographs": 1,
        "evaluation_micrographs": 2, "stride": 64,
    },
}  # fmt: skip


@cache
def data_set(kind: str, seed: int) -> tuple[Images, dict[int, Images]]:
    """Training patches, and evaluation images by label."""
    data = load_zoo().spec_from_values({"kind": kind, "seed": seed} | KINDS[kind], "dataset").build(())
    labels = data.evaluation.condition.label.numpy()
    images = data.evaluation.images.numpy()
    return data.train.images.numpy(), {int(label): images[labels == label] for label in np.unique(labels)}


def halves(kind: str, seed: int) -> tuple[Images, dict[int, Images], dict[int, Images]]:
    """Training patches, held-out real images, and others in place of generated ones."""
    training, evaluation = data_set(kind, seed)
    return (
        training,
        {label: images[::2] for label, images in evaluation.items()},
        {label: images[1::2].copy() for label, images in evaluation.items()},
    )


def copy(patch: Images, other: Images, random: np.random.Generator, factor: float) -> Images:
    """The patch (1, H, W) in other grey levels, mirrored or turned, moved over another one, with slight noise."""
    changed = factor * patch + random.uniform(-40, 40)
    changed = np.rot90(changed, int(random.integers(4)), (1, 2))
    changed = changed[:, :, ::-1] if random.integers(2) else changed
    down, right = random.integers(-SHIFT, SHIFT + 1, 2)
    place = np.pad(np.ones_like(patch), [(0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)])
    moved = np.pad(changed, [(0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)])
    inside = (0, slice(SHIFT, -SHIFT), slice(SHIFT, -SHIFT))
    place, moved = (np.roll(some, (down, right), (1, 2))[inside][None] for some in (place, moved))
    result = np.where(place == 1, moved, other) + random.normal(0, 4, patch.shape)
    return result.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [0.5, 0.6, 0.8, 1.0, 1.2, 1.5])
def test_copies_of_other_contrast_are_found_and_named(kind: str, factor: float) -> None:
    training, real, generated = halves(kind, 0)
    random = np.random.default_rng(7)
    origins = random.integers(0, len(training), 40)
    made = np.stack([copy(training[n], training[random.integers(len(training))], random, factor) for n in origins])
    found = TrainingSearch(training, shift=SHIFT).nearest(made).alike
    assert (found.index == origins).mean() >= 0.95
    assert np.median(found.correlation) > 0.95
    # Among as many honest images.
    count = len(generated[0])
    mixed = {0: np.concatenate([generated[0], made]), 1: generated[1]}
    result = memorising(mixed, real, training, shift=SHIFT, resamples=20)
    copied = result["copies"]
    assert copied["of"] == count + 40 + len(generated[1])
    assert 38 <= copied["count"] <= 40
    assert len(copied["images"]) == MOST_NAMED
    for one in copied["images"]:
        assert one["label"] == 0
        assert one["sample"] >= count
        assert one["training"] == origins[one["sample"] - count]
    assert [one["copies"]["count"] for one in result["conditions"]] == [copied["count"], 0]
    assert result["alike"]["share"] > result["alike"]["expected_interval"][1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_honest_images_are_not_called_copies(kind: str, seed: int) -> None:
    training, real, generated = halves(kind, seed)
    faint = {label: (images // 3 + 80).astype(np.uint8) for label, images in generated.items()}
    blurred = {label: ndimage.gaussian_filter(images, (0, 0, 3, 3)) for label, images in generated.items()}
    for images, few in ((generated, None), (generated, 3), (generated, 8), (faint, None), (blurred, None)):
        some = {label: held_out[:few] for label, held_out in real.items()}
        copied = memorising(images, some, training, resamples=20)["copies"]
        assert copied["of"] == sum(map(len, generated.values()))
        assert (copied["count"], copied["images"]) == (0, [])


@pytest.mark.parametrize("few", [8, 12])
def test_few_real_images_are_enough_for_copies_of_large_patches(few: int) -> None:
    training, real, generated = halves("synthetic_alloy", 0)
    generated[1][:3] = training[[5, 40, 70]]
    result = memorising(generated, {label: images[:few] for label, images in real.items()}, training, resamples=20)
    assert {(one["label"], one["sample"]) for one in result["copies"]["images"]} == {(1, 0), (1, 1), (1, 2)}
    assert [one["distance"] for one in result["copies"]["images"]] == [0.0] * 3


@pytest.mark.parametrize("power", [2.0, 4.0, 30.0])
@pytest.mark.parametrize("count", [2, 5, 12, 64])
def test_false_alarms_are_as_rare_as_said_whatever_the_law(power: float, count: int) -> None:
    """Values whose distribution function grows as a power: of a low one, half the smallest distance says nothing."""
    random, alarms, judged = np.random.default_rng(3), 0, 64
    for _ in range(2000):
        real, honest = random.random(count) ** (1 / power), random.random(judged) ** (1 / power)
        limit = copy_limit(real, judged)
        assert limit is not None
        alarms += bool((honest < limit).any())
    # Three standard errors above.
    assert alarms / 2000 < FALSE_ALARM + 3 * (FALSE_ALARM / 2000) ** 0.5


def test_limit_is_half_the_smallest_distance_where_images_hardly_differ_in_likeness() -> None:
    real = np.linspace(0.6, 0.9, 30)
    assert copy_limit(real, 64) == pytest.approx(0.6 / 4)
    # The real images vary over four decades: so may honest ones.
    wide = copy_limit(np.geomspace(1e-4, 1, 30), 64)
    assert wide is not None
    assert wide < 1e-6


def test_nothing_is_told_without_real_images_or_from_real_ones_that_are_copies() -> None:
    assert copy_limit(np.array([]), 10) is copy_limit(np.array([0.4]), 10) is None
    assert copy_limit(np.array([0.0, 0.4, 0.5]), 10) is copy_limit(np.array([0.3, 0.4]), 0) is None
    training, real, generated = halves("synthetic_alloy", 0)
    real[0] = real[0].copy()
    real[0][3] = training[20]
    result = memorising(generated, real, training, resamples=20)
    assert result["conditions"][0]["copies"] is None
    assert "copies are not named" in result["conditions"][0]["note"]
    assert result["copies"]["of"] == len(generated[1])


def test_images_of_hardly_a_grey_level_are_not_judged() -> None:
    training, real, generated = halves("synthetic_alloy", 0)
    generated[0][:4] = 128
    generated[0][:4, :, :64] = 129
    result = memorising(generated, real, np.concatenate([training, generated[0][:4]]), resamples=20)
    assert result["conditions"][0]["copies"]["of"] == len(generated[0]) - 4
    assert result["copies"]["count"] == 0


def test_copies_do_not_pass_as_little_contrast() -> None:
    training, real, generated = halves("synthetic_alloy", 1)
    generated = {label: (images // 3 + 80).astype(np.uint8) for label, images in generated.items()}
    assert "not copying" in memorising(generated, real, training, resamples=20)["note"]
    generated[0][0] = training[3]
    result = memorising(generated, real, training, resamples=20)
    assert result["copies"]["count"] == 1
    assert "note" not in result


def test_copies_are_told_in_words() -> None:
    training, real, generated = halves("synthetic_alloy", 0)
    generated[1][4] = np.rot90(training[7], 2, (1, 2))
    result = memorising(generated, real, training, resamples=20)
    of = sum(map(len, generated.values()))
    console = Console(record=True, width=300)
    _print_memorising(console, result, {0: "900 °C", 1: "1100 °C"})
    said = f"1 of {of} generated images is a copy of a training patch"
    assert f"{said}, too alike for chance (1100 °C, z5: patch 7 turned by 180°)" in console.export_text()
    assert _sentence(result).startswith(f"{said}, up to contrast and brightness")
    first, second = _copies_first(result)[:2]
    assert (first["label"], first["sample"], first["copy"]) == (1, 4, True)
    assert (second["label"], second["sample"]) != (1, 4)
    none = memorising({0: generated[0]}, real, training, resamples=20)
    said = f"o copy of a training patch was found among {len(generated[0])} generated images"
    _print_memorising(console, none, {0: "900 °C"})
    assert f"n{said}" in console.export_text()
    assert _sentence(none).startswith(f"N{said}.")
