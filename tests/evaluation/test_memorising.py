"""The nearest training patch, and what it says of memorising, on smooth random patches."""

import itertools
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from alloygan.evaluation import coarse_search as room
from alloygan.evaluation.memorising import MOST_SHOWN, memorising
from alloygan.evaluation.nearest import TrainingSearch, nearest_training
from alloygan.evaluation.square_symmetries import TRANSFORMS, Group, transformed

Images = NDArray[np.uint8]


def textures(count: int, seed: int, size: tuple[int, int] = (24, 24), channels: int = 1, blur: float = 1.5) -> Images:
    """Two-phase patterns (count, C, H, W) with soft borders."""
    random = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(random.normal(size=(count, channels, *size)), (0, 0, blur, blur), mode="wrap")
    return (128 + 90 * np.tanh(3 * field / field.std())).astype(np.uint8)


def moved(image: Images, down: int, right: int) -> Images:
    """An image (C, H, W) moved, with other grey levels where nothing is moved in."""
    other = np.full_like(image, 17)
    height, width = image.shape[1:]
    other[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = image[
        :, max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)
    ]
    return other


def by_transform(image: Images, transform: int) -> Images:
    """Each symmetry by another route than the code's."""
    routes = (
        lambda a: a,
        np.fliplr,
        np.flipud,
        lambda a: np.rot90(a, 2),
        np.transpose,
        lambda a: np.rot90(a, 3),
        lambda a: np.rot90(a, 1),
        lambda a: np.rot90(np.transpose(a), 2),
    )
    return np.stack([routes[transform](channel) for channel in image])


def by_definition(
    image: Images, training: Images, reach: int, transforms: range
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pair by pair: the smallest distance (M,) and the largest correlation (M,) of an image to each training patch."""
    height, width = image.shape[1:]
    distances, correlations = np.full(len(training), np.inf), np.full(len(training), -1.0)
    for number, patch in enumerate(training):
        for transform in transforms:
            known = by_transform(patch, transform).astype(np.float64)
            for down in range(-reach, reach + 1):
                for right in range(-reach, reach + 1):
                    here = image[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
                    there = known[:, max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)]
                    distances[number] = min(distances[number], math.sqrt(((here - there) ** 2).mean()))
                    one, other = (here - here.mean()).ravel(), (there - there.mean()).ravel()
                    correlations[number] = max(
                        correlations[number], one @ other / math.sqrt(one @ one * (other @ other))
                    )
    return distances, correlations


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """What a reader of the JSON sees; fails on NaN and infinity."""
    loaded: dict[str, Any] = json.loads(json.dumps(result, allow_nan=False))
    return loaded


def every_copy() -> Iterator[tuple[int, int, int]]:
    random = np.random.default_rng(5)
    for transform in range(8):
        for _ in range(3):
            down, right = random.integers(-4, 5, 2)
            yield transform, int(down), int(right)


@pytest.mark.parametrize("channels", [1, 3])
def test_planted_copies_are_found_with_what_was_done_to_them(channels: int) -> None:
    training = textures(60, 1, channels=channels)
    plants = list(every_copy())
    planted = np.stack(
        [
            moved(by_transform(training[7 + number], transform), down, right)
            for number, (transform, down, right) in enumerate(plants)
        ]
    )
    both = nearest_training(planted, training, candidates=16)
    assert both.alike.index.tolist() == both.closest.index.tolist()
    assert both.alike.transform.tolist() == both.closest.transform.tolist()
    found = both.closest
    assert found.distance.tolist() == [0.0] * len(plants)
    assert found.correlation == pytest.approx(np.ones(len(plants)))
    assert found.index.tolist() == [7 + number for number in range(len(plants))]
    assert found.transform.tolist() == [transform for transform, _, _ in plants]
    assert found.shift.tolist() == [[down, right] for _, down, right in plants]


def test_noisy_darker_copies_are_found_and_measured() -> None:
    training = textures(200, 1, size=(32, 32))
    random = np.random.default_rng(2)
    copies = np.stack([moved(by_transform(training[n], n % 8), n % 5 - 2, n % 3 - 1) for n in range(40)])
    noisy = (copies + random.normal(-10, 15, copies.shape)).round().clip(0, 255).astype(np.uint8)
    found = nearest_training(noisy, training).closest
    assert found.index.tolist() == list(range(40))
    assert found.transform.tolist() == [n % 8 for n in range(40)]
    # √(15² + 10²), less what was cut off at black and white.
    assert 14 < found.distance.min() < found.distance.max() < 19


@pytest.mark.parametrize(
    ("group", "transforms", "size"),
    [
        ("none", range(1), (24, 24)),
        ("flips", range(4), (24, 24)),
        ("d4", range(8), (24, 24)),
        ("d4", range(4), (17, 30)),
    ],
)
def test_distance_and_correlation_are_the_definition(group: Group, transforms: range, size: tuple[int, int]) -> None:
    training, images = textures(30, 1, size=size), textures(6, 2, size=size)
    # As many candidates as there are patches and symmetries: nothing is left to the coarse search.
    found = nearest_training(images, training, group=group, shift=3, candidates=30 * 8)
    for matches in (found.closest, found.alike):
        assert set(matches.transform.tolist()) <= set(transforms)
    for number, image in enumerate(images):
        distances, correlations = by_definition(image, training, 3, transforms)
        assert found.closest.distance[number] == pytest.approx(distances.min(), abs=1e-9)
        assert found.closest.index[number] == distances.argmin()
        assert found.alike.correlation[number] == pytest.approx(correlations.max(), abs=1e-9)
        assert found.alike.index[number] == correlations.argmax()


@pytest.mark.parametrize("blur", [0.7, 1.5, 4.0])
def test_coarse_search_finds_what_brute_force_finds(blur: float) -> None:
    training, images = textures(100, 1, blur=blur), textures(6, 2, blur=blur)
    found = nearest_training(images, training, shift=2)
    true = [by_definition(image, training, 2, range(8)) for image in images]
    distance, correlation = np.array([d.min() for d, _ in true]), np.array([r.max() for _, r in true])
    assert (found.closest.distance >= distance - 1e-9).all()
    assert (found.closest.distance / distance).max() < 1.02
    assert np.isclose(found.closest.distance, distance).mean() > 0.7
    assert (found.alike.correlation <= correlation + 1e-9).all()
    assert (correlation - found.alike.correlation).max() < 0.03
    assert np.isclose(found.alike.correlation, correlation).mean() > 0.7


def test_turns_are_named_as_numpy_turns() -> None:
    image = textures(1, 3)
    for transform in range(8):
        ours = transformed(torch.from_numpy(image), transform).numpy()
        assert np.array_equal(ours[0], by_transform(image[0], transform)), TRANSFORMS[transform]


def test_recipe_of_a_match_makes_the_image_again() -> None:
    training, images = textures(50, 1), textures(5, 2)
    both = nearest_training(images, training)
    for found, (number, image) in itertools.product((both.closest, both.alike), enumerate(images)):
        patch = by_transform(training[found.index[number]], int(found.transform[number]))
        down, right = found.shift[number].tolist()
        inside = moved(np.ones_like(patch), down, right) == 1
        difference = (image.astype(np.float64) - moved(patch, down, right))[inside]
        assert found.distance[number] == pytest.approx(math.sqrt((difference**2).mean()))
        pair = image[inside], moved(patch, down, right)[inside]
        assert found.correlation[number] == pytest.approx(np.corrcoef(*pair)[0, 1])


def test_shift_stays_below_a_quarter_of_the_shorter_side() -> None:
    assert TrainingSearch(textures(3, 1, size=(32, 17)), shift=9).shift == 4
    assert TrainingSearch(textures(3, 1, size=(8, 8)), shift=4).shift == 1
    tiny = textures(3, 1, size=(1, 3))
    search = TrainingSearch(tiny, shift=4)
    assert (search.shift, search.group) == (0, "flips")
    assert search.nearest(tiny).closest.distance.tolist() == [0.0] * 3


def test_degenerate_sets() -> None:
    flat = np.full((4, 1, 12, 12), 90, dtype=np.uint8)
    both = nearest_training(flat, np.full((1, 1, 12, 12), 100, dtype=np.uint8))
    assert both.alike.correlation.tolist() == [0] * 4
    found = both.closest
    assert found.distance.tolist() == [10.0] * 4
    assert found.index.tolist() == found.correlation.tolist() == [0] * 4
    assert nearest_training(flat[:0], flat).closest.distance.shape == (0,)
    assert nearest_training(flat[:0], flat).alike.shift.shape == (0, 2)
    for queries, training, words in (
        (flat, flat[:0], "at least one"),
        (flat, flat[:, :, :6], r"uint8 \(N, 1, 6, 12\)"),
        (flat.astype(np.float32), flat, "not float32"),
    ):
        with pytest.raises(ValueError, match=words):
            nearest_training(queries, training)
    with pytest.raises(ValueError, match="shift -1"):
        nearest_training(flat, flat, shift=-1)


def test_search_in_parts_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    training, images = textures(70, 1), textures(6, 2)
    whole = nearest_training(images, training)
    monkeypatch.setattr(room, "_VALUES_AT_ONCE", 24 * 24 * 10)
    parts = nearest_training(images, training)
    assert np.array_equal(whole.closest.index, parts.closest.index)
    assert np.array_equal(whole.closest.distance, parts.closest.distance)
    assert np.array_equal(whole.alike.index, parts.alike.index)


def sets(seed: int, count: int = 40) -> dict[int, Images]:
    return {0: textures(count, seed, blur=1.2), 1: textures(count, seed + 1, blur=2.5)}


def training_patches() -> Images:
    return np.concatenate(list(sets(100, count=60).values()))


def test_images_of_the_same_law_are_as_close_as_expected() -> None:
    result = plain(memorising(sets(1), sets(10), training_patches()))
    closer = result["closer"]
    # 2 of 40 images mark the low end: 2/41 is expected below.
    assert closer["expected"] == pytest.approx(2 / 41)
    assert closer["quantile"] == 0.05
    for share in (closer, result["alike"]):
        low, high = share["expected_interval"]
        assert low < share["expected"] < high < 0.2
        assert share["share"] < 0.2
        assert share["interval"][0] <= share["share"] <= share["interval"][1]
    assert result["training_images"] == 120
    assert (result["shift"], result["group"]) == (4, "d4")
    assert "note" not in result
    first = result["conditions"][0]
    assert (first["label"], first["generated"]["images"], first["real"]["images"]) == (0, 40, 40)
    assert first["generated"]["smallest"] < first["generated"]["median"]
    assert first["real"]["smallest"] <= first["real"]["end"]["distance"] < first["real"]["median"]


def test_copies_among_generated_images_are_counted_and_named() -> None:
    training, generated = training_patches(), sets(1)
    random = np.random.default_rng(3)
    for sample in (4, 11, 30):
        copy = by_transform(training[70 + sample], 5) + random.normal(0, 5, (1, 24, 24))
        generated[1][sample] = copy.round().clip(0, 255).astype(np.uint8)
    # A quarter of the other condition.
    for sample in range(10):
        generated[0][sample] = moved(training[sample], 2, -3)
    result = plain(memorising(generated, sets(10), training))
    assert result["closer"]["share"] >= 13 / 80
    for share in ("closer", "alike"):
        assert result[share]["share"] > result[share]["expected_interval"][1]
    assert "note" not in result
    assert result["conditions"][0]["closer"] >= 0.25
    shown = result["nearest"]
    assert len(shown) == MOST_SHOWN
    assert {(row["label"], row["sample"]) for row in shown} <= {(0, n) for n in range(10)} | {(1, 4), (1, 11), (1, 30)}
    noiseless = [row for row in shown if row["label"] == 0]
    assert [row["distance"] for row in noiseless] == [0.0] * 10
    assert {(row["transform"], *row["shift"]) for row in noiseless} == {("as it is", 2, -3)}
    assert min(row["correlation"] for row in shown) > 0.9
    noisy = [row for row in shown if row["label"] == 1]
    assert {row["training"] - row["sample"] for row in noisy} == {70}
    assert {row["transform"] for row in noisy} == {"turned by 270°"}
    assert all(0 < row["ratio"] < 0.3 for row in noisy)


def test_shares_are_the_counts_beyond_the_end() -> None:
    generated, real, training = sets(1), sets(10, count=30), training_patches()
    result = plain(memorising(generated, real, training))
    closer = alike = 0
    for label, images in generated.items():
        found, of_real = nearest_training(images, training), nearest_training(real[label], training)
        # 5 % of 31: the first.
        end = {"distance": of_real.closest.distance.min(), "correlation": of_real.alike.correlation.max()}
        assert result["conditions"][label]["real"]["end"] == pytest.approx(end)
        closer += int((found.closest.distance < end["distance"]).sum())
        alike += int((found.alike.correlation > end["correlation"]).sum())
    assert result["closer"]["share"] == pytest.approx(closer / 80)
    assert result["alike"]["share"] == pytest.approx(alike / 80)
    assert result["closer"]["expected"] == pytest.approx(1 / 31)


def test_expected_range_holds_the_share_of_the_same_law() -> None:
    """The beta-binomial law, against distances that are drawn: 60 samples of a law in one condition of 20 and 30."""
    search = TrainingSearch(textures(20, 100, size=(8, 8)), shift=0, group="none")
    found = search.nearest(textures(60 * 50, 1, size=(8, 8))).closest.distance.reshape(60, 50)
    shares = [float((row[20:] < row[:20].min()).mean()) for row in found]
    result = memorising(
        {0: textures(30, 1, size=(8, 8))}, {0: textures(20, 2, size=(8, 8))}, textures(20, 100, size=(8, 8))
    )
    low, high = result["closer"]["expected_interval"]
    assert np.mean([low <= share <= high for share in shares]) > 0.85
    assert np.mean(shares) == pytest.approx(result["closer"]["expected"], abs=0.03)
    # The range is not simply everything.
    assert high < 0.25


def test_low_contrast_is_close_but_not_alike() -> None:
    faint = {label: (images // 2 + 64).astype(np.uint8) for label, images in sets(1).items()}
    result = plain(memorising(faint, sets(10), training_patches()))
    assert result["closer"]["share"] > result["closer"]["expected_interval"][1]
    assert result["alike"]["share"] <= result["alike"]["expected_interval"][1]
    assert "not copying" in result["note"]
    assert all("less contrast than real ones" in entry["note"] for entry in result["conditions"])


def test_faint_copies_are_alike() -> None:
    training, generated = training_patches(), sets(1)
    generated[0][:20] = training[:20] // 2 + 64
    result = plain(memorising(generated, sets(10), training))
    assert result["alike"]["share"] > result["alike"]["expected_interval"][1]
    assert result["conditions"][0]["alike"] >= 0.5


def test_missing_sets_give_none_and_a_reason() -> None:
    training, images = training_patches(), sets(1, count=5)
    result = plain(memorising(images, {0: images[0][:3]}, training))
    without = result["conditions"][1]
    assert without["real"] == {
        "images": 0,
        "median": None,
        "smallest": None,
        "correlation": None,
        "contrast": None,
        "end": {"distance": None, "correlation": None},
    }
    assert without["closer"] is without["expected"] is None
    assert "no held-out real images" in without["note"]
    assert result["closer"]["expected"] == pytest.approx(1 / 4)
    alone = plain(memorising(images, {}, training))
    assert alone["closer"] is alone["alike"] is alone["copies"] is None
    assert "no held-out real images" in alone["note"]
    assert alone["nearest"][0]["ratio"] is None
    nothing = plain(memorising(images, images, training[:0]))
    assert "no training patches" in nothing["note"]
    assert plain(memorising({0: images[0][:0]}, images, training))["closer"] is None
    assert plain(memorising({}, {}, training))["conditions"] == []


def test_constant_images_give_zeros_and_no_alarm() -> None:
    flat = np.full((6, 1, 12, 12), 90, dtype=np.uint8)
    result = plain(memorising({0: flat}, {0: flat}, flat))
    assert result["closer"]["share"] == 0.0
    assert result["copies"] is None
    assert result["nearest"][0]["distance"] == 0.0


def test_sources_widen_the_interval_and_the_seed_decides() -> None:
    generated, real, training = sets(1), sets(10), training_patches()
    real[0][:8] = real[0][0]
    clustered = {label: np.repeat(np.arange(5), 8) for label in real}
    one, again = (memorising(generated, real, training, sources=clustered) for _ in range(2))
    assert one == again
    other = memorising(generated, real, training)
    assert other["closer"]["share"] == one["closer"]["share"]
    assert other["closer"]["interval"] != one["closer"]["interval"]


def test_progress_reaches_the_end() -> None:
    steps: list[tuple[str, int, int]] = []
    memorising(sets(1, 3), sets(10, 3), training_patches(), progress=lambda *step: steps.append(step))
    assert steps == [("memorising", done, 2) for done in range(3)]
