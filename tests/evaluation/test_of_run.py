"""Evaluating a run folder: what is written, and what is refused."""

import json
from pathlib import Path

import pytest

from alloygan import Zoo, evaluate_run, train
from alloygan.errors import RunFolderError, SpecError
from alloygan.evaluation.evaluate import SCHEMA
from alloygan.reports.page import write_report

VALUES = {
    "name": "measured",
    "data": {"kind": "spinodal", "composition": [0.4, 0.6], "time": [40], "size": 32, "patch": 16, "runs": 2},
    "generator": {"kind": "dcgan_attention", "width": 4, "noise": 6, "conditioner": "continuous_mlp"},
    "critic": {"kind": "dcgan_contrastive", "width": 4, "conditioner": "continuous_mlp"},
    "losses": {"adversarial": "wgan"},
    "training": {"images": 16, "batch_size": 4, "device": "cpu"},
    "evaluation": {"images": 4},
}


@pytest.fixture(scope="module")
def run(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(zoo.spec_from_values(VALUES), tmp_path_factory.mktemp("of_run") / "run")


def test_the_result_is_what_is_written_and_comes_out_again(zoo: Zoo, run: Path) -> None:
    result = evaluate_run(run, zoo)
    assert result == json.loads((run / "evaluation.json").read_text())
    assert result["schema"] == SCHEMA
    assert result["name"] == "measured"
    assert result["images_seen"] == 16
    assert [condition["condition"] for condition in result["conditions"]] == [
        {"composition": 0.4},
        {"composition": 0.6},
    ]
    assert evaluate_run(run, zoo) == result


def test_other_conditions_than_the_model_s_are_refused(zoo: Zoo, run: Path) -> None:
    other = zoo.spec_from_values(VALUES | {"data": VALUES["data"] | {"composition": [0.4, 0.5]}})  # type: ignore[operator]
    with pytest.raises(RunFolderError, match="other conditions"):
        evaluate_run(run, zoo, data=other.data.build(other.conditions))


def test_what_is_set_is_measured_and_kept(zoo: Zoo, run: Path) -> None:
    result = evaluate_run(run, zoo, overrides=["evaluation.images=2"])
    assert result["conditions"][0]["images"] == 2
    assert result["evaluation_spec"]["images"] == 2
    assert result["set"] == ["evaluation.images=2"]
    report = write_report(run, zoo).read_text()
    assert json.loads((run / "evaluation.json").read_text())["set"] == ["evaluation.images=2"], "not measured otherwise"
    assert "alloygan evaluate again --set evaluation.images=2" in report
    write_report(run, zoo, overrides=["evaluation.images=3"])
    assert json.loads((run / "evaluation.json").read_text())["conditions"][0]["images"] == 3


def test_what_the_model_was_trained_with_cannot_be_set(zoo: Zoo, run: Path) -> None:
    with pytest.raises(SpecError, match="only fields of evaluation can be set here"):
        evaluate_run(run, zoo, overrides=["training.images=2"])


def test_without_a_table_few_images_are_one_entry(zoo: Zoo, tmp_path: Path) -> None:
    values = VALUES | {"data": VALUES["data"] | {"design": "random", "runs": 8, "evaluation_runs": 4}}  # type: ignore[operator]
    run = train(zoo.spec_from_values(values), tmp_path / "run")
    (entry,) = evaluate_run(run, zoo)["conditions"]
    assert entry["label"] == -1
    assert entry["scores"]["area_fraction"]["generated"] is not None
