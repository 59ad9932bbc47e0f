"""The script times the real evaluation, part by part."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "evaluation.py"
SPEC = """
extends: zoo:demo
name: small
data: {composition: [0.4, 0.6], gradient_energy: [0.25], runs: 4, evaluation_runs: 8, time: [10]}
conditions: [{name: composition}]
evaluation: {judge_images: 64, comparisons: [], bootstrap: 5, memorising_images: 4}
"""


def test_every_part_is_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = importlib.util.spec_from_file_location("evaluation_benchmark", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    (tmp_path / "small.yaml").write_text(SPEC)
    out = tmp_path / "result.json"
    module.main([str(tmp_path / "small.yaml"), "--images", "8", "--json", str(out)])
    result = json.loads(out.read_text())
    assert result["images"] == 16
    assert list(result["seconds"]) == ["measure", "judge", "memorising"]
    assert result["without_judge_training"] == pytest.approx(result["total"] - result["seconds"]["judge"])
    assert result["evaluation"]["images"] == 8
    assert "16 images of 1 × 32 × 32 evaluated" in capsys.readouterr().out
