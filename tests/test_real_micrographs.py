"""The paper's model on real micrographs: one SEM image for each of four exposure times."""

import json
from pathlib import Path

import pytest

from alloygan import Zoo, evaluate_run, load_generator, train
from alloygan.reports.page import write_report

HOURS = (10, 150, 300, 500)


@pytest.fixture
def spec(shared_data: Path, tmp_path: Path) -> Path:
    images = shared_data / "ni_superalloy_1070C"
    rows = [f"{images / f'sem_1070C_{hours:03d}h.jpg'},{hours}" for hours in HOURS]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,exposure", *rows]) + "\n")
    path = tmp_path / "ni.yaml"
    path.write_text(
        "extends: zoo:jain2024\n"
        "name: ni-2c\n"
        "data: {manifest: manifest.csv, downscale: 2, contrast: stretch}\n"
        "conditions: [{name: exposure, unit: h, scale: log}]\n"
        "evaluation: {phase: dark}\n"
    )
    return path


def test_at_the_paper_s_size_it_assembles(zoo: Zoo, spec: Path) -> None:
    read = zoo.read_spec(spec)
    data = read.data.build(read.conditions)
    assert data.train.images.shape == (324, 1, 128, 128)
    assert data.evaluation.images.shape == (12, 1, 128, 128)
    assert [row[0] for row in data.space.table] == list(HOURS)
    assert data.space.columns[0].unit == "h"


def test_in_small_it_trains_samples_and_is_measured(zoo: Zoo, spec: Path, tmp_path: Path) -> None:
    small = [
        "data.patch=32", "data.downscale=8", "generator.width=4", "generator.noise=8", "critic.width=4",
        "training.epochs=null", "training.images=96", "training.batch_size=8", "training.device=cpu",
    ]  # fmt: skip
    run = train(zoo.read_spec(spec, small), tmp_path / "run")
    terms = [json.loads(line)["terms"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert set(terms[-1]) == {
        f"{loss}.{role}" for loss in ("adversarial", "contrastive") for role in ("critic", "generator")
    }
    model = load_generator(run, zoo)
    assert model.sample((150.0,), 4, seed=0).shape == (4, 1, 32, 32)
    result = evaluate_run(run, zoo)
    assert [condition["condition"] for condition in result["conditions"]] == [{"exposure": float(h)} for h in HOURS]
    assert all(0 < condition["scores"]["area_fraction"]["real"] < 1 for condition in result["conditions"])
    assert "exposure = 150 h" in write_report(run, zoo).read_text(encoding="utf-8")


def test_between_measured_exposures_the_report_says_what_one_micrograph_can_tell(
    zoo: Zoo, spec: Path, tmp_path: Path
) -> None:
    """Trained on 10, 150 and 500 h and asked for 300 h, on a logarithmic scale."""
    small = [
        "data.patch=32", "data.downscale=8", "generator.width=4", "generator.noise=8", "critic.width=4",
        "generator.conditioner=continuous_mlp", "critic.conditioner=continuous_mlp",
        "losses.contrastive=proportional_2c",
        "training.epochs=null", "training.images=96", "training.batch_size=8", "training.device=cpu",
        "data.held_out={conditions: [{exposure: 300}]}", "evaluation.judge_images=200", "evaluation.comparisons=[]",
    ]  # fmt: skip
    run = train(zoo.read_spec(spec, small), tmp_path / "run")
    result = evaluate_run(run, zoo)
    (one,) = result["interpolation"]["conditions"]
    assert (one["text"], one["place"], one["nearest"]) == ("exposure = 300 h", "between", "exposure = 500 h")
    assert one["scores"]["area_fraction"]["floor"] is not None
    (sweep,) = result["condition_sweeps"]
    assert sweep["values"][0] == 10
    assert sweep["values"][-1] == 500
    assert sweep["values"][4] == pytest.approx((10 * 500) ** 0.5, rel=1e-3), "even steps of the logarithm"
    note = result["interpolation"]["note"]
    assert note.startswith("There is one micrograph or simulation only of exposure = 300 h: the floor")
    assert "Nearest is a single micrograph or simulation of exposure = 500 h." in note
    page = write_report(run, zoo).read_text(encoding="utf-8")
    assert "Keep in mind." in page
    assert "compares two regions of it" in page
