"""The shipped study: its cells, that each of them trains, and the script that makes its page."""

import csv
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alloygan import Zoo, train
from alloygan.data.held_out import load_data
from alloygan.data.patches import Data
from alloygan.sweeps.ablate import ablate
from alloygan.sweeps.grid import Ablation, CellRun, read_ablation
from alloygan.sweeps.held_out_scores import HeldOutScore

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "continuous_study.py"
TINY = [
    "data.size=32", "data.pool=1", "data.runs=1", "data.evaluation_runs=1", "generator.channels=[8, 4, 4]",
    "critic.channels=[4, 4, 8]", "critic.projection_hidden=8", "training.images=16", "training.batch_size=8",
    "training.log_every=8", "training.checkpoint_every=16", "seeds=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def simulations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulations")


@pytest.fixture(scope="module")
def study(zoo: Zoo, simulations: Path) -> Ablation:
    return read_ablation("zoo:continuous-study", zoo, [*TINY, f"data.cache={simulations}"])


@pytest.fixture(scope="module")
def data(study: Ablation) -> dict[str, Data]:
    """By split, for the runs of all methods."""
    return {split: load_data(run_of(study, f"projection, {split}").spec) for split in ("islands", "band")}


def run_of(study: Ablation, cell: str) -> CellRun:
    return study.cell(cell).runs[0]


def test_each_split_has_its_baseline_and_its_gap(zoo: Zoo, data: dict[str, Data]) -> None:
    study = read_ablation("zoo:continuous-study", zoo)
    assert study.baselines == ("projection, islands", "projection, band")
    assert len(study.seeds) >= 3
    assert {cell.baseline for cell in study.cells if cell.name.endswith("band")} == {None, "projection, band"}
    assert not study.notes
    table = data["islands"].space.table
    assert len(table) == 35
    islands = {table[label] for label in data["islands"].space.held_out}
    assert islands == {(0.45, 200.0), (0.55, 400.0), (0.4, 800.0), (0.6, 800.0), (0.65, 1600.0)}
    band = {table[label] for label in data["band"].space.held_out}
    assert band == {row for row in table if row[1] in (200.0, 400.0)}


def test_what_was_improved_is_told_apart_and_trains(
    zoo: Zoo, simulations: Path, data: dict[str, Data], tmp_path: Path
) -> None:
    improved = read_ablation("zoo:continuous-improved", zoo, [*TINY, f"data.cache={simulations}"])
    splits = ["islands", "band", "one time", "three times"]
    assert improved.baselines == tuple(f"projection, {split}" for split in splits)
    both, first_two = ["projection", "eq. 1 relative"], splits[:2]
    cells = [(method, split) for method in both for split in splits]
    cells += [(m, split) for m in ("Fourier critic", "Fourier critic, eq. 1 relative") for split in first_two]
    assert [(cell.levels["method"], cell.levels["split"]) for cell in improved.cells] == cells
    for cell in improved.cells:
        if cell.levels["split"] == "band":
            run = train(cell.runs[0].spec, tmp_path / cell.levels["method"], data=data["band"])
            assert len((run / "metrics.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "method",
    [
        "projection",
        "concatenated",
        "nearest class",
        "eq. 1 learned",
        "eq. 1 fixed",
        "vicinal hard",
        "vicinal soft",
        "eq. 1 anchored",
        "eq. 1 as printed",
        "eq. 1 relative",
    ],
)
def test_every_method_trains(study: Ablation, data: dict[str, Data], method: str, tmp_path: Path) -> None:
    spec = run_of(study, f"{method}, islands").spec
    run = train(spec, tmp_path / "run", data=data["islands"])
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2


def script() -> Any:
    if str(SCRIPT.parent) not in sys.path:
        sys.path.append(str(SCRIPT.parent))  # where a script finds its neighbours when it is started
    module = importlib.util.module_from_spec(found := importlib.util.spec_from_file_location("study", SCRIPT))  # type: ignore[arg-type]
    found.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def test_laws_are_measured_on_curves() -> None:
    compositions, times = [0.3, 0.5, 0.7], [100.0, 800.0]
    grey = [(c + 0.1) / 1.2 for c in compositions]
    sweeps = [
        {
            "column": "composition",
            "values": compositions,
            "descriptors": {
                "area_fraction": {"generated": [0.35, 0.5, 0.65], "real": [{"value": 0.3, "mean": 0.3}]},
                "mean_grey": {"generated": grey, "real": [{"value": 0.3, "mean": grey[1]}]},
            },
        },
        {
            "column": "time",
            "values": times,
            "descriptors": {
                "characteristic_length": {
                    "generated": [8.0, 4.0],
                    "real": [{"value": time, "mean": time ** (1 / 3)} for time in times],
                }
            },
        },
    ]
    generated, real = script().laws(sweeps, "generated"), script().laws(sweeps, "real")
    assert generated["lever_rule"] == pytest.approx(0.1 / 3)
    assert generated["mean_composition"] == pytest.approx(0, abs=1e-12)
    assert generated["length_order"] == pytest.approx(-1)
    assert generated["length_exponent"] == pytest.approx(-1 / 3)
    assert real["lever_rule"] == pytest.approx(0)
    assert real["mean_composition"] == pytest.approx(0.2)
    assert real["length_exponent"] == pytest.approx(1 / 3)


def test_laws_that_cannot_be_told_are_left_out() -> None:
    nothing = {"generated": [None, 0.5], "real": [{"value": 0.3, "mean": None}]}
    sweep = {"column": "composition", "values": [0.3, 0.5], "descriptors": {"area_fraction": nothing}}
    assert script().laws([sweep], "generated") == {"lever_rule": pytest.approx(0)}
    assert script().laws([sweep], "real") == {}
    flat = {"generated": [4.0, 4.0], "real": []}
    still = {"column": "time", "values": [10.0, 20.0], "descriptors": {"characteristic_length": flat}}
    assert script().laws([still], "generated")["length_order"] == 0
    assert script().laws([], "generated") == {}


def test_the_page_s_numbers_come_from_what_is_kept(
    zoo: Zoo, simulations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two methods, one split, tiny: from the folder, and again from the table that was kept of it."""
    few = ["evaluation.images=2", "evaluation.judge_images=100", "evaluation.bootstrap=0", "evaluation.comparisons=[]"]
    cells = ["product=false", "cells=[{method: projection, split: islands}, {method: eq. 1 fixed, split: islands}]"]
    settings = [*TINY, *few, *cells, f"data.cache={simulations}", "data.runs=3", "data.evaluation_runs=3"]
    small = read_ablation("zoo:continuous-study", zoo, [*settings, "launcher.threads=1", "launcher.jobs=2"])
    done = ablate(small, tmp_path / "out", small.launcher.build(), zoo)
    assert done.count("done") == 2
    kept, figure = tmp_path / "kept.csv", tmp_path / "figure.png"
    script().main([str(tmp_path / "out"), "--keep", str(kept)])
    first = capsys.readouterr().out
    script().main([str(kept), "--figure", str(figure)])
    assert capsys.readouterr().out == first
    assert "islands, between conditions trained on" in first
    assert "islands, beyond conditions trained on" in first
    assert figure.stat().st_size > 10_000
    with kept.open() as file:
        rows = list(csv.DictReader(file))
    of_runs = {row["score"] for row in rows if row["place"] == "run"}
    assert {"lever_rule", "mean_composition", "length_order", "length_exponent", "embedding.spearman"} <= of_runs
    assert {row["cell"] for row in rows} == {"projection, islands", "eq. 1 fixed, islands", "real images, islands"}
    assert np.isfinite([float(row["value"]) for row in rows if row["value"]]).all()


def test_more_seeds_of_a_cell_may_come_from_another_source() -> None:
    module = script()

    def kept(*values: tuple[int, float]) -> Any:
        scores = [
            HeldOutScore("projection, band", "", seed, "a", "between", 0.5, "two_point", value, 0.0, 1.0, False)
            for seed, value in values
        ]
        return module.Kept(scores, {("projection, band", seed, "lever_rule"): value for seed, value in values})

    one, two = Path("one"), Path("two")
    joined, twice = module._joined({one: kept((0, 0.1), (1, 0.2)), two: kept((1, 0.9), (2, 0.3))})
    assert [(score.seed, score.value) for score in joined.scores] == [(0, 0.1), (1, 0.2), (2, 0.3)]
    assert [value for _, value in sorted(joined.runs.items())] == [0.1, 0.2, 0.3]
    assert twice == [("projection, band", one)]
