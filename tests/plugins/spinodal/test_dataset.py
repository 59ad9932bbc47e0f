"""The simulated data set: nodes, patches, splits, columns."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alloygan import Zoo
from alloygan.cli import app
from alloygan.data.images import read_image, read_mask
from alloygan.data.patches import Data
from alloygan.data.simulation_folder import write_simulation
from alloygan.errors import DataError, SpecError
from alloygan.specs.condition_columns import ColumnSpec

SMALL = {"kind": "spinodal", "composition": [0.4, 0.6], "time": [30, 60], "size": 32, "runs": 2, "evaluation_runs": 1}


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


def test_a_random_run_keeps_its_field_when_runs_are_added(zoo: Zoo) -> None:
    few, more = (make(zoo, design="random", runs=n, evaluation_runs=0).train for n in (3, 5))
    # The same to rounding, which grey levels rarely show.
    assert (few.images.int() - more.images[:3].int()).abs().max() <= 1


def test_a_misfit_that_varies_is_a_condition(zoo: Zoo) -> None:
    data = make(zoo, misfit=[0.3, 0], moduli=[1, 0.3, 0.8], time=[60])
    assert [column.name for column in data.space.columns] == ["composition", "misfit"]
    assert data.space.table == ((0.4, 0.0), (0.4, 0.3), (0.6, 0.0), (0.6, 0.3))
    # The misfit opposes the decomposition, and no simulation of one value is one of the other.
    spread = [data.train.of_condition(label).float().std() for label in range(4)]
    assert spread[1] < 0.9 * spread[0]
    assert spread[3] < 0.9 * spread[2]


def test_a_misfit_of_zero_changes_no_bit(zoo: Zoo) -> None:
    one, other = make(zoo), make(zoo, misfit=[0], moduli=[1, 0.3, 0.8])
    assert torch.equal(one.train.images, other.train.images)


def test_a_misfit_does_not_move_what_else_is_drawn_at_random(zoo: Zoo) -> None:
    without, with_misfit = (
        zoo.spec_from_values(SMALL | {"design": "random", "misfit": misfit}, "dataset").nodes()
        for misfit in ([0], [0, 0.4])
    )
    assert [{**node, "misfit": 0} for node in with_misfit] == without
    values = [node["misfit"] for node in with_misfit]
    assert len(set(values)) == len(values)
    assert 0 <= min(values) < max(values) <= 0.4


def test_a_random_design_draws_the_values_it_always_drew(zoo: Zoo) -> None:
    first = zoo.spec_from_values(SMALL | {"design": "random", "gradient_energy": [0.5, 2]}, "dataset").nodes()[0]
    # A change here changes every random data set that was ever drawn from a seed.
    assert first["composition"] == pytest.approx(0.5688843703050096)
    assert first["gradient_energy"] == pytest.approx(1.6369316143849354)
    assert first["time"] == pytest.approx(42.61714742492384)


@pytest.mark.parametrize("design", [{}, {"design": "random", "runs": 3}])
def test_micrographs_are_the_boxes_that_patches_are_cut_from(zoo: Zoo, design: dict[str, Any]) -> None:
    spec = zoo.spec_from_values(SMALL | {"pool": 2} | design, "dataset")
    found = list(spec.micrographs(()))
    data = make(zoo, pool=2, **design)
    assert len(found) == len(data.train) + len(data.evaluation)
    assert len({one.name for one in found}) == len(found)
    boxes = {bytes(image.numpy().tobytes()) for image in data.train.images}
    assert {one.image.tobytes() for one in found if one.training} == boxes
    assert {bytes(image.numpy().tobytes()) for image in data.evaluation.images} == {
        one.image.tobytes() for one in found if not one.training
    }
    for one in found:
        assert set(one.conditions) == {"composition", "time"}
        assert one.um_per_px is None
        assert one.mask is not None
        # On the mask is what is brighter than the middle of grey_range, but for rounding.
        sure = np.abs(one.image[0].astype(float) - 127.5) > 1
        assert np.array_equal(one.mask[sure], (one.image[0] > 127.5)[sure])


def test_simulated_micrographs_as_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "box"
    fields = ["composition=[0.4,0.6]", "misfit=[0,0.2]", "time=[40]", "runs=1", "evaluation_runs=1", "size=32"]
    overrides = [part for field in fields for part in ("--set", field)]
    with pytest.raises(SystemExit) as end:
        app(["simulate", "spinodal", "--out", str(out), "--json", *overrides])
    assert end.value.code in (0, None)
    assert json.loads(capsys.readouterr().out)["micrographs"] == 8
    lines = (out / "manifest.csv").read_text().splitlines()
    assert lines[0] == "file,composition,misfit,mask,evaluation"
    assert lines[1] == "images/training_00000_t40.png,0.4,0,masks/training_00000_t40.png,none"
    assert all(line.endswith(",none" if "training" in line else ",all") for line in lines[1:])
    assert len(lines) == 9
    image = read_image(out / "images/training_00000_t40.png")
    mask = read_mask(out / "masks/training_00000_t40.png", size=(32, 32))
    assert image.shape == (1, 32, 32)
    assert image[0][mask].min() >= image[0][~mask].max()


@pytest.mark.parametrize("design", ["grid", "random"])
def test_the_folder_is_split_as_the_simulation_is(zoo: Zoo, tmp_path: Path, design: str) -> None:
    composition = [0.4, 0.6]
    fields = {"design": design, "composition": composition, "size": 48, "patch": 16, "runs": 3, "evaluation_runs": 2}
    made = zoo.spec_from_values(SMALL | fields, "dataset")
    write_simulation(made.micrographs(()), tmp_path / "box", {})
    values = {"kind": "micrographs", "manifest": str(tmp_path / "box/manifest.csv"), "patch": 16, "stride": 16}
    read = zoo.spec_from_values(values | {"table": design == "grid"}, "dataset")
    asked = [ColumnSpec(name="composition"), ColumnSpec(name="time", scale="log")]
    simulated, found = made.build(asked), read.build(asked)
    for one, two in ((simulated.train, found.train), (simulated.evaluation, found.evaluation)):
        # The simulation has its patches by time first, the folder by simulation.
        assert sorted(image.numpy().tobytes() for image in one.images) == sorted(
            image.numpy().tobytes() for image in two.images
        )


@pytest.mark.parametrize("design", ["grid", "random"])
def test_noise_that_no_simulation_survives_is_told(zoo: Zoo, design: str) -> None:
    with pytest.raises(DataError, match="a noise of 100 puts compositions too far outside"):
        make(zoo, design=design, noise=100)


def test_without_evaluation_runs_those_of_training_serve(zoo: Zoo) -> None:
    data = make(zoo, evaluation_runs=0)
    assert data.evaluation is data.train


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"composition": [0.4, 0.4]}, "stands twice"),
        ({"composition": [1.4]}, "less than 1"),
        ({"gradient_energy": [0]}, "greater than 0"),
        ({"misfit": [-0.1]}, "greater than or equal to 0"),
        ({"misfit": [0.1, 0.1]}, "stands twice"),
        ({"misfit": []}, "at least 1"),
        ({"moduli": [1, 0.3, 0]}, "stable crystal"),
        ({"moduli": [1, 0.3]}, "moduli"),
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


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 32, "patch": 16},
        {"size": 32, "patch": 16, "stride": 8},
        {"size": [32, 64], "patch": [16, 24], "stride": [8, 12]},
        {"size": 64, "pool": 2, "patch": 24},
        {"size": 32, "design": "random", "time": [4, 8], "runs": 3},
    ],
)
def test_patches_are_counted_without_simulating(zoo: Zoo, fields: dict[str, object]) -> None:
    values = {"kind": "spinodal", "composition": [0.4, 0.6], "time": [4], "runs": 2, "evaluation_runs": 1} | fields
    spec: Any = zoo.spec_from_values(values, "dataset")
    assert spec.training_patches(()) == len(spec.build(()).train)
