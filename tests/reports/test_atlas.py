"""The atlas: which conditions it draws, that its pictures and numbers are the model's, and that it fits on a page."""

import json
from base64 import b64decode
from io import BytesIO
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from alloygan.data.condition_space import Column, ConditionSpace, Row
from alloygan.evaluation.segmentation import segment
from alloygan.reports.atlas import MOST_BYTES, Atlas, atlas
from alloygan.reports.atlas_points import atlas_points
from alloygan.reports.atlas_values import primary_bright
from alloygan.reports.page import write_report
from alloygan.sharing import SharedGenerator, load_generator
from alloygan.zoo import Zoo


def model_of(space: ConditionSpace, zoo: Zoo, conditioner: str) -> SharedGenerator:
    """A model of which only its spec and space are asked."""
    spec = zoo.spec_from_values({"kind": "dcgan_attention", "conditioner": conditioner}, "generator")
    return SharedGenerator("made", torch.nn.Identity(), spec, space, (1, 32, 32), None, 0)  # type: ignore[arg-type]


def drawn(made: Any, zoo: Zoo, asked: list[Row] | None = None) -> Atlas:
    model = load_generator(made.path, zoo)
    found = atlas(model, made.data, made.evaluation(), zoo, asked or [], 0)
    assert found is not None
    return found


def pixels(png: str) -> Any:
    return np.asarray(Image.open(BytesIO(b64decode(png))))


LINEAR = Column("T", "°C", "linear", low=800, high=1000)
LOG = Column("t", "h", "log", low=1, high=1000)
ALLOY = Column("alloy", "", "category", levels=("A", "B"))


def test_classes_only_are_never_asked_off_the_table(zoo: Zoo) -> None:
    table = tuple(product((800.0, 900.0, 1000.0), (1.0, 1000.0)))
    space = ConditionSpace((LINEAR, LOG), table)
    points = atlas_points(model_of(space, zoo, "one_hot"), [table[3]], 80, 80)
    assert points.rows == list(table)
    assert points.levels == [[800, 900, 1000], [1, 1000]]
    assert all(points.on_grid)


def test_continuous_columns_have_even_steps_between_their_bounds(zoo: Zoo) -> None:
    points = atlas_points(model_of(ConditionSpace((LINEAR, LOG)), zoo, "continuous_mlp"), [], 81, 80)
    temperatures, times = points.levels
    assert len(points.rows) == len(temperatures) * len(times) <= 81
    assert (temperatures[0], temperatures[-1], times[0], times[-1]) == (800, 1000, 1, 1000)
    assert np.ptp(np.diff(np.array(temperatures, dtype=float))) < 0.13 * 200 / (len(temperatures) - 1)
    assert np.ptp(np.diff(np.log(np.array(times, dtype=float)))) < 0.13 * np.log(1000) / (len(times) - 1)
    assert len(set(points.rows)) == len(points.rows)


def test_bounds_of_many_digits_are_drawn_in_to_short_ones(zoo: Zoo) -> None:
    columns = (
        Column("c", "", "linear", low=-0.350072, high=0.646046),
        Column("t", "h", "log", low=51.3346, high=199.913),
        Column("T", "K", "linear", low=1173.15, high=1173.151),
    )
    points = atlas_points(model_of(ConditionSpace(columns), zoo, "continuous_mlp"), [], 60, 60)
    assert (points.levels[0][0], points.levels[0][-1]) == (-0.35, 0.646)
    assert (points.levels[1][0], points.levels[1][-1]) == (51.4, 199)
    assert (points.levels[2][0], points.levels[2][-1]) == (1173.15, 1173.151), "nothing shorter lies between"


def test_a_small_table_that_is_a_grid_is_refined(zoo: Zoo) -> None:
    table = tuple(product((800.0, 1000.0), ("A", "B")))
    space = ConditionSpace((LINEAR, ALLOY), table)
    points = atlas_points(model_of(space, zoo, "continuous_mlp"), [table[1]], 40, 40)
    assert set(table) < set(points.rows)
    assert len(points.levels[0]) == 17
    assert points.levels[1] == ["A", "B"]
    assert all(points.on_grid)
    for row, places in zip(points.rows, points.places, strict=True):
        assert row == tuple(levels[place] for levels, place in zip(points.levels, places, strict=True))


def test_scattered_conditions_that_are_asked_stand_beside_the_grid(zoo: Zoo) -> None:
    table = tuple((800.0 + 7 * i, 1.3**i) for i in range(20))
    space = ConditionSpace((LINEAR, LOG), table)
    points = atlas_points(model_of(space, zoo, "continuous_mlp"), [table[5], table[9]], 40, 40)
    assert len(points.rows) <= 40
    for row in (table[5], table[9]):
        assert not points.on_grid[points.rows.index(row)]
    assert sum(points.on_grid) == len(points.levels[0]) * len(points.levels[1])


def test_more_columns_than_a_grid_has_room_for(zoo: Zoo) -> None:
    columns = tuple(Column(f"c{i}", "", "linear", low=0, high=1) for i in range(12))
    asked = [tuple(float(i == j) for i in range(12)) for j in range(3)]
    points = atlas_points(model_of(ConditionSpace(columns), zoo, "continuous_mlp"), asked, 80, 80)
    assert points.rows == asked


def test_a_long_table_is_spread_out(zoo: Zoo) -> None:
    table = tuple((800.0 + i,) for i in range(200))
    space = ConditionSpace((Column("T", "°C", "linear", low=800, high=999),), table)
    points = atlas_points(model_of(space, zoo, "one_hot"), [table[77]], 80, 100)
    assert len(points.rows) <= 61
    assert table[77] in points.rows
    assert points.rows == sorted(points.rows)


def test_pictures_and_values_are_those_of_the_model(make_run: Any, zoo: Zoo) -> None:
    made = make_run(3)
    threshold = made.halve_phases(zoo)
    found = drawn(made, zoo)
    model = load_generator(made.path, zoo)
    evaluation = made.evaluation()
    names = [one["name"] for one in found.data["descriptors"]]
    assert "area fraction" in names
    for label, row in enumerate(model.space.table):
        point = found.data["points"][found.of[row]]
        images = model.sample(row, found.noises, 0).numpy()
        masks = segment(images, threshold, bright=True)
        for png, image, mask, values in zip(point["images"], images, masks, point["values"], strict=True):
            np.testing.assert_array_equal(pixels(png), image[0])
            assert 0.1 < mask.mean() < 0.9
            assert values[names.index("area fraction")] == f"{mask.mean():.3f}"
        real = made.data.evaluation.of_condition(label).numpy()[:, 0]
        assert any((pixels(point["patch"]) == patch).all() for patch in real)
        score = evaluation["conditions"][label]["scores"]["area_fraction"]
        assert point["real"][names.index("area fraction")] == f"{score['real']:.3f}"
        assert point["note"] == "A condition of the training images."


def test_how_a_condition_stands_to_the_training_is_said(make_run: Any, zoo: Zoo) -> None:
    held_out = drawn(make_run(4, held_out=(3,)), zoo).data["points"]
    assert held_out[3]["note"].startswith(
        "Held out: no training image had this condition. It extrapolates: composition"
    )
    assert [point["held"] for point in held_out] == [False, False, False, True]
    off_table = drawn(make_run(0, name="off"), zoo)
    nowhere = "No real image has this condition. It lies within the range that was seen in training."
    for point in off_table.data["points"]:
        # The grid's corner is the one point of it that the data have.
        corner = point["text"] == "composition = 0.1 at%, gradient_energy = 0.4, time = 1"
        assert point["note"] == ("A condition of evaluation images." if corner else nowhere)
        assert (point["patch"] is not None) == corner
        assert point["label"] == -1


def test_a_condition_asked_off_the_table_is_found_again(make_run: Any, zoo: Zoo) -> None:
    row = (0.3, 1.4, 10.0)
    made = make_run(0)
    found = drawn(made, zoo, [row])
    point = found.data["points"][found.of[row]]
    assert point["text"] == "composition = 0.3 at%, gradient_energy = 1.4, time = 10"
    # The second of six conditions, of four patches each.
    assert any((pixels(point["patch"]) == patch[0]).all() for patch in made.data.evaluation.images[4:8].numpy())


def test_descriptors_whose_plugin_is_gone_are_left_out(make_run: Any, zoo: Zoo) -> None:
    made = make_run(2)
    evaluation = made.evaluation()
    for one in evaluation["descriptors"]:
        one["spec"] = {"kind": "of_a_plugin_that_is_gone"}
    made.write("evaluation.json", evaluation)
    found = drawn(made, zoo)
    assert found.data["descriptors"] == []
    assert found.data["points"][0]["values"] == [[]] * found.noises


@pytest.mark.usefixtures("page_only")
@pytest.mark.parametrize("shape", [(1, 128, 128), (3, 64, 96)])
def test_a_page_of_many_conditions_stays_small(
    make_run: Any, zoo: Zoo, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int, int]
) -> None:
    made = make_run(48, shape=shape)
    evaluation = made.evaluation()
    for one in evaluation["descriptors"]:
        one["spec"] = {}  # what is measured on noise would take its time
    made.write("evaluation.json", evaluation)

    def noise(self: SharedGenerator, row: Row, count: int, seed: int) -> Tensor:
        return torch.randint(0, 256, (count, *shape), dtype=torch.uint8)

    monkeypatch.setattr(SharedGenerator, "sample", noise)  # nothing compresses worse
    path = write_report(made.path, zoo, data=made.data)
    assert path.stat().st_size < 15_000_000
    text = path.read_text(encoding="utf-8")
    start = text.index('id="atlas-data">') + len('id="atlas-data">')
    data = json.loads(text[start : text.index("</script>", start)])
    assert len(data["points"]) == 48
    assert data["noises"] >= 4
    pngs = [png for point in data["points"] for png in [*point["images"], point["patch"]]]
    assert sum(len(b64decode(png)) for png in pngs) <= MOST_BYTES
    if shape[0] == 1:
        assert pixels(pngs[0]).shape == shape[1:], "whole pixels, as far as there is room"


def test_nothing_ends_the_script_that_holds_the_data() -> None:
    hostile = "</script><!--<script> & \u2028"
    found = Atlas({"points": [{"text": hostile}]}, [], {}, 4, crisp=True)
    assert not set("<>&\u2028") & set(found.json)
    assert json.loads(found.json) == found.data


def test_values_of_a_curve_are_called_by_their_name_and_not_by_the_curve_s(make_run: Any, zoo: Zoo) -> None:
    made = make_run(3)
    made.halve_phases(zoo)
    evaluation = made.evaluation()
    evaluation["descriptors"][2]["summary_name"] = "correlation length"
    made.write("evaluation.json", evaluation)
    names = [one["name"] for one in drawn(made, zoo).data["descriptors"]]
    assert names[-1] == "correlation length (two point)"
    assert names[:-1] == ["equivalent diameter", "area fraction"][-len(names[:-1]) :]


def test_the_primary_phase_off_the_table_is_that_of_the_bin(zoo: Zoo) -> None:
    model = model_of(ConditionSpace((LINEAR, LOG)), zoo, "continuous_mlp")
    conditions = [
        {"label": -1, "primary": "bright", "ranges": {"t": [1, 10]}},
        {"label": -2, "primary": "dark", "ranges": {"t": [11, 1000]}},
    ]
    for time, bright in ((5.0, True), (500.0, False), (10.5, True)):
        assert primary_bright(model, {"conditions": conditions}, (900.0, time)) == bright
