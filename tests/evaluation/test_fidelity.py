"""The judge and what it says, on stripes whose period is the condition."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Patches
from alloygan.evaluation.fidelity import fidelity
from alloygan.evaluation.judge import Judge, standardised, train_judge
from alloygan.interfaces.condition import Condition
from alloygan.specs.condition_columns import ColumnSpec

Images = NDArray[np.uint8]
PERIODS = (4.0, 6.0, 9.0)
PERIOD = ColumnSpec(name="period", unit="px", scale="log")
SIZE = (16, 20)


def stripes(period: float, count: int, seed: int, size: tuple[int, int] = SIZE, channels: int = 1) -> Images:
    """Wavy stripes (count, C, H, W) in noise, at a random phase, contrast and brightness."""
    random = np.random.default_rng([seed, int(100 * period)])
    down, right = np.mgrid[: size[0], : size[1]]
    phase, lean, contrast, level = random.uniform([0, -0.4, 25, 90], [2 * math.pi, 0.4, 50, 160], (count, 4)).T
    wave = np.sin(2 * math.pi * (right + lean[:, None, None] * down) / period + phase[:, None, None])
    images = level[:, None, None] + contrast[:, None, None] * wave + random.normal(0, 6, (count, *size))
    return np.repeat(images.round().clip(0, 255).astype(np.uint8)[:, None], channels, axis=1)


def table(held_out: Sequence[int] = ()) -> ConditionSpace:
    space = ConditionSpace.from_rows([PERIOD], [{"period": period} for period in PERIODS])
    return ConditionSpace(space.columns, space.table, frozenset(held_out))


def patches(space: ConditionSpace, images: dict[int, Images], sources: int = 3) -> Patches:
    labels = [label for label, some in images.items() for _ in range(len(some))]
    return Patches(
        torch.from_numpy(np.concatenate(list(images.values()))),
        space.condition([space.table[label] for label in labels]),
        torch.arange(len(labels)) % sources,
    )


def drawn(count: int, seed: int, labels: Sequence[int] = (0, 1, 2), **kind: Any) -> dict[int, Images]:
    return {label: stripes(PERIODS[label], count, seed, **kind) for label in labels}


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """What a reader of the JSON sees; fails on NaN and infinity."""
    loaded: dict[str, Any] = json.loads(json.dumps(result, allow_nan=False))
    return loaded


@pytest.fixture(scope="module")
def judge() -> Judge:
    return train_judge(patches(table(), drawn(60, 1)), table(), images=2500)


def test_conditions_that_differ_are_told_apart(judge: Judge) -> None:
    result = plain(fidelity(judge, drawn(30, 2), drawn(40, 3)))
    assert result["classes"] == [0, 1, 2]
    assert result["training_images"] == 180
    assert result["accuracy"]["real"] > 0.95
    assert result["accuracy"]["generated"] > 0.95
    assert result["accuracy"]["chance"] == pytest.approx(1 / 3)
    assert np.sum(result["confusion"]["real"], axis=1).tolist() == [30, 30, 30]
    assert np.sum(result["confusion"]["generated"], axis=1).tolist() == [40, 40, 40]
    (column,) = result["columns"]
    assert (column["name"], column["unit"], column["scale"]) == ("period", "px", "log")
    assert column["real"]["error"] < 0.1
    assert column["generated"]["r2"] > 0.9
    assert column["generated_interval"][0] <= column["generated"]["error"] <= column["generated_interval"][1]
    assert [entry["label"] for entry in result["conditions"]] == [0, 1, 2]
    assert result["conditions"][1]["asked"] == pytest.approx([math.log(6 / 4) / math.log(9 / 4)], abs=1e-6)
    assert result["conditions"][1]["generated"] == pytest.approx(result["conditions"][1]["asked"], abs=0.15)
    assert result["held_out"] == []
    assert "note" not in result


def test_generated_images_of_another_condition_stand_beside_the_diagonal(judge: Judge) -> None:
    given = drawn(40, 3)
    result = plain(fidelity(judge, drawn(30, 2), {0: given[1], 1: given[2], 2: given[0]}))
    assert result["accuracy"]["real"] > 0.95
    assert result["accuracy"]["generated"] < 0.05
    confusion = np.array(result["confusion"]["generated"])
    assert min(confusion[0, 1], confusion[1, 2], confusion[2, 0]) > 36
    assert result["columns"][0]["generated"]["r2"] < 0
    assert result["columns"][0]["real"]["r2"] > 0.9


def test_a_generator_that_ignores_the_condition_is_at_chance(judge: Judge) -> None:
    mixed = np.concatenate(list(drawn(20, 5).values()))
    accuracy = plain(fidelity(judge, drawn(30, 2), dict.fromkeys(range(3), mixed)))["accuracy"]
    assert accuracy["generated"] == pytest.approx(1 / 3, abs=0.02)
    low, high = accuracy["generated_interval"]
    assert 0.2 < low < 1 / 3 < high < 0.5


def test_numbers_are_what_they_are_called(judge: Judge) -> None:
    real, generated = drawn(7, 6), {0: stripes(4.0, 3, 7), 1: stripes(4.0, 9, 8), 2: stripes(9.0, 5, 9)}
    result = plain(fidelity(judge, real, generated))
    ids = {label: judge.classify(images)[0] for label, images in generated.items()}
    assert result["confusion"]["generated"] == [[int((ids[a] == b).sum()) for b in range(3)] for a in range(3)]
    # Conditions count alike, however many images they have.
    assert result["accuracy"]["generated"] == pytest.approx(np.mean([(ids[label] == label).mean() for label in ids]))
    values = table().condition(table().table).values.numpy()[:, 0]
    judged = {label: judge.classify(images)[1][:, 0] for label, images in generated.items()}
    errors = [np.abs(judged[label] - values[label]).mean() for label in judged]
    assert result["columns"][0]["generated"]["error"] == pytest.approx(np.mean(errors), abs=1e-6)
    assert result["conditions"][2]["generated"][0] == pytest.approx(judged[2].mean(), abs=1e-6)


def test_brightness_and_contrast_do_not_give_the_condition_away() -> None:
    def noise(level: int, contrast: float, seed: int) -> Images:
        random = np.random.default_rng(seed)
        return (level + contrast * random.normal(size=(60, 1, 16, 16))).round().clip(0, 255).astype(np.uint8)

    space = ConditionSpace.from_rows([PERIOD], [{"period": period} for period in (1, 2)])
    train = patches(space, {0: noise(80, 20, 1), 1: noise(170, 10, 2)})
    judge = train_judge(train, space, images=1000)
    result = plain(fidelity(judge, {0: noise(80, 20, 3), 1: noise(170, 10, 4)}, {0: noise(80, 20, 5)}))
    assert result["accuracy"]["real"] < 0.75
    assert "cannot read period" in result["note"]


def test_images_are_taken_at_zero_mean_and_unit_deviation_unless_flat() -> None:
    image = stripes(4.0, 1, 1)
    brighter = (image.astype(np.int64) // 2 * 2 + 10).astype(np.uint8)
    scaled, other = (standardised(torch.from_numpy(some)) for some in (brighter // 2, brighter))
    torch.testing.assert_close(scaled, other)
    assert float(scaled.mean()) == pytest.approx(0, abs=1e-6)
    assert float(scaled.std(correction=0)) == pytest.approx(1, abs=1e-5)
    flat = torch.full((1, 1, 8, 8), 200, dtype=torch.uint8)
    assert float(standardised(flat).abs().max()) < 1e-4
    flat[0, 0, 0, 0] = 201
    assert float(standardised(flat).abs().max()) < 0.6


def test_a_judge_that_fails_on_real_images_says_so() -> None:
    random = np.random.default_rng(0)

    def noise() -> dict[int, Images]:
        return {label: random.integers(0, 256, (20, 1, 8, 8), dtype=np.uint8) for label in range(3)}

    judge = train_judge(patches(table(), noise()), table(), images=600)
    result = plain(fidelity(judge, noise(), noise()))
    assert result["accuracy"]["real"] < 0.6
    assert "its accuracy on generated images means nothing" in result["note"]
    assert "cannot read period" in result["note"]


def test_without_a_table_the_columns_are_read() -> None:
    space = ConditionSpace.from_rows([PERIOD], [{"period": period} for period in PERIODS], tabulate=False)

    def given(count: int, seed: int) -> tuple[Images, Condition]:
        periods = np.exp(np.random.default_rng(seed).uniform(math.log(4), math.log(9), count))
        images = np.concatenate([stripes(period, 1, seed) for period in periods])
        return images, space.condition([(float(period),) for period in periods])

    images, condition = given(200, 1)
    judge = train_judge(Patches(torch.from_numpy(images), condition, torch.arange(200)), space, images=4000)
    assert judge.classes == ()
    real, of_real = given(60, 2)
    generated, of_generated = given(50, 3)
    result = plain(
        fidelity(
            judge,
            {-1: real},
            {-1: generated[::-1].copy()},
            real_values={-1: of_real.values.numpy()},
            generated_values={-1: of_generated.values.numpy()},
        )
    )
    assert result["confusion"] is None
    assert result["accuracy"] is None
    (column,) = result["columns"]
    assert column["real"]["r2"] > 0.8
    assert column["generated"]["r2"] < 0
    assert column["held_out"] is None
    with pytest.raises(ValueError, match="need as many values"):
        fidelity(judge, {-1: real}, {-1: generated}, real_values={-1: of_real.values.numpy()})


def test_held_out_conditions_that_the_judge_knows_have_an_accuracy_of_their_own() -> None:
    space = table(held_out=[1])
    judge = train_judge(patches(space, drawn(60, 1)), space, images=1500)
    given = drawn(20, 3)
    result = plain(fidelity(judge, drawn(20, 2), {**given, 1: given[2]}, held_out=space.held_out))
    assert result["classes"] == [0, 1, 2]
    assert result["held_out"] == [1]
    assert result["accuracy"]["generated"] > 0.9
    assert result["accuracy_held_out"]["real"] > 0.9
    assert result["accuracy_held_out"]["generated"] < 0.1, "images of another condition"
    assert np.sum(result["confusion"]["generated"]) == 60
    (column,) = result["columns"]
    assert column["held_out"]["generated"]["error"] > 3 * column["held_out"]["real"]["error"]


def test_held_out_conditions_are_read_by_the_regressor_alone() -> None:
    space = table(held_out=[1])
    judge = train_judge(patches(space, drawn(60, 1, labels=(0, 2))), space, images=1500)
    assert judge.classes == (0, 2)
    result = plain(fidelity(judge, drawn(20, 2), drawn(20, 3)))
    assert result["classes"] == [0, 2]
    assert result["held_out"] == [1]
    assert np.sum(result["confusion"]["generated"]) == 40
    (column,) = result["columns"]
    assert column["real"]["error"] < 0.2
    assert column["held_out"]["generated"]["error"] is not None
    # One condition: its column does not vary.
    assert column["held_out"]["generated"]["r2"] is None
    assert [entry["label"] for entry in result["conditions"]] == [0, 1, 2]


def test_categories_are_classes() -> None:
    names = ("fine", "middle", "coarse")
    column = ColumnSpec(name="grade", scale="category", levels=names)
    space = ConditionSpace.from_rows([column], [{"grade": name} for name in names])
    judge = train_judge(patches(space, drawn(40, 1)), space, images=1200)
    result = plain(fidelity(judge, drawn(20, 2), drawn(20, 3)))
    assert result["accuracy"]["generated"] > 0.9
    assert result["columns"] == result["conditions"] == []


def test_several_channels_and_unequal_counts() -> None:
    space = table()
    images = {0: stripes(4.0, 90, 1, channels=2), 2: stripes(9.0, 6, 1, channels=2)}
    judge = train_judge(patches(space, images), space, images=1200)
    result = plain(fidelity(judge, drawn(20, 2, labels=(0, 2), channels=2), drawn(20, 3, labels=(0, 2), channels=2)))
    assert result["accuracy"]["real"] > 0.85


@pytest.mark.parametrize("size", [(4, 4), (5, 33), (8, 8)])
def test_small_and_long_patches(size: tuple[int, int]) -> None:
    space = table()
    judge = train_judge(patches(space, drawn(12, 1, size=size)), space, images=100)
    result = plain(fidelity(judge, drawn(4, 2, size=size), drawn(4, 3, size=size)))
    assert np.sum(result["confusion"]["generated"]) == 12


def test_where_there_is_nothing_to_judge_it_says_why() -> None:
    space = table()
    tiny = train_judge(patches(space, drawn(5, 1, size=(1, 1))), space)
    assert "1 × 1 px are too small" in plain(fidelity(tiny, drawn(3, 2, size=(1, 1)), {}))["note"]
    one = train_judge(patches(space, drawn(5, 1, labels=(1,))), space)
    result = plain(fidelity(one, drawn(3, 2), drawn(3, 2)))
    assert result["note"] == "all training patches have the same condition"
    assert result["classes"] == result["columns"] == []
    assert result["accuracy"] is result["confusion"] is None
    none = train_judge(patches(space, {0: stripes(4.0, 0, 1)}), space)
    assert "no training patches" in plain(fidelity(none, {}, {}))["note"]


def test_missing_and_empty_sets_give_none_and_a_reason(judge: Judge) -> None:
    result = plain(fidelity(judge, {0: stripes(4.0, 0, 1)}, drawn(10, 2, labels=(0,))))
    assert result["accuracy"]["real"] is result["accuracy"]["real_interval"] is None
    assert result["columns"][0]["real"] == {"error": None, "r2": None}
    assert result["accuracy"]["generated"] is not None
    assert result["confusion"]["real"] == [[0] * 3] * 3
    assert "no held-out real images to test the judge on" in result["note"]
    assert result["conditions"][0]["real"] is None


def test_one_micrograph_a_condition_is_named() -> None:
    space = table()
    train = patches(space, drawn(5, 1))
    of_one = Patches(train.images, train.condition, train.condition.label.clone())
    assert "3 of 3 conditions have training patches from one micrograph" in str(
        train_judge(of_one, space, images=10).note
    )
    assert train_judge(train, space, images=10).note is None


def test_blank_generated_images_are_judged_without_nan(judge: Judge) -> None:
    blank = dict.fromkeys(range(3), np.full((8, 1, *SIZE), 255, dtype=np.uint8))
    result = plain(fidelity(judge, drawn(8, 2), blank))
    assert result["accuracy"]["generated"] == pytest.approx(1 / 3)


def test_the_same_seed_gives_the_same_judge_and_leaves_random_numbers_alone() -> None:
    train, images = patches(table(), drawn(20, 1)), stripes(6.0, 30, 4)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[union-attr]
    values = [train_judge(train, table(), images=300, seed=seed).classify(images)[1] for seed in (0, 0, 1)]
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # type: ignore[arg-type]
    assert np.array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])


def test_an_image_is_judged_alike_alone_and_among_others(judge: Judge) -> None:
    images = stripes(6.0, 9, 4)
    together = judge.classify(images)[1]
    alone = np.concatenate([judge.classify(image[None])[1] for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_progress_reaches_the_end() -> None:
    steps: list[tuple[str, int, int]] = []
    train_judge(patches(table(), drawn(20, 1)), table(), images=100, progress=lambda *step: steps.append(step))
    assert steps[0] == ("judge", 0, 100)
    assert steps[-1] == ("judge", 100, 100)
