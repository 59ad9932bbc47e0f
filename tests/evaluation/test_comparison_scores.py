"""Comparisons in an evaluation: per condition, pooled, with floors and intervals; or with words."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data, Patches
from alloygan.errors import DataError
from alloygan.evaluation.evaluate import measure
from alloygan.interfaces.comparison import Comparison
from alloygan.specs.components import ComparisonSpec
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.evaluation import EvaluationSpec
from alloygan_plugins.phase_statistics.specs import AreaFraction


class MeanGreySpec(ComparisonSpec):
    """Difference of mean grey levels."""

    kind: Literal["mean_grey"] = "mean_grey"

    def build(self) -> Comparison:
        return MeanGrey()


class MeanGrey(Comparison):
    higher_is_better: Mapping[str, bool] = {"grey_difference": False}

    def features(self, images: np.ndarray) -> np.ndarray:
        return images.mean(axis=(1, 2, 3), dtype=np.float32)[:, None]

    def scores(self, judged: np.ndarray, reference: np.ndarray) -> Mapping[str, float | None]:
        if not len(judged) or not len(reference):
            return {"grey_difference": None}
        return {"grey_difference": float(abs(judged.mean() - reference.mean()))}


class NotInstalledSpec(ComparisonSpec):
    """Something that needs what is not there."""

    kind: Literal["not_installed"] = "not_installed"

    def build(self) -> Comparison:
        raise DataError("the weights are not installed: pip install something")


def images(label: int, count: int, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(10 * seed + label)
    bright = 20 * label + 10 * torch.rand(count, 1, 1, 1, generator=random)
    return (bright + 150 * torch.rand(count, 1, 8, 8, generator=random)).to(torch.uint8)


def data(held_out: frozenset[int] = frozenset(), sources: int = 60) -> Data:
    space = ConditionSpace.from_rows([ColumnSpec(name="t")], [{"t": 0.0}, {"t": 1.0}])
    space = ConditionSpace(space.columns, space.table, held_out)

    def patches(seed: int) -> Patches:
        rows = [row for row in space.table for _ in range(30)]
        return Patches(
            torch.cat([images(i, 30, seed) for i in (0, 1)]), space.condition(rows), torch.arange(60) % sources
        )

    return Data(space, patches(1), patches(2))


def evaluated(generate: Any, **settings: Any) -> dict[str, Any]:
    spec = EvaluationSpec(
        descriptors=(AreaFraction(),),
        comparisons=(MeanGreySpec(), NotInstalledSpec()),
        images=24, bootstrap=0, judge_images=0, memorising_images=0,
    )  # fmt: skip
    return measure(spec, data(**settings), generate).scores


def test_scores_lie_beside_their_floor_and_in_their_interval() -> None:
    good, missing = evaluated(lambda label, count: images(label, count, 3))["comparisons"]
    assert missing == {
        "kind": "not_installed",
        "spec": {"kind": "not_installed"},
        "missing": "the weights are not installed: pip install something",
    }
    assert good["names"] == {"grey_difference": {"higher_is_better": False}}
    for scores in (*(c["scores"] for c in good["conditions"]), good["pooled"]):
        score = scores["grey_difference"]
        assert score["generated"] < 5
        assert score["floor"] < 5
        low, high = score["interval"]
        assert low < score["generated"] < high
    mean = np.mean([c["scores"]["grey_difference"]["generated"] for c in good["conditions"]])
    overall = good["overall"]["grey_difference"]
    assert np.isclose(overall["generated"], mean)
    # Conditions are independent of each other, so their mean is known better than each of them.
    low, high = overall["interval"]
    assert low < mean < high
    widths = [np.ptp(c["scores"]["grey_difference"]["interval"]) for c in good["conditions"]]
    assert high - low < max(widths)
    assert np.ptp(overall["floor_interval"]) > 0


def test_the_wrong_condition_shows_per_condition_and_not_in_the_pool() -> None:
    swapped, _ = evaluated(lambda label, count: images(1 - label, count, 3))["comparisons"]
    for condition in swapped["conditions"]:
        score = condition["scores"]["grey_difference"]
        assert score["generated"] > 10 > score["floor"]
        assert score["interval"][0] > score["floor_interval"][1]
    assert swapped["pooled"]["grey_difference"]["generated"] < 5


def test_held_out_conditions_have_a_mean_of_their_own() -> None:
    found, _ = evaluated(lambda label, count: images(label, count, 3), held_out=frozenset({1}))["comparisons"]
    scores = [c["scores"]["grey_difference"]["generated"] for c in found["conditions"]]
    assert found["overall"]["grey_difference"]["generated"] == scores[0]
    assert found["overall_held_out"]["grey_difference"]["generated"] == scores[1]


def alike_within_a_source(given: Data, sources: int, shades: float = 100.0) -> Data:
    """The images of a source all the same: grey levels of the sources, far apart."""

    def alike(patches: Patches) -> Patches:
        random = torch.Generator().manual_seed(len(patches) + int(patches.images.sum()))
        shade = shades * torch.rand(sources, generator=random)
        level = shade[patches.source][:, None, None, None].expand(-1, 1, 8, 8)
        return Patches(level.to(torch.uint8), patches.condition, patches.source)

    return Data(given.space, alike(given.train), alike(given.evaluation))


@pytest.mark.parametrize(("sources", "words"), [(8, "8 sources"), (7, "24 images of 7 sources")])
def test_halves_are_of_sources_where_there_are_enough(sources: int, words: str) -> None:
    given = alike_within_a_source(data(sources=sources), sources)
    spec = EvaluationSpec(
        descriptors=(AreaFraction(),), comparisons=(MeanGreySpec(),),
        images=24, bootstrap=0, judge_images=0, memorising_images=0, threshold=50.0,
    )  # fmt: skip
    (found,) = measure(spec, given, lambda label, count: torch.full((count, 1, 8, 8), 50, dtype=torch.uint8)).scores[
        "comparisons"
    ]
    assert [one["intervals_from"] for one in found["conditions"]] == [words] * 2
    assert found["pooled_intervals_from"] == (words if sources == 8 else "48 images of 7 sources")
    # The standard error of the mean of so many grey levels, drawn at random from 0 to 100.
    error = 100 / np.sqrt(12 * sources)
    for condition in found["conditions"]:
        low, high = condition["scores"]["grey_difference"]["interval"]
        reach = (high - low) / 2 / 1.96
        assert (reach > 0.5 * error) == (sources == 8), "images taken for independent would be far too sure"


def test_too_few_images_have_no_interval() -> None:
    spec = EvaluationSpec(
        descriptors=(AreaFraction(),), comparisons=(MeanGreySpec(),),
        images=15, bootstrap=0, judge_images=0, memorising_images=0,
    )  # fmt: skip
    found = measure(spec, data(), lambda label, count: images(label, count, 3)).scores["comparisons"][0]
    assert found["conditions"][0]["intervals_from"] is None
    assert found["overall"]["grey_difference"]["interval"] is None
    assert found["pooled_intervals_from"] == "30 sources"
