"""An ablation with held-out conditions: its table, and what its page says of them; with real workers."""

import json
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from skimage.filters import gaussian
from skimage.io import imsave
from skimage.util import img_as_ubyte

from alloygan import Zoo
from alloygan.reports.wording import number
from alloygan.sweeps.ablate import ablate
from alloygan.sweeps.grid import Ablation, read_ablation
from alloygan.sweeps.held_out_scores import MEAN_VALUE, HeldOutScore, read_held_out_scores
from alloygan.sweeps.held_out_section import _left_out
from alloygan.sweeps.remainders import remainders

STUDY = """
data: {composition: [0.35, 0.42, 0.5, 0.58, 0.65], time: [20, 60, 100], runs: 8, evaluation_runs: 8}
conditions: [{name: composition}, {name: time, scale: log}]
generator: {conditioner: continuous_mlp}
critic: {conditioner: continuous_mlp}
losses: {contrastive: null}
evaluation: {images: 8, judge_images: 200, bootstrap: 20, descriptors: [area_fraction, two_point]}
vary:
  method:
    plain: {}
    term: {losses.contrastive: proportional_2c}
  split:
    islands: {data.held_out: {conditions: [{composition: 0.42, time: 60}], corners: [{composition: high, time: high}]}}
    band: {data.held_out: {bands: [{column: composition, width: 3}]}}
seeds: 2
baseline: {method: plain}
"""


@pytest.fixture(scope="module")
def study(zoo: Zoo, base: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ablation]:
    folder = tmp_path_factory.mktemp("study")
    (folder / "base.yaml").write_text(base)
    (folder / "ablation.yaml").write_text("extends: base.yaml\nname: study\n" + STUDY)
    ablation = read_ablation(folder / "ablation.yaml", zoo, ["launcher.jobs=2", "launcher.threads=1"])
    out = folder / "out"
    done = ablate(ablation, out, ablation.launcher.build(), zoo)
    assert done.count("done") == len(ablation.runs)
    return out, ablation


def test_the_table_has_every_score_of_every_held_out_condition(study: tuple[Path, Ablation]) -> None:
    out, ablation = study
    scores = read_held_out_scores(out / "held_out.csv")
    conditions = {"plain, islands": 2, "term, islands": 2, "plain, band": 9, "term, band": 9}
    for cell, count in conditions.items():
        mine = [one for one in scores if one.cell == cell]
        assert len({one.condition for one in mine}) == count
        assert {one.seed for one in mine} == {0, 1}
        assert {one.baseline for one in mine} == {"plain, " + cell.split(", ")[1] if cell.startswith("term") else ""}
        assert {"area_fraction", "two_point", "fidelity.composition", "fidelity.time"} <= {one.score for one in mine}
    beyond = {one.condition for one in scores if one.cell == "plain, islands" and one.place == "beyond"}
    assert beyond == {"composition = 0.65, time = 100"}
    gaps = sorted({round(one.gap, 3) for one in scores if one.cell == "plain, band"})
    assert gaps == [1], "three of five compositions are missing, so the ends are interpolated between"
    widths = {round(one.gap, 3) for one in scores if one.cell == "plain, islands" and one.place == "between"}
    assert widths == {0.5}, "of 0.35 and 0.5"
    run = next(run for run in ablation.runs if run.cell == "plain, islands" and run.seed == 1)
    evaluation = json.loads((out / "cells" / run.key / "run" / "evaluation.json").read_text())
    one = next(
        one
        for one in scores
        if (one.cell, one.seed, one.place, one.score) == ("plain, islands", 1, "between", "two_point")
    )
    entry = next(entry for entry in evaluation["interpolation"]["conditions"] if entry["text"] == one.condition)
    assert one.value == pytest.approx(entry["scores"]["two_point"]["score"], rel=1e-5)
    assert one.nearest == pytest.approx(entry["scores"]["two_point"]["nearest"], rel=1e-5)


def test_the_page_has_the_remainders_beside_those_of_the_blend(study: tuple[Path, Ablation]) -> None:
    out, _ = study
    page = (out / "ablation.html").read_text()
    assert 'href="#held-out"' in page
    section = page[page.index('<section id="held-out">') :]
    section = section[: section.index("</section>")]
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", section)).split())
    scores = read_held_out_scores(out / "held_out.csv")
    for name in ("area_fraction", "area_fraction" + MEAN_VALUE):
        for place in ("between", "beyond"):
            for cell, one in remainders(scores, name, place).items():
                if one.value is not None:
                    assert number(one.value) in text, (name, place, cell)
    assert "blend of the neighbours" in text
    assert section.count("<svg") >= 2, "a panel a score over the width of the gap"


def test_pictures_of_held_out_conditions_say_in_which_cells_they_are(study: tuple[Path, Ablation]) -> None:
    out, _ = study
    page = unescape((out / "ablation.html").read_text())
    rows = re.findall(r'<div class="condition"><span>(.*?)</span></div>', page)
    marks = {re.sub(r" <.*", "", row): (re.findall(r"\((.*?)\)", row) or [""])[0] for row in rows}
    assert len(marks) == 6
    # Cells A and C hold out an island and the corner, B and D a band of compositions.
    expected = {
        text: "held out, interpolated"
        if text == "composition = 0.42, time = 60"
        else "held out, extrapolated in A and C"
        if text == "composition = 0.65, time = 100"
        else "held out, interpolated in B and D"
        if text.split(",")[0] in ("composition = 0.42", "composition = 0.5", "composition = 0.58")
        else ""
        for text in marks
    }
    assert marks == expected
    assert len(set(marks.values())) >= 2
    assert "other cells have other data" not in page


def test_without_held_out_conditions_there_is_neither(zoo: Zoo, base: str, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "ablation.yaml").write_text("extends: base.yaml\nname: none\nvary: {width: {a: {}}}\nseeds: 1\n")
    ablation = read_ablation(tmp_path / "ablation.yaml", zoo, ["launcher.threads=1"])
    ablate(ablation, tmp_path / "out", ablation.launcher.build(), zoo)
    assert not (tmp_path / "out" / "held_out.csv").exists()
    assert "Held out" not in (tmp_path / "out" / "ablation.html").read_text()


def test_the_page_says_what_single_micrographs_can_tell(zoo: Zoo, base: str, tmp_path: Path) -> None:
    rows = ["file,exposure"]
    for grains, hours in enumerate((1, 10, 100)):
        grey = gaussian(np.random.default_rng(grains).standard_normal((160, 160)), 2 + grains, mode="wrap") > 0
        imsave(tmp_path / f"{hours}.png", img_as_ubyte(grey), check_contrast=False)
        rows.append(f"{hours}.png,{hours}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "ablation.yaml").write_text(
        "extends: base.yaml\n"
        "name: single\n"
        "data: {kind: micrographs, manifest: manifest.csv, patch: 32, held_out: {conditions: [{exposure: 10}]}}\n"
        "conditions: [{name: exposure, unit: h, scale: log}]\n"
        "generator: {conditioner: continuous_mlp}\n"
        "critic: {conditioner: continuous_mlp}\n"
        "losses: {contrastive: null}\n"
        "evaluation: {images: 8, judge_images: 100, bootstrap: 20, descriptors: [area_fraction], comparisons: []}\n"
        "vary: {method: {a: {}}}\n"
        "seeds: 1\n"
    )
    ablation = read_ablation(tmp_path / "ablation.yaml", zoo, ["launcher.threads=1"])
    ablate(ablation, tmp_path / "out", ablation.launcher.build(), zoo)
    page = unescape((tmp_path / "out" / "ablation.html").read_text())
    assert page.count("There is one micrograph or simulation only of exposure = 10 h") == 1


def test_what_is_in_no_sum_is_told_for_each_group_of_cells_alike() -> None:
    """A node may be told apart where one thing was trained on, and not where another was."""
    scores = [
        HeldOutScore(cell, base, 0, "x = 1", "between", 0.5, "area_fraction", 0.1, 0.0, 0.2, apart)
        for cell, base, apart in (("a, left", "", True), ("b, left", "a, left", True), ("a, right", "", False))
    ]
    cells = [SimpleNamespace(name=one.cell, baseline=one.baseline or None) for one in scores]
    ablation: Any = SimpleNamespace(cells=cells, baselines=("a, left", "a, right"))
    letters = {"a, left": "A", "b, left": "B", "a, right": "C"}
    assert list(_left_out(ablation, scores, letters, ["area_fraction"])) == ["area fraction (in C): x = 1"]
