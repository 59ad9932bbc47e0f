"""A run with held-out conditions, from training to report, with both ways of taking the condition."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from alloygan import Zoo, train
from alloygan.cli import main
from alloygan.errors import DataError
from alloygan.evaluation.of_run import evaluate_run
from alloygan.sharing import load_generator

SPEC = """
name: held-out
data: {kind: spinodal, composition: [0.35, 0.5, 0.65], time: [5, 10, 20], runs: 2, evaluation_runs: 2, size: 32,
  patch: 16, held_out: {conditions: [{composition: 0.5, time: 10}], corners: [{composition: high, time: high}]}}
conditions: [{name: composition}, {name: time, scale: log}]
generator: {kind: dcgan_attention, conditioner: CONDITIONER, width: 4, noise: 8}
critic: {kind: dcgan_contrastive, conditioner: CONDITIONER, width: 4}
losses: {adversarial: hinge, contrastive: contragan_2c}
training: {images: 64, batch_size: 16, critic_updates: 1}
evaluation: {descriptors: [area_fraction, pixel_std], images: 8, comparisons: [], bootstrap: 0, judge_images: 600,
  memorising_images: 4}
"""
INSIDE, CORNER = "composition=0.5,time=10", "composition=0.65,time=20"


def made(zoo: Zoo, folder: Path, conditioner: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(SPEC.replace("CONDITIONER", conditioner))
    return train(zoo.read_spec(path), folder / "run")


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(words)
    assert exit_.value.code == 0
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


def test_nothing_is_trained_on_what_is_held_out_and_everything_is_measured(
    zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made(zoo, tmp_path, "continuous_mlp")
    result: dict[str, Any] = json.loads(json.dumps(evaluate_run(run, zoo)))
    held_out = {one["text"]: one for one in result["conditions"] if one["held_out"]}
    assert list(held_out) == ["composition = 0.5, time = 10", "composition = 0.65, time = 20"]
    assert {one["floor_from"] for one in held_out.values()} == {"real images kept out of training"}
    assert all(one["scores"]["area_fraction"]["floor"] is not None for one in held_out.values())
    assert set(result["overall_held_out"]) == {"area_fraction", "pixel_std"}
    fidelity = result["fidelity"]
    assert fidelity["classes"] == list(range(9)), "the judge knows the held-out conditions"
    assert fidelity["held_out"] == [4, 8]
    assert fidelity["accuracy_held_out"]["chance"] == pytest.approx(1 / 9)
    assert {row["pairs"] for row in result["embedding"]["rows"]} == {"all", "held_out"}
    over_composition, over_time = result["condition_sweeps"]
    assert len(over_composition["values"]) == len(over_time["values"]) == 9
    assert over_composition["values"][0] == 0.35
    report = said(["report", str(run)], capsys)
    assert "report.html" in report
    page = (run / "report.html").read_text()
    assert "(held out, interpolated)" in page
    assert "(held out, extrapolated)" in page
    assert "It lies between those that had." in page
    assert 'id="held-out"' in page
    assert 'id="embedding"' in page
    assert "Along composition, at time = " in page
    scores = said(["evaluate", str(run)], capsys)
    assert "along each condition" in scores
    assert "composition time = " in scores
    assert "Between conditions that were trained on" in page
    assert "Beyond conditions that were trained on" in page
    assert "kept out of training" in page


def test_samples_say_where_they_lie(zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made(zoo, tmp_path, "continuous_mlp")
    asked = [INSIDE, CORNER, "composition=0.4,time=12", "composition=0.35,time=5", "composition=0.5,time=90"]
    words = [word for text in asked for word in ("--condition", text)]
    notes = said(["sample", str(run), *words, "--count", "2", "--out", str(tmp_path / "s")], capsys)
    assert "note: composition = 0.5, time = 10: not trained on; held out, interpolated between" in notes
    assert "note: composition = 0.65, time = 20: not trained on; held out, extrapolated beyond" in notes
    assert "note: composition = 0.4, time = 12: not trained on; interpolated between" in notes
    assert "composition = 0.5, time = 90: time lies outside what the model was trained on: an extrapolation" in notes
    assert "composition = 0.35" not in notes
    record = json.loads((tmp_path / "s" / "samples.json").read_text())
    places = [one["place"] for one in record["conditions"]]
    assert places == ["between", "beyond", "between", "trained", "beyond"]
    assert {one["served_by"] for one in record["conditions"]} == {None}


def test_classes_are_served_by_the_nearest(zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made(zoo, tmp_path, "one_hot")
    model = load_generator(run, zoo)
    corner, beside = (0.65, 20.0), model.served_by((0.65, 20.0))
    assert beside in ((0.5, 20.0), (0.65, 10.0))
    assert torch.equal(model.sample(corner, 2, 0), model.sample(beside, 2, 0))
    notes = said(["sample", str(run), "--condition", CORNER, "--count", "1", "--out", str(tmp_path / "s")], capsys)
    assert "so these are images of the nearest one that it was trained on, composition = 0." in notes
    result = evaluate_run(run, zoo)
    assert sum(one["held_out"] for one in result["conditions"]) == 2
    assert [one["values"] for one in result["condition_sweeps"]] == [[0.35, 0.5, 0.65], [5.0, 10.0, 20.0]]
    with pytest.raises(DataError, match="knows classes only") as caught:
        model.check((0.64, 20.0))
    assert "composition = 0.65, time = 20" not in str(caught.value), "what was held out is not known"


def test_a_condition_that_is_not_there_is_told_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("CONDITIONER", "one_hot").replace("composition: 0.5, time: 10", "time: 11"))
    for words in (["check", str(path)], ["train", str(path), "--out", str(tmp_path / "run")]):
        with pytest.raises(SystemExit) as exit_:
            main(words)
        assert exit_.value.code == 2
        assert "data.held_out.conditions.0: no condition of the data has time = 11" in capsys.readouterr().err
    assert not list((tmp_path / "run").glob("*.jsonl"))
