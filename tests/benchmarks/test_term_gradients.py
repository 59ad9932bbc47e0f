"""The gradients of terms, on a run of a few updates."""

import importlib.util
from pathlib import Path

import pytest

from alloygan import Zoo, train

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "term_gradients.py"
TINY = ["data.size=32", "data.runs=1", "data.evaluation_runs=1", "data.time=[5]", "data.stride=32", "critic.width=4"]


def test_a_weight_scales_the_gradient_of_its_term_alone(
    zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.util.module_from_spec(found := importlib.util.spec_from_file_location("gradients", SCRIPT))  # type: ignore[arg-type]
    found.loader.exec_module(module)  # type: ignore[union-attr]
    spec = zoo.read_spec("zoo:demo", [*TINY, "training.images=16", "training.batch_size=8"])
    run = train(spec, tmp_path / "run")
    first = module.gradient_norms(run, spec, 2)
    assert set(first) == {"adversarial", "contrastive"}
    assert min(first.values()) > 0
    heavier = zoo.read_spec(run / "spec.yaml", ["losses.contrastive.weight=2.0"])
    again = module.gradient_norms(run, heavier, 2)
    factor = 2.0 / spec.losses["contrastive"].weight
    assert again["contrastive"] == pytest.approx(factor * first["contrastive"], rel=1e-4)
    assert again["adversarial"] == pytest.approx(first["adversarial"], rel=1e-4)
    module.main([str(run), "--batches", "1"])
    assert "contrastive" in capsys.readouterr().out
