"""The scripts that time a training step run at a small size: smoke tests, not timing tests."""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TINY = [
    part
    for text in (
        "data.size=32", "data.runs=1", "data.evaluation_runs=1", "data.time=[5]", "data.stride=32", "critic.width=4",
        "training.batch_size=8",
    )
    for part in ("--set", text)
]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a script as its user would; returns what its JSON says."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def run(script: str, *words: str) -> Any:
        out = tmp_path / f"{script}.json"
        monkeypatch.setattr(sys, "argv", [script, *words, "--device", "cpu", "--json", str(out)])
        runpy.run_path(str(BENCHMARKS / f"{script}.py"), run_name="__main__")
        return json.loads(out.read_text())

    return run


def test_throughput_times_the_real_loop(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = ["--warm-up", "1", "--updates", "2", "--repetitions", "2", "--batch-sizes", "4", "8", "--rounds", "2"]
    modes = ["--modes", "fp32", "bf16+channels_last"]
    found = run("throughput", "zoo:demo", *TINY, *counts, *modes, "--page", str(tmp_path))
    rows = found["rows"]
    assert [(row["batch_size"], row["mode"]) for row in rows] == [
        (4, "fp32"), (4, "bf16+channels_last"), (8, "fp32"), (8, "bf16+channels_last"),
    ]  # fmt: skip
    assert all(row["fastest"] >= row["images_per_s"] >= row["slowest"] > 0 for row in rows)
    parts = rows[0]["parts"]
    assert {"data", "generator", "critic", "loss adversarial", "loss contrastive", "optimiser"} <= set(parts)
    assert sum(parts.values()) == pytest.approx(1)
    assert "gradient of the critic" in capsys.readouterr().out
    (page,) = tmp_path.glob("throughput_demo_cpu_*.md")
    text = page.read_text()
    assert "`python benchmarks/throughput.py zoo:demo" in text
    assert "torch 2." in text
    assert "kind: spinodal" in text


@pytest.mark.parametrize("words", [["--modes", "fp16"], ["--modes", "fp32+nots"], ["--modes", "fp32+graph"]])
def test_a_mode_that_cannot_be_is_refused(run: Any, words: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"^error: "):
        run("throughput", "zoo:demo", *TINY, *words)


def test_the_roofline_is_a_sum_of_what_is_measured(run: Any) -> None:
    counts = ["--warm-up", "1", "--updates", "2", "--repetitions", "2", "--large", "64"]
    (row,) = run("roofline", "zoo:demo", *TINY, *counts)["rows"]
    assert row["gflop"] > 0.01
    assert row["mb"] > 1
    assert row["reached"] == pytest.approx((row["library_ms"] + row["norm_ms"]) / row["update_ms"])


def test_the_losses_agree_before_they_are_timed(run: Any) -> None:
    rows = run("losses", "--m", "16", "40", "--repetitions", "1")["rows"]
    assert len(rows) == 2 * 2 * 5
    assert len({round(row["value"], 4) for row in rows}) == 4, "each way gives the loss's value"
    assert all(row["ms"] > 0 for row in rows)


def test_scaling_trains_in_so_many_processes(run: Any) -> None:
    rows = run("scaling", "zoo:demo", *TINY, "--processes", "1", "2", "--updates", "2", "--repetitions", "1")["rows"]
    assert [row["processes"] for row in rows] == [1, 2, 8]
    assert rows[0]["gradients_mib"] == 0
    assert rows[2]["gradients_mib"] == pytest.approx(rows[1]["gradients_mib"] * (7 / 8) / (1 / 2))
    assert rows[1]["images_per_s"] > 0
    assert rows[2].get("images_per_s") is None, "what was not measured has no number"


def test_simulations_are_counted(run: Any) -> None:
    words = ["--sizes", "16", "--fields", "2", "--time", "2", "--micrograph", "160", "--repetitions", "1"]
    rows = run("simulation", *words)["rows"]
    assert [row["what"] for row in rows] == ["steps", "steps with misfit", "micrographs of the alloy (CPU)"]
    assert all(row["rate"] > 0 for row in rows)
