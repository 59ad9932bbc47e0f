"""The data set: micrographs, patches, splits, columns, what it refuses."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alloygan import Zoo
from alloygan.data.patches import Data
from alloygan.data.simulated import SimulatedMicrograph
from alloygan.data.simulation_folder import write_simulation
from alloygan.errors import DataError, SpecError
from alloygan.evaluation.particles import find_particles
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.synthetic_alloy.grains import draw_grains
from alloygan_plugins.synthetic_alloy.law import truth_at

SMALL: dict[str, Any] = {
    "kind": "synthetic_alloy",
    "temperature": [800, 1100],
    "training_micrographs": 2,
    "evaluation_micrographs": 1,
    "size": [64, 96],
    "patch": 32,
}


def make(zoo: Zoo, asked: tuple[ColumnSpec, ...] = (), **fields: Any) -> Data:
    spec = zoo.spec_from_values(SMALL | fields, "dataset")
    data = spec.build(asked)
    assert isinstance(data, Data)
    assert data.train.images.shape[1:] == spec.image_shape
    assert data.space == spec.condition_space(asked)
    return data


def micrographs(zoo: Zoo, **fields: Any) -> list[SimulatedMicrograph]:
    return list(zoo.spec_from_values(SMALL | fields, "dataset").micrographs(()))


def test_the_default_is_the_papers_eight_conditions(zoo: Zoo) -> None:
    spec = zoo.spec_from_values({"kind": "synthetic_alloy"}, "dataset")
    space = spec.condition_space(())
    assert [(column.name, column.unit, column.scale) for column in space.columns] == [
        ("temperature", "°C", "linear"),
        ("strain_rate", "1/s", "log"),
    ]
    assert space.table == tuple((t, e) for t in (800.0, 900.0, 1000.0, 1100.0) for e in (0.001, 0.1))
    assert spec.image_shape == (1, 128, 128)
    # At least 8 grains of at least 10 px on average in every patch of 128 px.
    for row in space.table:
        truth = truth_at(*row)
        assert truth.number_density * (128 * 0.5) ** 2 > 8
        assert truth.mean_diameter / 0.5 > 10


def test_patches_and_conditions(zoo: Zoo) -> None:
    data = make(zoo)
    assert torch.bincount(data.train.condition.label).tolist() == [30, 30, 30, 30]
    assert torch.bincount(data.evaluation.condition.label).tolist() == [6, 6, 6, 6]
    assert data.um_per_px == 0.5
    first = micrographs(zoo)[0]
    assert torch.equal(data.train.images[0, 0], torch.from_numpy(first.image[0, :32, :32]))
    assert torch.equal(data.train.images[1, 0], torch.from_numpy(first.image[0, :32, 16:48]))
    assert torch.equal(data.evaluation.images[1, 0], torch.from_numpy(micrographs(zoo)[8].image[0, :32, 32:64]))


def test_training_and_evaluation_never_share_a_micrograph(zoo: Zoo) -> None:
    data = make(zoo)
    assert data.train.source.unique().tolist() == list(range(8))
    assert data.evaluation.source.unique().tolist() == list(range(8, 12))
    images = [one.image.tobytes() for one in micrographs(zoo)]
    assert len(set(images)) == len(images)
    whole = make(zoo, evaluation_micrographs=0)
    assert whole.evaluation is whole.train


def test_what_a_micrograph_carries(zoo: Zoo) -> None:
    found = micrographs(zoo)
    assert len(found) == 12
    assert len({one.name for one in found}) == 12
    assert [one.training for one in found] == [True] * 8 + [False] * 4
    for one in found:
        assert one.image.shape == (1, 64, 96)
        assert one.um_per_px == 0.5
        assert set(one.conditions) == {"temperature", "strain_rate"}
        assert one.truth is not None
        assert one.mask is not None
        assert len(one.truth["x_px"]) == len(find_particles(one.mask, min_area=0, exclude_edges=False))
        assert one.crack_mask is None
    assert all(one.crack_mask is not None and one.crack_mask.any() for one in micrographs(zoo, cracks=2))


def test_a_micrograph_depends_on_its_own_seed_number_and_condition_alone(zoo: Zoo) -> None:
    images = [one.image for one in micrographs(zoo)]
    again = [one.image for one in micrographs(zoo)]
    assert all(np.array_equal(one, two) for one, two in zip(images, again, strict=True))
    other_seed = [one.image for one in micrographs(zoo, seed=1)]
    assert not any(np.array_equal(one, two) for one, two in zip(images, other_seed, strict=True))
    # Fewer conditions and fewer training micrographs leave the others as they are.
    fewer = {one.image.tobytes() for one in micrographs(zoo, temperature=[1100], training_micrographs=1)}
    assert len(fewer) == 4
    assert fewer < {image.tobytes() for image in images}


def test_it_leaves_global_random_numbers_alone(zoo: Zoo) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    make(zoo)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()


def test_continuous_values_and_a_random_design(zoo: Zoo) -> None:
    between = make(zoo, temperature=[837.5], strain_rate=[0.0123], size=64)
    assert between.space.table == ((837.5,),)
    data = make(zoo, design="random", training_micrographs=12, evaluation_micrographs=4)
    assert data.space.table == ()
    assert (data.train.condition.label == -1).all()
    values = data.train.condition.values.unique(dim=0)
    assert len(values) == 12
    assert values.min() >= 0
    assert values.max() <= 1
    # Strain rates are drawn evenly on the logarithm.
    assert 0.2 < values[:, 1].mean() < 0.8
    more = micrographs(zoo, design="random", training_micrographs=13, evaluation_micrographs=4)
    assert [one.conditions for one in more[13:]] == [
        one.conditions for one in micrographs(zoo, design="random", training_micrographs=12, evaluation_micrographs=4)
    ][12:]


def test_several_magnifications_go_through_prepare(zoo: Zoo) -> None:
    found = micrographs(zoo, um_per_px=[0.4, 0.8])
    assert [one.um_per_px for one in islice(found, 4)] == [0.4, 0.8, 0.4, 0.8]
    spec = zoo.spec_from_values(SMALL | {"um_per_px": [0.4, 0.8]}, "dataset")
    for act in (spec.build, spec.check_inputs):
        with pytest.raises(DataError, match="alloygan prepare"):
            act(())
    # The same alloy at both: twice the pixel shows four times the area.
    grains = [len(one.truth["x_px"]) for one in micrographs(zoo, um_per_px=[0.5, 1.0], size=256) if one.truth]
    assert np.mean(grains[1:8:2]) > 3 * np.mean(grains[0:8:2])


@pytest.mark.parametrize("evaluation_micrographs", [0, 1])
def test_the_folder_is_split_as_the_simulation_is(zoo: Zoo, tmp_path: Path, evaluation_micrographs: int) -> None:
    made = zoo.spec_from_values(SMALL | {"evaluation_micrographs": evaluation_micrographs}, "dataset")
    write_simulation(made.micrographs(()), tmp_path / "alloy", {})
    values = {"kind": "micrographs", "manifest": str(tmp_path / "alloy/manifest.csv"), "patch": 32, "stride": 16}
    asked = [ColumnSpec(name="temperature"), ColumnSpec(name="strain_rate", scale="log")]
    simulated, found = made.build(asked), zoo.spec_from_values(values, "dataset").build(asked)
    for one, two in ((simulated.train, found.train), (simulated.evaluation, found.evaluation)):
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.source, two.source)
        assert torch.equal(one.condition.values, two.condition.values)


def test_where_grains_have_no_room_it_says_so() -> None:
    with pytest.raises(DataError, match=r"no room for \d+ grains 10 µm apart.*smaller um_per_px"):
        draw_grains(
            truth_at(800, 0.1), (160.0, 160.0), np.random.default_rng(0), gap=10.0, roughness=0.1, elongated_along=0.0
        )


def test_pixels_too_coarse_for_the_grains_are_refused(zoo: Zoo) -> None:
    with pytest.raises(SpecError, match=r"um_per_px.*less than or equal to 2"):
        zoo.spec_from_values(SMALL | {"um_per_px": 5.0}, "dataset")


def test_the_density_is_even_up_to_the_border() -> None:
    """Grains are placed around the field too, so its rim has as many as its middle."""
    truth = truth_at(1100, 0.1)
    rim, middle = 0, 0
    for number in range(12):
        grains = draw_grains(
            truth, (120.0, 120.0), np.random.default_rng(number), gap=1.5, roughness=0.1, elongated_along=0.0
        )
        inside = (grains.x >= 0) & (grains.x < 120) & (grains.y >= 0) & (grains.y < 120)
        core = (np.abs(grains.x - 60) < 42) & (np.abs(grains.y - 60) < 42)
        middle += int(core.sum())
        rim += int((inside & ~core).sum())
    areas = 84.0**2, 120.0**2 - 84.0**2
    assert middle / areas[0] / 12 == pytest.approx(truth.number_density, rel=0.1)
    assert rim / areas[1] / 12 == pytest.approx(truth.number_density, rel=0.1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"temperature": [800, 800]}, "stands twice"),
        ({"temperature": [300]}, "greater than or equal to 600"),
        ({"temperature": []}, "at least 1 item"),
        ({"strain_rate": [0]}, "greater than or equal to 0.00001"),
        ({"size": 8}, "at least 16"),
        ({"patch": 65}, "larger than the micrograph of 64 × 96"),
        ({"um_per_px": 0}, "greater than 0"),
        ({"um_per_px": []}, "at least 1 item"),
        ({"um_per_px": "fine"}, "um_per_px"),
        ({"cracks": "many"}, "law"),
        ({"cracks": -1}, "greater than or equal to 0"),
        ({"noise": -1}, "greater than or equal to 0"),
        ({"contrast_drift": 2}, "less than or equal to 0.5"),
        ({"compression": "diagonal"}, "vertical"),
        ({"crack": 1}, "Did you mean 'cracks'"),
    ],
)
def test_what_cannot_be_simulated(zoo: Zoo, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        zoo.spec_from_values(SMALL | fields, "dataset")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([{"name": "temprature"}], "Did you mean 'temperature'"),
        ([{"name": "temperature"}], "strain_rate varies"),
        ([{"name": "temperature", "scale": "category"}, {"name": "strain_rate"}], "a number"),
    ],
)
def test_columns_that_it_does_not_have(zoo: Zoo, columns: list[dict[str, Any]], words: str) -> None:
    spec = zoo.spec_from_values(SMALL, "dataset")
    asked = [ColumnSpec.model_validate(column) for column in columns]
    for act in (spec.columns, spec.micrographs, spec.build):
        with pytest.raises(ValueError, match=words):
            act(asked)
