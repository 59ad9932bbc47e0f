"""The figures, each alone: what is drawn, and what is said where nothing is."""

import json
import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from alloygan.data.condition_space import Column, ConditionSpace
from alloygan.data.unscaling import unscaled
from alloygan.reports import microstructure_grid as grids
from alloygan.reports.distributions import density, distribution_panels, per_particle
from alloygan.reports.loss_curves import MOST_POINTS, loss_panels, read_metrics
from alloygan.reports.measured_curves import curve_names, curve_panels
from alloygan.reports.microstructure_grid import microstructure_grid
from alloygan.reports.spread import spread_out
from alloygan.reports.style import SETS, drawing, to_svg
from alloygan.reports.verdict import verdict
from alloygan.reports.wording import listed, number, percent, unit_text
from alloygan.sharing import load_generator
from alloygan.zoo import Zoo


def pixels(uri: str) -> NDArray[np.uint8]:
    head, _, body = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(b64decode(body))))


# The grid


@pytest.mark.parametrize("shape", [(1, 32, 48), (3, 64, 32), (2, 32, 32)])
def test_grid_holds_real_patches_of_its_condition_bit_by_bit(
    make_run: Any, zoo: Zoo, shape: tuple[int, int, int]
) -> None:
    made = make_run(3, shape=shape)
    grid = microstructure_grid(load_generator(made.path, zoo), made.data, [0, 2], 0)
    assert [row.label for row in grid.rows] == [0, 2]
    assert grid.columns == ("real", "z1", "z2", "z3", "z4")
    assert grid.crisp
    for row in grid.rows:
        assert len(row.real) == 2
        assert len(row.generated) == 4
        real = made.data.evaluation.of_condition(row.label).numpy()
        if shape[0] == 2:
            patches = list(real.mean(axis=1).round().astype(np.uint8))
        else:
            patches = [patch.transpose(1, 2, 0).squeeze() for patch in real]
        found = [next(i for i, patch in enumerate(patches) if (pixels(uri) == patch).all()) for uri in row.real]
        assert len(set(found)) == 2, "two different ones"
        assert len({i % 2 for i in found}) == 2, "from both sources"
    assert any("mean of the 2 channels" in note for note in grid.notes) == (shape[0] == 2)


def test_a_column_of_the_grid_has_one_noise(make_run: Any, zoo: Zoo) -> None:
    made = make_run(3)
    model = load_generator(made.path, zoo)
    grid = microstructure_grid(model, made.data, [0, 1, 2], 7)
    for row in grid.rows:
        expected = model.sample(model.space.table[row.label], 4, 7).numpy()[:, 0]
        for uri, image in zip(row.generated, expected, strict=True):
            np.testing.assert_array_equal(pixels(uri), image)


def test_grid_says_where_there_are_no_real_patches(make_run: Any, zoo: Zoo) -> None:
    made = make_run(2, evaluation_patches=0)
    model = load_generator(made.path, zoo)
    rows = microstructure_grid(model, made.data, [0, 1], 0).rows
    assert [(row.real, row.note) for row in rows] == [([], "no evaluation images")] * 2
    one = make_run(2, name="one", evaluation_patches=1)
    assert [len(row.real) for row in microstructure_grid(model, one.data, [0, 1], 0).rows] == [1, 1]


def test_large_pictures_are_made_smaller_and_it_is_said(
    make_run: Any, zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_run(2)
    monkeypatch.setattr(grids, "_MOST_BYTES", 2 * 6 * 32 * 48 // 2)
    grid = microstructure_grid(load_generator(made.path, zoo), made.data, [0, 1], 0)
    assert grid.notes == ["Pictures are shown at 1/2 of their size, averaged."]
    assert pixels(grid.rows[0].real[0]).shape == (16, 24)
    blocks = made.data.evaluation.of_condition(0).numpy()[:, 0].reshape(-1, 16, 2, 24, 2).mean(axis=(2, 4))
    assert min(np.abs(pixels(grid.rows[0].real[0]) - block).max() for block in blocks) <= 0.5


def test_unscaled_inverts_the_scaling() -> None:
    columns = (
        Column("t", "h", "log", low=1, high=1000),
        Column("alloy", "", "category", levels=("A", "B")),
        Column("T", "°C", "linear", low=800, high=800),
    )
    space = ConditionSpace(columns)
    row = (150.0, "B", 812.0)
    assert unscaled(space, space.condition([row]).values[0].tolist()) == row


# Spread


def test_spread_out_takes_ends_and_never_one_twice() -> None:
    line = torch.linspace(0, 1, 101).reshape(-1, 1)
    assert spread_out(line, 3) == [0, 50, 100]
    assert spread_out(line[:5], 5) == [0, 1, 2, 3, 4]
    assert len(set(spread_out(torch.zeros(20, 2), 12))) == 12
    assert spread_out(torch.zeros(0, 2)) == []


def test_held_out_conditions_get_most_of_the_places() -> None:
    line = torch.arange(101.0)[:, None]
    assert {41, 47} <= set(spread_out(line, 4, preferred=[41, 44, 47]))
    assert spread_out(line, 4, preferred=[50]) == [0, 25, 50, 100]


# Distributions


def test_distributions_need_enough_distinct_values() -> None:
    at = np.linspace(0, 10, 50)
    assert density(np.array([1.0] * 50), at, 0) is None
    assert density(np.arange(7.0), at, 0) is None
    assert density(np.arange(8.0), at, 0) is not None
    alike = 1.0 + np.arange(9) * 1e-16
    assert density(alike, at, 0) is None


def test_density_keeps_its_mass_above_the_smallest_value() -> None:
    values = 1 + np.random.default_rng(0).exponential(0.3, 500)
    at = np.linspace(1, 10, 4000)
    found = density(values, at, 1.0)
    assert found is not None
    assert np.trapezoid(found, at) == pytest.approx(1, abs=0.01)


def test_distribution_panels_say_how_many_and_why_none(evaluation: dict[str, Any], samples: dict[str, Any]) -> None:
    samples["equivalent_diameter"]["0"] |= {"generated": []}
    evaluation["conditions"][0]["scores"]["equivalent_diameter"]["note"] = "generated: 4 of 4 images have no particle"
    samples["equivalent_diameter"]["1"] = {"unit": "um", "real": [3.0], "generated": [2.0], "training": []}
    samples["equivalent_diameter"]["2"] = {"unit": "um", "real": [], "generated": [], "training": []}
    assert per_particle(evaluation, samples) == ["equivalent_diameter"]
    one, few, none = distribution_panels(evaluation, samples, "equivalent_diameter", [0, 1, 2])
    assert one.notes == ["n = 14 real, 0 generated, 14 training", "generated: 4 of 4 images have no particle"]
    assert one.svg is not None
    assert "density (1/µm)" in one.svg
    assert SETS["real"]["color"].lower() in one.svg
    assert SETS["generated"]["color"].lower() not in one.svg
    assert few.svg is not None
    assert "single values" in few.svg
    assert none.svg is None
    assert none.notes == ["n = 0 real, 0 generated, 0 training", "Nothing to measure."]
    assert [panel.number for panel in (one, few, none)] == [0, 1, 2]


def test_values_far_out_do_not_press_the_rest_together(evaluation: dict[str, Any], samples: dict[str, Any]) -> None:
    for sets in samples["equivalent_diameter"].values():
        sets["real"] = [*np.linspace(1, 2, 200).tolist(), 500.0]
        sets["generated"] = sets["training"] = np.linspace(1, 2, 200).tolist()
    panel = distribution_panels(evaluation, samples, "equivalent_diameter", [0])[0]
    assert panel.notes == ["n = 201 real, 200 generated, 200 training; 1 beyond the axis"]


def test_a_descriptor_with_more_values_than_images_is_one_of_particles(
    evaluation: dict[str, Any], samples: dict[str, Any]
) -> None:
    assert "area_fraction" not in per_particle(evaluation, samples)
    samples["area_fraction"]["1"]["generated"] = [0.1] * 9
    assert per_particle(evaluation, samples) == ["equivalent_diameter", "area_fraction"]


# Curves


def test_curve_panels(evaluation: dict[str, Any], samples: dict[str, Any]) -> None:
    assert curve_names(evaluation, samples) == ["two_point"]
    samples["two_point"]["1"] |= {"real": [], "training": []}
    samples["two_point"]["2"] |= {"real": [], "generated": [], "training": []}
    all_three, only_generated, none = curve_panels(evaluation, samples, "two_point", [0, 1, 2], "curve")
    colors = [line["color"].lower() for line in SETS.values()]
    assert all_three.svg is not None
    assert all(color in all_three.svg for color in colors)
    assert "distance (px)" in all_three.svg
    assert only_generated.svg is not None
    assert [color in only_generated.svg for color in colors] == [False, True, False]
    assert none.svg is None
    assert none.notes == ["Nothing to measure."]


def test_metrics_are_read_up_to_a_half_written_line(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    assert read_metrics(file) == []
    file.write_text('{"images": 1, "terms": {"a.b": 1}}\n{"images": 2, "te', encoding="utf-8")
    assert [line["images"] for line in read_metrics(file)] == [1]


def test_loss_panels_group_terms_by_loss_and_keep_observed_apart() -> None:
    lines = [
        {"images": 1000 * i, "terms": {"a.critic": 1.0, "a.generator": 2.0} | ({"b.critic": 3.0} if i % 2 else {}),
         "observed": {"a.x": 1.0, "a.y": 1e9}}
        for i in range(1, 30)
    ]  # fmt: skip
    terms = loss_panels(lines, "terms")
    assert [panel.title for panel in terms] == ["a", "b"]
    assert terms[0].svg is not None
    assert ">critic</text>" in terms[0].svg
    assert ">10,000</text>" in terms[0].svg
    assert [panel.title for panel in loss_panels(lines, "observed")] == ["a.x", "a.y"]
    assert loss_panels([], "terms") == []


def test_a_long_training_is_drawn_with_few_points() -> None:
    random = np.random.default_rng(0)
    lines = [{"images": 1000 * i, "terms": {"a.critic": float(random.normal())}} for i in range(20_000)]
    (panel,) = loss_panels(lines, "terms")
    assert panel.svg is not None
    assert "million images seen" in panel.svg
    assert len(panel.svg) < 60 * MOST_POINTS


# Style and words


def test_figures_leave_no_trace_and_share_no_id() -> None:
    before = dict(mpl.rcParams)
    texts = []
    for identity in ("one", "two"):
        with drawing(3, 2) as (figure, axes):
            axes.plot([0, 1], [0, 1], "o")
            axes.set_xlabel('cost in $ and $ 試験 <b> id="x"')
            texts.append(to_svg(figure, identity, 'a "label" <b>'))
    assert dict(mpl.rcParams) == before
    one, two = (set(re.findall(r'<[^<>]*\sid="([^"]*)"', text)) for text in texts)
    assert one
    assert not one & two
    for text in texts:
        assert text.startswith('<svg role="img" aria-label="a &#34;label&#34; &lt;b&gt;"')
        assert 'cost in $ and $ 試験 &lt;b&gt; id="x"</text>' in text
        assert "<metadata" not in text
        assert "<style" not in text
        used = {*re.findall(r'href="#([^"]*)"', text), *re.findall(r"url\(#([^)]*)\)", text)}
        assert used
        assert used <= one | two


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (float("nan"), "–"), (float("inf"), "–"), ("7", "–"), (True, "–"), (0, "0"), (0.30444, "0.304"),
        (20.0, "20.0"), (127.5, "128"), (12345.6, "12,346"), (-0.004638, "−0.00464"), (4.2e-9, "4.20×10⁻⁹"),
        (-3e12, "−3.00×10¹²"), (0.99999, "1.00"), (999.6, "1,000"),
    ],
)  # fmt: skip
def test_number(value: Any, text: str) -> None:
    assert number(value) == text


def test_other_words() -> None:
    assert [percent(x) for x in (None, 0.0004, 0.0224, 4.244)] == ["–", "0.04 %", "2.2 %", "424 %"]
    assert [unit_text(x) for x in ("um", "1/um²", "number", "")] == ["µm", "1/µm²", "number", ""]
    assert [listed(x) for x in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_verdict_counts_what_is_at_its_floor(evaluation: dict[str, Any]) -> None:
    for mean in evaluation["overall"].values():
        mean |= {"mean_deviation": 0.02, "mean_floor_deviation": 0.04}
    assert "all 3 descriptors are as close" in verdict(evaluation)
    assert "nearest to that limit" in verdict(evaluation)
    for mean in evaluation["overall"].values():
        mean |= {"mean_deviation": 0.08}
    assert "none of 3 descriptors is as close" in verdict(evaluation)
    assert "(2.00 times as much)" in verdict(evaluation)


def test_verdict_does_not_count_a_descriptor_that_fails_in_a_condition(evaluation: dict[str, Any]) -> None:
    evaluation["overall"]["area_fraction"] |= {"mean_deviation": 0.0, "mean_floor_deviation": 0.04}
    evaluation["conditions"][2]["scores"]["area_fraction"]["generated"] = None
    sentence = verdict(evaluation)
    assert "none of 2 descriptors" in sentence
    assert "Not comparable in every condition: area fraction." in sentence
    for name in evaluation["overall"]:
        evaluation["overall"][name] = dict.fromkeys(evaluation["overall"][name])
    assert verdict(evaluation).startswith("No descriptor could be compared")
    json.dumps(evaluation)
