"""The script times the real evaluation, part by part."""

import json
import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SPEC = """
extends: zoo:demo
name: small
data: {composition: [0.4, 0.6], gradient_energy: [0.25], runs: 4, evaluation_runs: 8, time: [10]}
conditions: [{name: composition}]
evaluation: {judge_images: 64, comparisons: [], bootstrap: 5, memorising_images: 4}
"""


def test_every_part_is_timed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.yaml").write_text(SPEC)
    out = tmp_path / "result.json"
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    words = ["evaluation", str(tmp_path / "small.yaml"), "--images", "8", "--repetitions", "2", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(BENCHMARKS / "evaluation.py"), run_name="__main__")
    found = json.loads(out.read_text())
    assert found["repetitions"] == "2 after one of few images to warm up, median"
    assert all(row["fastest"] <= row["seconds"] <= row["slowest"] for row in found["rows"])
    # The median of two is their mean, so that those of the parts add up.
    rows = {row["part"]: row["seconds"] for row in found["rows"]}
    assert list(rows)[:3] == ["measure", "judge", "memorising"]
    assert rows["all"] == pytest.approx(sum(rows[part] for part in ("measure", "judge", "memorising")), rel=0.05)
    assert rows["all but the training of the judge"] == pytest.approx(rows["all"] - rows["judge"])
    assert "memorising" in capsys.readouterr().out
