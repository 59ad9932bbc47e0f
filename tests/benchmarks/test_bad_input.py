"""What a script cannot use is told before anything is measured, and what fails leaves what was measured."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import _get_current_dispatch_mode

from alloygan.data.held_out import load_data
from alloygan.errors import TrainingError
from alloygan.specs.gan import GanSpec
from alloygan.zoo import load_zoo

TINY = [
    part
    for text in (
        "data.size=32", "data.runs=1", "data.evaluation_runs=1", "data.time=[5]", "data.stride=32", "critic.width=4",
        "training.batch_size=8",
    )
    for part in ("--set", text)
]  # fmt: skip
COUNTS = ["--warm-up", "1", "--updates", "1", "--repetitions", "1"]
PLUGIN = '''
from typing import Literal

from alloygan.hookspecs import hookimpl
from alloygan.interfaces.loss import Loss, Terms
from alloygan.specs.components import LossSpec


class Sick(Loss):
    def __init__(self, batch, update):
        super().__init__()
        self.batch, self.updates_left = batch, update

    def critic(self, step):
        return Terms({}, {})

    def generator(self, step):
        self.updates_left -= 1
        if self.batch == len(step.fake.score) and self.updates_left == 0:
            raise ZeroDivisionError("the step failed [/bold]")
        return Terms({}, {})


class SickSpec(LossSpec):
    """A loss that fails in its n-th update with batches of one size."""

    kind: Literal["sick"] = "sick"
    batch: int = 4
    update: int = 1

    def build(self, site):
        return Sick(self.batch, self.update)


@hookimpl
def alloygan_register_losses(register):
    register(SickSpec)
'''


@pytest.fixture
def sick(tmp_path: Path) -> list[str]:
    """Arguments that name the plugin."""
    (tmp_path / "sick.py").write_text(PLUGIN)
    return ["--plugin", str(tmp_path / "sick.py")]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        *(
            (f"{script} zoo:demo {option}", option.split()[0])
            for script in ("throughput", "roofline")
            for option in (
                "--updates 0", "--repetitions 0", "--warm-up -1", "--batch-sizes 0", "--batch-sizes 4 -1",
            )
        ),
        ("throughput zoo:demo --updates x", "'x' is not a whole number"),
        ("throughput zoo:demo --rounds 0", "--rounds"),
        ("throughput zoo:demo --threads 0", "--threads"),
        ("roofline zoo:demo --large 0", "--large"),
        ("losses --m 0", "--m"),
        ("losses --m -5", "--m"),
        ("losses --repetitions 0", "--repetitions"),
        ("losses --features 0", "--features"),
        ("losses --classes 0", "--classes"),
        ("scaling zoo:demo --processes 0", "--processes"),
        ("scaling zoo:demo --processes 3", "--processes 3"),
        ("scaling zoo:demo --updates 0", "--updates"),
        ("scaling zoo:demo --images-each 0", "--images-each"),
        ("simulation --sizes 0", "--sizes"),
        ("simulation --sizes 7", "give 8 or more"),
        ("simulation --fields 0", "--fields"),
        ("simulation --time -1", "--time"),
        ("simulation --time nan", "--time"),
        ("simulation --time soon", "--time"),
        ("simulation --repetitions 0", "--repetitions"),
        ("simulation --micrograph 5", "--micrograph 5: size: at least 16 px"),
        ("segmentation nosuch.csv", "nosuch.csv"),
        ("segmentation nosuch.csv --downscale 0", "--downscale"),
        ("segmentation nosuch.csv --smooth -1", "--smooth"),
        ("segmentation nosuch.csv --json /nonexistent/x.json", "there is no folder"),
        ("cracks --repeats 0", "--repeats"),
        ("cracks --micrographs nosuch.png", "nosuch.png"),
        ("cracks --json /nonexistent/x.json", "there is no folder"),
        ("term_gradients nosuch --batches 0", "--batches"),
        ("term_gradients nosuch", "nosuch/spec.yaml: there is no such file"),
        ("term_gradients nosuch --plugin nosuch.py", "nosuch.py: there is no such file"),
        ("opmd_comparison nosuch --out out", "nosuch: no pictures"),
        ("opmd_comparison nosuch --out out --size 0", "--size"),
        ("continuous_study nosuch.csv", "nosuch.csv"),
        ("continuous_study nosuch.csv --keep /nonexistent/x.csv", "there is no folder"),
        ("evaluation nosuch.yaml", "nosuch.yaml: there is no such file"),
        ("evaluation --images 0", "--images"),
        ("evaluation --size 100", "--size"),
        ("evaluation --repetitions 0", "--repetitions"),
        ("evaluation --set data.size=3", "there is no spec"),
        ("evaluation zoo:demo --set evaluation.images=3", "from --images"),
        *((f"{script} nosuch.yaml", "nosuch.yaml") for script in ("throughput", "roofline", "scaling")),
        *(
            (f"{script} zoo:demo --plugin nosuch.py", "nosuch.py: there is no such file")
            for script in ("throughput", "roofline", "scaling", "evaluation")
        ),
        *(
            (f"{script} zoo:demo --set training.device=cuda", "takes training.device from --device")
            for script in ("throughput", "roofline", "scaling")
        ),
        ("throughput zoo:demo --set training.precision=bf16", "takes training.precision from --modes"),
        *(
            (f"{script} {out}", f"{out.split()[0]}: there is no folder /nonexistent")
            for script in ("throughput zoo:demo", "roofline zoo:demo", "scaling zoo:demo", "losses", "simulation")
            for out in ("--json /nonexistent/x.json", "--page /nonexistent")
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_before_anything_runs(refused: Any, words: str, named: str) -> None:
    assert named in refused(*words.split())


def test_a_folder_is_no_file_for_results(refused: Any, tmp_path: Path) -> None:
    assert "is a folder; name a file in it" in refused("losses", "--json", str(tmp_path))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_told(refused: Any) -> None:
    assert "use --device cpu" in refused("losses", "--device", "cuda")


@pytest.mark.parametrize("script", ["throughput", "roofline"])
def test_one_that_fails_leaves_the_others(
    run: Any, sick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    words = [*TINY, *COUNTS, *sick, "--set", "losses.sick=sick", "--batch-sizes", "4", "8", "--page", str(tmp_path)]
    words += ["--large", "16"] if script == "roofline" else ["--rounds", "2"]
    found = run(script, "zoo:demo", *words, code=1)
    assert [row["batch_size"] for row in found["rows"]] == [8]
    (note,) = [note for note in found["notes"] if "failed" in note]
    assert note.startswith("fp32, ")
    assert "batch 4 failed: plugin sick.py failed: ZeroDivisionError: the step failed [/bold]" in note
    assert "in Sick.generator" in note
    assert note in "".join(path.read_text() for path in tmp_path.glob(f"{script}_*.md"))
    said = capsys.readouterr()
    assert "plugin sick.py failed" in said.out
    assert said.err == ""


def test_where_nothing_is_measured_that_is_the_error(refused: Any, sick: list[str]) -> None:
    words = [*TINY, *COUNTS, *sick, "--set", "losses.sick=sick", "--batch-sizes", "4"]
    for script in ("throughput", "roofline"):
        assert "plugin sick.py failed" in refused(script, "zoo:demo", *words)


def test_a_failure_while_the_profiler_looks_on_ends_it(run: Any, sick: list[str]) -> None:
    words = [*TINY, *COUNTS, *sick, "--set", "losses.sick={kind: sick, update: 4}", "--batch-sizes", "4", "8"]
    (row,) = run("throughput", "zoo:demo", *words, code=1)["rows"]
    assert row["batch_size"] == 8
    assert row["parts"]


def test_a_failure_while_operators_are_noted_ends_that(module: Any, sick: list[str]) -> None:
    settings = [*TINY[1::2], "losses.sick={kind: sick, batch: 8, update: 3}", "training.device=cpu"]
    spec = load_zoo(sick[1:]).read_spec("zoo:demo", settings)
    with pytest.raises(ZeroDivisionError):
        module("roofline").operators_of(spec, load_data(spec))
    assert _get_current_dispatch_mode() is None


def test_scaling_keeps_what_it_measured_and_compares_with_one_process(
    module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scaling = module("scaling")

    def rates(spec: GanSpec, options: argparse.Namespace, count: int, device: torch.device) -> list[float]:
        if count == 4:
            raise TrainingError("refused")
        return [10.0 * count]

    monkeypatch.setattr(scaling, "_rates", rates)
    out = tmp_path / "found.json"
    words = ["--processes", "4", "2", "1", "--device", "cpu", "--json", str(out)]
    with pytest.raises(SystemExit) as ended:
        scaling.main(["zoo:demo", *TINY, *words])
    assert ended.value.code == 1
    found = json.loads(out.read_text())
    measured = [(row["processes"], row["speed"]) for row in found["rows"] if row["what"] == "measured"]
    assert measured == [(2, 2.0), (1, 1.0)]
    assert "4 processes failed: refused" in found["notes"]


def test_scaling_tells_why_a_training_failed(refused: Any, sick: list[str]) -> None:
    # Batches of 16 are met in the training alone, not in the plan.
    words = [*TINY, *sick, "--set", "training.batch_size=16", "--set", "losses.sick={kind: sick, batch: 16}"]
    said = refused("scaling", "zoo:demo", *words, "--processes", "1", "--updates", "1", "--repetitions", "1")
    assert said.startswith("error: 1 process failed: plugin sick.py failed: ZeroDivisionError")


def test_a_bug_keeps_its_traceback_and_the_rest_is_shown(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    failures = module("failures").Failures()
    with failures.noted("one"):
        raise RuntimeError("a bug")
    assert failures.notes == ["one failed: RuntimeError: a bug"]
    assert "Traceback" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        failures.refuse()
    assert ended.value.code == 1
