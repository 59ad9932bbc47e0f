"""The orchestration on a small made-up data set: squares of a size that the condition sets."""

import json
import math
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data, Patches
from alloygan.errors import DataError
from alloygan.evaluation.descriptor_scores import MOST_VALUES
from alloygan.evaluation.evaluate import Evaluation, measure
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan.specs.components import DescriptorSpec
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.evaluation import EvaluationSpec
from alloygan_plugins.imagej_particles.specs import AspectRatio, EquivalentDiameter, NumberDensity
from alloygan_plugins.phase_statistics.specs import AreaFraction, InterfaceDensity, PixelStd
from alloygan_plugins.spatial_correlation.specs import CharacteristicLength, TwoPoint

ALL = (
    EquivalentDiameter(),
    NumberDensity(),
    AspectRatio(),
    AreaFraction(),
    InterfaceDensity(),
    CharacteristicLength(),
    TwoPoint(),
    PixelStd(),
)
SIZES = (6, 9, 12)
SHAPE = (1, 32, 40)


def squares(side: int, count: int, seed: int, dark: int = 60, channels: int = 1) -> Tensor:
    """Images (count, C, 32, 40) of a bright rectangle, `side` px give or take one, somewhere inside."""
    random = np.random.default_rng(seed)
    images = random.integers(dark - 10, dark + 11, (count, channels, *SHAPE[1:]))
    for image in images:
        height, width = side + random.integers(-1, 2, 2)
        top, left = random.integers(1, SHAPE[1] - height), random.integers(1, SHAPE[2] - width)
        image[:, top : top + height, left : left + width] += 120
    return torch.from_numpy(images.astype(np.uint8))


def patches(space: ConditionSpace, counts: list[int], seed: int, channels: int = 1, sources: int = 2) -> Patches:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    images = [
        squares(SIZES[label], count, seed + label, channels=channels) for label, count in enumerate(counts) if count
    ]
    return Patches(
        torch.cat(images) if images else torch.zeros((0, channels, *SHAPE[1:]), dtype=torch.uint8),
        space.condition([space.table[label] for label in labels]),
        torch.tensor([i % sources + 100 * seed for i in range(len(labels))], dtype=torch.int64),
    )


def data(
    train: list[int] | None = None,
    evaluation: list[int] | None = None,
    held_out: frozenset[int] = frozenset(),
    um_per_px: float | None = None,
    channels: int = 1,
    sources: int = 2,
) -> Data:
    rows = [{"size": size} for size in SIZES]
    space = ConditionSpace.from_rows([ColumnSpec(name="size", unit="px")], rows)
    space = ConditionSpace(space.columns, space.table, held_out)
    return Data(
        space,
        patches(space, train or [40, 40, 40], 1, channels, sources),
        patches(space, evaluation or [40, 40, 40], 2, channels, sources),
        um_per_px,
    )


def right(label: int, count: int) -> Tensor:
    return squares(SIZES[label], count, 77 + label)


def wrong(label: int, count: int) -> Tensor:
    return squares(SIZES[2 - label] if label != 1 else 14, count, 77 + label)


def spec(*descriptors: DescriptorSpec, **settings: Any) -> EvaluationSpec:
    quick = {"images": 32, "comparisons": (), "bootstrap": 20, "judge_images": 0, "memorising_images": 0}
    return EvaluationSpec(descriptors=descriptors or ALL, **quick | settings)


def plain(evaluation: Evaluation) -> dict[str, Any]:
    """What a reader of evaluation.json sees; fails on NaN and infinity."""
    json.dumps(evaluation.samples, allow_nan=False)
    loaded: dict[str, Any] = json.loads(json.dumps(evaluation.scores, allow_nan=False))
    return loaded


def test_images_of_the_same_law_score_at_the_floor_and_others_far_above() -> None:
    good, bad = plain(measure(spec(), data(), right)), plain(measure(spec(), data(), wrong))
    for name in ("equivalent_diameter", "area_fraction", "interface_density", "two_point"):
        for entry, other in zip(good["conditions"], bad["conditions"], strict=True):
            score, far = entry["scores"][name], other["scores"][name]
            assert score["deviation"] < 0.08, name
            assert far["distance"] > 3 * max(score["floor"], score["distance"]), name
            # The floor belongs to the data alone.
            assert far["floor"] == score["floor"]
        assert good["overall"][name]["mean_distance"] < 2 * good["overall"][name]["mean_floor"], name
        assert good["overall"][name]["mean_deviation"] < 0.05 < bad["overall"][name]["mean_deviation"]


def test_form_of_the_result() -> None:
    result = plain(measure(spec(), data(um_per_px=0.5), right))
    assert set(result) == {
        "schema", "segmentation", "descriptors", "conditions", "overall", "comparisons", "fidelity", "memorising"
    }  # fmt: skip
    assert result["schema"] == 1
    assert result["segmentation"]["phase"] == "bright"
    assert 80 < result["segmentation"]["threshold"] < 160
    units = {entry["name"]: entry["unit"] for entry in result["descriptors"]}
    assert units == {
        "equivalent_diameter": "um",
        "number_density": "1/um²",
        "aspect_ratio": "",
        "area_fraction": "",
        "interface_density": "1/um",
        "characteristic_length": "um",
        "two_point": "um",
        "pixel_std": "",
    }
    assert all(entry["summary"] and entry["spec"]["kind"] == entry["name"] for entry in result["descriptors"])
    first = result["conditions"][0]
    assert first["condition"] == {"size": 6}
    assert first["text"] == "size = 6 px"
    assert (first["label"], first["held_out"], first["images"], first["primary"]) == (0, False, 32, "bright")
    assert first["floor_from"] == "training images"
    assert list(first["scores"]) == [entry["name"] for entry in result["descriptors"]]
    assert first["scores"]["two_point"]["distance_unit"] == ""
    assert list(result["overall"]) == list(first["scores"])
    assert set(result["overall"]["two_point"]) == {
        "mean_deviation",
        "worst_deviation",
        "mean_distance",
        "mean_floor",
        "mean_floor_deviation",
        "mean_ks",
        "mean_floor_ks",
        "mean_ks_interval",
        "mean_floor_ks_interval",
        "mean_deviation_interval",
        "mean_floor_deviation_interval",
        "mean_distance_interval",
        "mean_floor_interval",
    }


def test_numbers_are_what_they_are_called() -> None:
    given = data(train=[8, 8, 8], evaluation=[12, 5, 9])
    result = plain(measure(spec(AreaFraction(), threshold=120.0), given, right))
    assert [entry["images"] for entry in result["conditions"]] == [8, 5, 8]
    score = result["conditions"][1]["scores"]["area_fraction"]
    # Five evaluation images: all of them are taken.
    real = (given.evaluation.of_condition(1).numpy()[:, 0] > 120).mean()
    generated = (right(1, 5).numpy()[:, 0] > 120).mean()
    assert score["real"] == pytest.approx(real)
    assert score["generated"] == pytest.approx(generated)
    assert score["deviation"] == pytest.approx(abs(generated - real) / real)
    assert score["floor_deviation"] == pytest.approx(abs(score["training"] - real) / real)
    overall = result["overall"]["area_fraction"]
    deviations = [entry["scores"]["area_fraction"]["deviation"] for entry in result["conditions"]]
    assert overall["mean_deviation"] == pytest.approx(np.mean(deviations))
    assert overall["worst_deviation"] == max(deviations)


def test_the_same_twice_and_the_seed_decides() -> None:
    def run(seed: int) -> Evaluation:
        return measure(spec(EquivalentDiameter(), AreaFraction(), images=8, seed=seed), data(), right)

    assert run(0) == run(0)
    assert run(0).scores != run(1).scores


def test_generate_is_asked_for_as_many_images_as_are_compared() -> None:
    asked: list[tuple[int, int]] = []

    def generate(label: int, count: int) -> Tensor:
        asked.append((label, count))
        return right(label, count)

    measure(spec(AreaFraction(), images=16), data(evaluation=[40, 3, 40]), generate)
    assert asked == [(0, 16), (1, 3), (2, 16)]


def test_progress_reaches_the_end() -> None:
    steps: list[tuple[str, int, int]] = []
    measure(spec(AreaFraction(), images=4), data(), right, lambda *step: steps.append(step))
    assert steps == [("measure", i, 3) for i in range(4)]


def test_held_out_condition_takes_its_floor_from_its_evaluation_images() -> None:
    given = data(train=[40, 0, 40], held_out=frozenset({1}), sources=4)
    result = plain(measure(spec(AreaFraction()), given, right))
    entry = result["conditions"][1]
    assert entry["held_out"]
    assert entry["images"] == 20
    assert entry["floor_from"] == "other evaluation images"
    score = entry["scores"]["area_fraction"]
    assert score["training"] is None
    assert score["floor"] is not None
    assert score["floor_deviation"] is not None
    assert "two halves of the evaluation images" in score["note"]
    # Unseen conditions have their own means.
    assert result["overall_held_out"]["area_fraction"]["mean_deviation"] == score["deviation"]
    seen = [result["conditions"][i]["scores"]["area_fraction"]["deviation"] for i in (0, 2)]
    assert result["overall"]["area_fraction"]["worst_deviation"] == max(seen)


def test_held_out_condition_with_one_source_has_no_floor() -> None:
    given = data(train=[40, 0, 40], held_out=frozenset({1}), sources=1)
    score = plain(measure(spec(AreaFraction()), given, right))["conditions"][1]["scores"]["area_fraction"]
    assert score["floor"] is None
    assert score["distance"] is not None
    assert "no floor" in score["note"]


@pytest.mark.parametrize("phase", ["bright", "minority"])
def test_condition_without_evaluation_images(phase: str) -> None:
    result = plain(measure(spec(phase=phase), data(train=[40, 0, 40], evaluation=[40, 0, 0]), right))
    for label, training in ((1, False), (2, True)):
        entry = result["conditions"][label]
        assert entry["floor_from"] is None
        for name, score in entry["scores"].items():
            assert score["real"] is score["distance"] is score["floor"] is score["deviation"] is None
            assert score["generated"] is not None, name
            assert (score["training"] is not None) == training
            assert "no evaluation images" in score["note"]
    assert result["overall"]["area_fraction"]["mean_deviation"] is not None


@pytest.mark.parametrize("level", [0, 255])
def test_blank_generated_images_give_none_and_a_reason(level: int) -> None:
    def blank(label: int, count: int) -> Tensor:
        return torch.full((count, *SHAPE), level, dtype=torch.uint8)

    result = plain(measure(spec(), data(), blank))
    scores = result["conditions"][0]["scores"]
    for name in ("equivalent_diameter", "aspect_ratio", "characteristic_length"):
        assert scores[name]["generated"] is scores[name]["distance"] is scores[name]["deviation"] is None
        assert "generated: 32 of 32 images" in scores[name]["note"]
        assert scores[name]["floor"] is not None
    assert scores["two_point"]["generated"] is None
    assert "generated: " in scores["two_point"]["note"]
    assert scores["area_fraction"]["generated"] == level / 255
    assert scores["number_density"]["deviation"] == 1
    assert result["overall"]["equivalent_diameter"]["mean_deviation"] is None


def test_real_value_of_zero_has_no_deviation() -> None:
    result = plain(measure(spec(NumberDensity(min_area=500)), data(), right))
    score = result["conditions"][0]["scores"]["number_density"]
    assert score["real"] == score["generated"] == score["distance"] == 0
    assert score["deviation"] is score["floor_deviation"] is None
    assert "real is 0" in score["note"]


def test_minority_is_decided_once_by_the_real_images() -> None:
    def mostly_bright(label: int, count: int) -> Tensor:
        return 255 - right(label, count)

    result = plain(measure(spec(AreaFraction(), phase="minority", threshold=120.0), data(), mostly_bright))
    assert [entry["primary"] for entry in result["conditions"]] == ["bright"] * 3
    assert all(entry["scores"]["area_fraction"]["generated"] > 0.5 for entry in result["conditions"])
    dark = plain(measure(spec(AreaFraction(), phase="dark"), data(), right))
    assert dark["conditions"][0]["primary"] == "dark"
    assert dark["conditions"][0]["scores"]["area_fraction"]["real"] > 0.9


def test_continuous_conditions_are_pooled() -> None:
    table = data()
    space = ConditionSpace(table.space.columns)

    def off(found: Patches) -> Patches:
        return Patches(
            found.images,
            type(found.condition)(found.condition.values, -torch.ones(len(found)).long()),
            found.source,
        )

    pooled = Data(space, off(table.train), off(table.evaluation))
    result = plain(measure(spec(), pooled, lambda label, count: squares(9, count, 5) if label == -1 else None))  # type: ignore[arg-type,return-value]
    assert [(entry["label"], entry["condition"]) for entry in result["conditions"]] == [(-1, {})]
    assert result["conditions"][0]["text"] == "all conditions"
    assert result["conditions"][0]["scores"]["area_fraction"]["distance"] is not None


def test_three_channels() -> None:
    def colour(label: int, count: int) -> Tensor:
        return squares(SIZES[label], count, 5, channels=3)

    result = plain(measure(spec(), data(channels=3), colour))
    assert result["overall"]["area_fraction"]["mean_deviation"] < 0.1


def test_one_setting_of_a_kind_beside_another() -> None:
    result = plain(measure(spec(EquivalentDiameter(), EquivalentDiameter(min_area=60)), data(), right))
    assert [entry["name"] for entry in result["descriptors"]] == [
        "equivalent_diameter",
        "equivalent_diameter_2",
    ]
    assert result["descriptors"][1]["spec"]["min_area"] == 60
    one, other = result["conditions"][0]["scores"].values()
    assert one["real"] is not None
    assert other["real"] is None


def test_samples() -> None:
    evaluation = measure(spec(), data(um_per_px=0.5), right)
    diameters = evaluation.samples["equivalent_diameter"]["2"]
    assert diameters["unit"] == "um"
    for key in ("real", "generated", "training"):
        assert 20 < len(diameters[key]) <= MOST_VALUES
        assert diameters[key] == sorted(diameters[key])
    curves = evaluation.samples["two_point"]["0"]
    assert curves["axis_unit"] == "um"
    assert len(curves["axis"]) == len(curves["real"]) == len(curves["generated"]) == len(curves["training"]) == 17
    mean = evaluation.scores["conditions"][0]["scores"]["area_fraction"]["real"]
    assert curves["real"][0] == pytest.approx(mean, rel=1e-5)


class _Strange(Descriptor):
    """Third-party code that breaks the rule about NaN, and gives many values."""

    def measure(self, specimens: Specimens) -> Measurement:
        return Measurement(np.append(np.arange(5000.0), np.nan))

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        return math.inf


class _StrangeSpec(DescriptorSpec):
    """A strange descriptor."""

    kind: str = "strange"

    def build(self) -> Descriptor:
        return _Strange()


def test_what_is_not_finite_does_not_get_through() -> None:
    evaluation = measure(spec(_StrangeSpec()), data(), right)
    score = plain(evaluation)["conditions"][0]["scores"]["strange"]
    assert score["real"] is score["distance"] is None
    assert "not finite" in score["note"]
    assert len(evaluation.samples["strange"]["0"]["real"]) <= MOST_VALUES


def test_refuses_other_images_than_asked() -> None:
    for images in (torch.zeros((3, *SHAPE), dtype=torch.uint8), torch.zeros((32, *SHAPE))):
        with pytest.raises(ValueError, match=r"generate\(0, 32\) gave"):
            measure(spec(AreaFraction()), data(), lambda label, count, images=images: images)


def test_constant_training_images_need_a_threshold() -> None:
    given = data()
    flat = Patches(torch.full_like(given.train.images, 9), given.train.condition, given.train.source)
    with pytest.raises(DataError, match=r"evaluation\.threshold"):
        measure(spec(AreaFraction()), Data(given.space, flat, given.evaluation), right)
    measure(spec(AreaFraction(), threshold=120.0), Data(given.space, flat, given.evaluation), right)


def test_evaluation_on_training_images_says_so_and_calls_nothing_memorised_or_not() -> None:
    given = data()
    given = Data(given.space, given.train, given.train)
    result = plain(measure(spec(AreaFraction(), judge_images=64, memorising_images=8), given, right))
    assert "keeps nothing for evaluation" in result["note"]
    assert all("keeps nothing" in entry["scores"]["area_fraction"]["note"] for entry in result["conditions"])
    assert result["memorising"]["closer"] is None
    assert "keeps nothing" in result["memorising"]["note"]
    assert "keeps nothing" in result["fidelity"]["note"]
    assert "note" not in plain(measure(spec(AreaFraction()), data(), right))


def test_it_says_what_the_intervals_are_drawn_from_and_how_many_values_there_were() -> None:
    few, many = measure(spec(), data(sources=2), right), measure(spec(), data(sources=8), right)
    assert plain(few)["conditions"][0]["intervals_from"] == "32 images of 2 sources"
    assert plain(many)["conditions"][0]["intervals_from"] == "8 sources"
    assert few.samples["area_fraction"]["0"]["counts"] == {"real": 32, "generated": 32, "training": 32}


def test_an_error_of_a_descriptor_names_it() -> None:
    class Broken(Descriptor):
        def measure(self, specimens: Specimens) -> Measurement:
            raise RuntimeError("oh")

        def distance(self, one: Measurement, other: Measurement) -> float | None:
            return None

    class BrokenSpec(DescriptorSpec):
        """A descriptor that fails."""

        kind: Literal["broken"] = "broken"

        def build(self) -> Descriptor:
            return Broken()

    with pytest.raises(RuntimeError) as caught:
        measure(spec(BrokenSpec()), data(), right)
    assert caught.value.__notes__ == ["while measuring size = 6 px with the descriptor broken"]
