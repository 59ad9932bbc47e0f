"""The benchmark script runs at a small size: a smoke test, not a timing test."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "throughput.py"


def test_it_times_the_real_loop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.util.module_from_spec(found := importlib.util.spec_from_file_location("throughput", SCRIPT))  # type: ignore[arg-type]
    found.loader.exec_module(module)  # type: ignore[union-attr]
    tiny = [
        "data.size=32",
        "data.runs=1",
        "data.evaluation_runs=1",
        "data.time=[5]",
        "data.stride=32",
        "critic.width=4",
    ]
    overrides = [part for text in tiny for part in ("--set", text)]
    out = tmp_path / "result.json"
    counts = ["--warm-up", "1", "--updates", "2", "--repetitions", "2", "--batch-sizes", "4", "8"]
    module.main(["zoo:demo", *overrides, *counts, "--json", str(out)])
    rows = json.loads(out.read_text())["rows"]
    assert [row["batch_size"] for row in rows] == [4, 8]
    assert all(row["fastest"] >= row["images_per_s"] >= row["slowest"] > 0 for row in rows)
    assert "images/s" in capsys.readouterr().out
