"""The simulated data set: nodes, patches, splits, columns."""

from typing import Any

import pytest
import torch

from alloygan import Zoo, load_zoo
from alloygan.data.patches import Data
from alloygan.errors import SpecError
from alloygan.specs.condition_columns import ColumnSpec

SMALL = {"kind": "spinodal", "composition": [0.4, 0.6], "time": [30, 60], "size": 32, "runs": 2, "evaluation_runs": 1}


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return load_zoo()


def make(zoo: Zoo, asked: tuple[ColumnSpec, ...] = (), **fields: Any) -> Data:
    spec = zoo.spec_from_values(SMALL | fields, "dataset")
    data = spec.build(asked)
    assert isinstance(data, Data)
    assert data.train.images.shape[1:] == spec.image_shape
    assert data.space == spec.condition_space(asked)
    return data


def test_every_node_of_the_grid_is_a_condition(zoo: Zoo) -> None:
    data = make(zoo)
    assert [column.name for column in data.space.columns] == ["composition", "time"]
    assert data.space.table == ((0.4, 30.0), (0.4, 60.0), (0.6, 30.0), (0.6, 60.0))
    assert torch.bincount(data.train.condition.label).tolist() == [2, 2, 2, 2]
    assert torch.bincount(data.evaluation.condition.label).tolist() == [1, 1, 1, 1]
    # The mean grey level is the composition, which the simulation conserves.
    for label, row in enumerate(data.space.table):
        grey = data.train.of_condition(label).float().mean() / 255
        assert grey.item() * 1.2 - 0.1 == pytest.approx(float(row[0]), abs=0.003)


def test_training_and_evaluation_never_share_a_simulation(zoo: Zoo) -> None:
    data = make(zoo, patch=16)
    assert not set(data.train.source.tolist()) & set(data.evaluation.source.tolist())
    flat = {bytes(image.numpy().tobytes()) for image in data.train.images}
    assert not flat & {bytes(image.numpy().tobytes()) for image in data.evaluation.images}


def test_the_same_spec_gives_the_same_bits_and_another_seed_others(zoo: Zoo) -> None:
    one, again, other = make(zoo), make(zoo), make(zoo, seed=1)
    assert torch.equal(one.train.images, again.train.images)
    assert not torch.equal(one.train.images, other.train.images)


def test_patches_tile_the_box(zoo: Zoo) -> None:
    whole, cut = make(zoo), make(zoo, patch=[16, 8])
    assert len(cut.train) == 8 * len(whole.train)
    assert torch.equal(cut.train.images[0, 0], whole.train.images[0, 0, :16, :8])
    assert torch.equal(cut.train.images[1, 0], whole.train.images[0, 0, :16, 8:16])
    assert cut.train.source[:8].unique().numel() == 1


def test_overlapping_patches_wrap_around_the_periodic_box(zoo: Zoo) -> None:
    whole, cut = make(zoo), make(zoo, patch=16, stride=8)
    assert len(cut.train) == 16 * len(whole.train)
    # Evaluation patches are measured, so they do not overlap.
    assert len(cut.evaluation) == 4 * len(whole.evaluation)
    rolled = whole.train.images[0, 0].roll((-24, -24), dims=(0, 1))
    assert torch.equal(cut.train.images[15, 0], rolled[:16, :16])


def test_pooling_averages(zoo: Zoo) -> None:
    fine, coarse = make(zoo), make(zoo, pool=2)
    mean = torch.nn.functional.avg_pool2d(fine.train.images.float(), 2)
    assert (coarse.train.images.float() - mean).abs().max() <= 1


def test_a_random_design_has_no_table(zoo: Zoo) -> None:
    data = make(zoo, design="random", runs=3, evaluation_runs=2)
    assert data.space.table == ()
    assert (data.train.condition.label == -1).all()
    assert len(data.train) == 3
    assert len(data.evaluation) == 2
    assert data.train.condition.values.unique(dim=0).shape[0] == 3
    assert data.train.condition.values.min() >= 0
    assert data.train.condition.values.max() <= 1


def test_without_evaluation_runs_those_of_training_serve(zoo: Zoo) -> None:
    data = make(zoo, evaluation_runs=0)
    assert data.evaluation is data.train


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"composition": [0.4, 0.4]}, "stands twice"),
        ({"composition": [1.4]}, "less than 1"),
        ({"gradient_energy": [0]}, "greater than 0"),
        ({"size": 4}, "at least 8"),
        ({"pool": 5}, "does not divide"),
        ({"patch": 64}, "larger than"),
        ({"patch": [1, 2, 3]}, "one number"),
        ({"grey_range": [1, 0]}, "below the second"),
    ],
)
def test_what_cannot_be_simulated(zoo: Zoo, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        zoo.spec_from_values(SMALL | fields, "dataset")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([{"name": "compositon"}], "Did you mean 'composition'"),
        ([{"name": "composition"}], "time varies"),
        ([{"name": "composition", "scale": "category"}, {"name": "time"}], "a number"),
    ],
)
def test_columns_that_it_does_not_have(zoo: Zoo, columns: list[dict[str, Any]], words: str) -> None:
    spec = zoo.spec_from_values(SMALL, "dataset")
    with pytest.raises(ValueError, match=words):
        spec.columns([ColumnSpec.model_validate(column) for column in columns])
