"""The orchestration of an evaluation: what is asked, what is in the result, and what is refused."""

from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan.data.patches import Data, Patches
from alloygan.errors import DataError
from alloygan.evaluation.descriptor_scores import MOST_VALUES
from alloygan.evaluation.evaluate import SCHEMA, Evaluation, measure
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan.specs.components import DescriptorSpec
from alloygan_plugins.imagej_particles.specs import EquivalentDiameter
from alloygan_plugins.phase_statistics.specs import AreaFraction


def test_form_of_the_result(squares: Any) -> None:
    result = squares.plain(measure(squares.spec(), squares.data(um_per_px=0.5), squares.right))
    assert set(result) == {
        "schema", "segmentation", "descriptors", "conditions", "overall", "comparisons", "fidelity", "memorising"
    }  # fmt: skip
    assert result["schema"] == SCHEMA
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
        "r2",
        "r2_interval",
        "floor_r2",
        "floor_r2_interval",
        "absent",
    }
    names = {entry["name"]: entry["summary_name"] for entry in result["descriptors"] if entry["summary_name"]}
    assert names == {"two_point": "correlation length"}


def test_numbers_are_what_they_are_called(squares: Any) -> None:
    given = squares.data(train=[8, 8, 8], evaluation=[12, 5, 9])
    result = squares.plain(measure(squares.spec(AreaFraction(), threshold=120.0), given, squares.right))
    assert [entry["images"] for entry in result["conditions"]] == [8, 5, 8]
    score = result["conditions"][1]["scores"]["area_fraction"]
    # Five evaluation images: all of them are taken.
    real = (given.evaluation.of_condition(1).numpy()[:, 0] > 120).mean()
    generated = (squares.right(1, 5).numpy()[:, 0] > 120).mean()
    assert score["real"] == pytest.approx(real)
    assert score["generated"] == pytest.approx(generated)
    assert score["deviation"] == pytest.approx(abs(generated - real) / real)
    assert score["floor_deviation"] == pytest.approx(abs(score["training"] - real) / real)
    overall = result["overall"]["area_fraction"]
    deviations = [entry["scores"]["area_fraction"]["deviation"] for entry in result["conditions"]]
    assert overall["mean_deviation"] == pytest.approx(np.mean(deviations))
    assert overall["worst_deviation"] == max(deviations)


def test_the_same_twice_and_the_seed_decides(squares: Any) -> None:
    def run(seed: int) -> Evaluation:
        return measure(
            squares.spec(EquivalentDiameter(), AreaFraction(), images=8, seed=seed), squares.data(), squares.right
        )

    assert run(0) == run(0)
    assert run(0).scores != run(1).scores


def test_generate_is_asked_for_as_many_images_as_are_compared(squares: Any) -> None:
    asked: list[tuple[int, int]] = []

    def generate(label: int, count: int) -> Tensor:
        asked.append((label, count))
        return squares.right(label, count)

    measure(squares.spec(AreaFraction(), images=16), squares.data(evaluation=[40, 3, 40]), generate)
    assert asked == [(0, 16), (1, 3), (2, 16)]


def test_progress_reaches_the_end(squares: Any) -> None:
    steps: list[tuple[str, int, int]] = []
    measure(squares.spec(AreaFraction(), images=4), squares.data(), squares.right, lambda *step: steps.append(step))
    assert steps == [("measure", i, 3) for i in range(4)]


def test_minority_is_decided_once_by_the_real_images(squares: Any) -> None:
    def mostly_bright(label: int, count: int) -> Tensor:
        return 255 - squares.right(label, count)

    result = squares.plain(
        measure(squares.spec(AreaFraction(), phase="minority", threshold=120.0), squares.data(), mostly_bright)
    )
    assert [entry["primary"] for entry in result["conditions"]] == ["bright"] * 3
    assert all(entry["scores"]["area_fraction"]["generated"] > 0.5 for entry in result["conditions"])
    dark = squares.plain(measure(squares.spec(AreaFraction(), phase="dark"), squares.data(), squares.right))
    assert dark["conditions"][0]["primary"] == "dark"
    assert dark["conditions"][0]["scores"]["area_fraction"]["real"] > 0.9


def test_three_channels(squares: Any) -> None:
    def colour(label: int, count: int) -> Tensor:
        return squares.images(squares.SIZES[label], count, 5, channels=3)

    result = squares.plain(measure(squares.spec(), squares.data(channels=3), colour))
    assert result["overall"]["area_fraction"]["mean_deviation"] < 0.1


def test_one_setting_of_a_kind_beside_another(squares: Any) -> None:
    result = squares.plain(
        measure(squares.spec(EquivalentDiameter(), EquivalentDiameter(min_area=60)), squares.data(), squares.right)
    )
    assert [entry["name"] for entry in result["descriptors"]] == [
        "equivalent_diameter",
        "equivalent_diameter_2",
    ]
    assert result["descriptors"][1]["spec"]["min_area"] == 60
    one, other = result["conditions"][0]["scores"].values()
    assert one["real"] is not None
    assert other["real"] is None


def test_samples(squares: Any) -> None:
    evaluation = measure(squares.spec(), squares.data(um_per_px=0.5), squares.right)
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


def test_refuses_other_images_than_asked(squares: Any) -> None:
    for images in (torch.zeros((3, *squares.SHAPE), dtype=torch.uint8), torch.zeros((32, *squares.SHAPE))):
        with pytest.raises(ValueError, match=r"generate\(0, 32\) gave"):
            measure(squares.spec(AreaFraction()), squares.data(), lambda label, count, images=images: images)


def test_constant_training_images_need_a_threshold(squares: Any) -> None:
    given = squares.data()
    flat = Patches(torch.full_like(given.train.images, 9), given.train.condition, given.train.source)
    with pytest.raises(DataError, match=r"evaluation\.threshold"):
        measure(squares.spec(AreaFraction()), Data(given.space, flat, given.evaluation), squares.right)
    measure(squares.spec(AreaFraction(), threshold=120.0), Data(given.space, flat, given.evaluation), squares.right)


def test_an_error_of_a_descriptor_names_it(squares: Any) -> None:
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
        measure(squares.spec(BrokenSpec()), squares.data(), squares.right)
    assert caught.value.__notes__ == ["while measuring size = 6 px with the descriptor broken"]
