"""The command line: exit codes, messages, JSON, and what must be quick."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alloygan.cli import main

SPEC = """
name: tiny
data: {kind: spinodal, composition: [0.4, 0.6], time: [50], size: 32, patch: 16, runs: 2, evaluation_runs: 2}
generator: {kind: dcgan_attention, width: 4, noise: 6}
critic: {kind: dcgan_contrastive, width: 4, embedding: 8, projection_hidden: 16}
losses: {adversarial: wgan, contrastive: contragan_2c}
training: {images: 32, batch_size: 4, log_every: 16}
evaluation: {images: 4, judge_images: 64, comparisons: [], bootstrap: 5}
"""


def alloygan(*arguments: str) -> int:
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "tiny.yaml").write_text(SPEC)
    assert alloygan("train", str(folder / "tiny.yaml"), "--out", str(folder / "run")) == 0
    return folder / "run"


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert alloygan(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["list", "--json"],
        ["show", "wgan"],
        ["show", "wgan", "--json"],
        ["show", "zoo:jain2024"],
        ["schema"],
        ["check", "zoo:demo"],
        ["check", "zoo:demo", "--json"],
    ],
    ids=" ".join,
)
def test_what_needs_no_torch_does_not_import_it(arguments: list[str]) -> None:
    code = (
        "import sys; from alloygan.cli import main; main(sys.argv[1:]);"
        "heavy = {'torch', 'torchvision', 'timm', 'skimage', 'matplotlib', 'scipy'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_training_needs_neither_timm_nor_torchvision(spec: Path, tmp_path: Path) -> None:
    """The core must import without them, since torchvision is tied to one build of torch."""
    code = (
        "import sys; sys.modules['timm'] = sys.modules['torchvision'] = None;"
        "from alloygan.cli import main; main(sys.argv[1:])"
    )
    arguments = ["train", str(spec), "--out", str(tmp_path / "run")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_list_json_is_an_object_of_registries(capsys: pytest.CaptureFixture[str]) -> None:
    assert alloygan("list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"generators", "critics", "conditioners", "losses", "samplers", "augmenters", "datasets"} <= listed.keys()
    assert {"kind": "wgan", "origin": "alloygan:jain2024"}.items() <= listed["losses"][-1].items()
    assert all(entry.keys() == {"kind", "origin", "summary"} for entries in listed.values() for entry in entries)


def test_show_says_what_a_kind_needs_and_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert alloygan("show", "contragan_2c") == 0
    out = capsys.readouterr().out
    assert "needs: condition_embedding, image_embedding, label" in out
    assert "temperature" in out
    assert alloygan("show", "dcgan_contrastive") == 0
    assert "gives: condition_embedding, image_embedding" in capsys.readouterr().out
    for section in ("training", "evaluation", "conditions", "adam"):
        assert alloygan("show", section) == 0


def test_check_prints_what_is_composed(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert alloygan("check", str(spec), "--set", "losses.contrastive.weight=0.5") == 0
    out = capsys.readouterr().out
    assert out.startswith("ok tiny")
    assert "contragan_2c, weight 0.5" in out


def test_check_layers_prints_the_tables(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert alloygan("check", str(spec), "--layers") == 0
    out = capsys.readouterr().out
    assert re.search(r"Convolution Transpose I +4 x \(4 x 4\) +4 x \(8 x 8\)", out)
    assert alloygan("check", str(spec), "--layers", "--json") == 0
    tables = json.loads(capsys.readouterr().out)
    assert [row["layer"] for row in tables["critic"]][:2] == ["Embedding", "Convolution I"]


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("generator: dcgan_attenton", "bad.yaml:4:1: generator:", "Did you mean 'dcgan_attention'"),
        ("generator: {kind: dcgan_attention, widht: 3}", "bad.yaml:4:36: generator.widht:", "Did you mean 'width'"),
        ("generator: {kind: dcgan_attention, width: wide}", "bad.yaml:4:36: generator.width:", "integer"),
        ("generator: {kind: dcgan_attention, width: 0}", "bad.yaml:4:36: generator.width:", "greater than or equal"),
        ("generator: {kind: dcgan_attention, width: .nan}", "bad.yaml:4:36: generator.width:", "finite"),
        ("generator: {conditioner: one_hot}", "bad.yaml:4:1: generator:", "needs a kind"),
        ("generator: {kind: dcgan_attention, kind: x}", "bad.yaml:4:36:", "duplicate key"),
        ("generator: {kind: dcgan_attention, conditioner: one_cold}", "generator.conditioner:", "one_hot"),
        ("generator: {kind: dcgan_attention", "bad.yaml:", "not valid YAML"),
    ],
    ids=["kind", "field", "type", "range", "nan", "no kind", "duplicate", "nested kind", "syntax"],
)
def test_mistakes_in_a_spec(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, place: str, words: str
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(SPEC.replace("generator: {kind: dcgan_attention, width: 4, noise: 6}", line))
    message = refusal(capsys, "check", str(bad))
    assert place in message
    assert words in message
    assert refusal(capsys, "train", str(bad), "--out", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.design=random", "generator.conditioner: one_hot needs an id"),
        ("losses.contrastive=hinge2", "unknown loss 'hinge2'"),
        ("losses.contrastive.temperature=0", "greater than or equal to 0.01"),
        ("losses.contrastve=null", "Did you mean 'contrastive'"),
        ("losses.adversarial=null", "--set losses.contrastive=null"),
        ("data.patch=18", "multiples of 4"),
        ("data.patch=[16, 32]", "d4: "),
        ("conditions=[{name: temperature}]", "no 'temperature'"),
        ("training.images=null", "either epochs or images"),
        ("training.device=cuda", "no CUDA device"),
    ],
)
def test_what_does_not_fit(
    spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], override: str, words: str
) -> None:
    overrides = ["--set", override]
    if override == "losses.adversarial=null":
        overrides += ["--set", "losses.contrastive=null"]
        words = "losses"
    if "patch=[" in override:
        overrides += ["--set", "training.augment=d4"]
    if override == "training.device=cuda":
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("there is a CUDA device here")
    message = refusal(capsys, "train", str(spec), "--out", str(tmp_path / "run"), *overrides)
    assert words in message
    assert not (tmp_path / "run").exists()


def test_a_loss_whose_needs_the_critic_does_not_meet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin = tmp_path / "plain_critic.py"
    plugin.write_text(
        "from typing import Literal\nfrom alloygan import CriticSpec, hookimpl\n"
        'class Plain(CriticSpec):\n    """Only a score."""\n    kind: Literal["plain"] = "plain"\n'
        "@hookimpl\ndef alloygan_register_critics(register):\n    register(Plain)\n"
    )
    (tmp_path / "tiny.yaml").write_text(SPEC)
    message = refusal(capsys, "check", str(tmp_path / "tiny.yaml"), "--plugin", str(plugin), "--set", "critic=plain")
    assert "tiny.yaml:6:29: losses.contrastive:" in message
    assert "'contragan_2c' needs condition_embedding, image_embedding" in message
    assert "'plain'" in message


def test_unknown_names(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "Did you mean 'wgan'" in refusal(capsys, "show", "wgna")
    assert "no such file" in refusal(capsys, "check", str(tmp_path / "none.yaml"))
    assert "ships" in refusal(capsys, "check", "zoo:none")
    assert "no such file" in refusal(capsys, "list", "--plugin", str(tmp_path / "none.py"))
    assert "Did you mean" in refusal(capsys, "lst")


@pytest.mark.parametrize("command", ["train", "sample", "demo"])
def test_an_output_folder_that_cannot_be_made(
    spec: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (tmp_path / "file").write_text("")
    out = ["--out", str(tmp_path / "file" / "run")]
    first = {
        "train": [str(spec)],
        "sample": [str(run), "--condition", "composition=0.4"],
        "demo": ["--set=data.runs=1", "--set=data.time=[5]"],
    }[command]
    assert str(tmp_path / "file") in refusal(capsys, command, *first, *out)


def test_sample_writes_what_it_says(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "samples"
    arguments = ["sample", str(run), "--count", "3", "--seed", "5", "--out", str(out), "--json"]
    assert alloygan(*arguments, "--condition", "composition=0.4", "--condition", "composition=0.6") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((out / "samples.json").read_text())
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*.png"))
    assert files == ["0/0000.png", "0/0001.png", "0/0002.png", "1/0000.png", "1/0001.png", "1/0002.png", "grid.png"]
    grid = np.asarray(Image.open(out / "grid.png"))
    strip, row = 19, grid.shape[0] // 2
    for top in (0, row):
        words = grid[top : top + strip]
        assert words.min() < 100, "words above each row"
        assert (words == 255).mean() > 0.7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--condition", "composition=0.5"], "Nearest: composition = 0.4"),
        (["--condition", "compositon=0.4"], "Did you mean 'composition'"),
        (["--condition", "composition=high"], "not a number"),
        (["--condition", "composition"], "composition=…"),
        (["--condition", "composition=0.4", "--count", "0"], "at least 1"),
        (["--condition", "composition=0.4", "--seed", "-1"], "--seed"),
    ],
)
def test_samples_that_cannot_be_drawn(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert words in refusal(capsys, "sample", str(run), "--out", str(tmp_path / "out"), *arguments)
    assert not (tmp_path / "out").exists()


def test_evaluate_and_report(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert alloygan("evaluate", str(run), "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((run / "evaluation.json").read_text())
    assert [condition["condition"] for condition in printed["conditions"]] == [
        {"composition": 0.4},
        {"composition": 0.6},
    ]
    assert alloygan("evaluate", str(run)) == 0
    assert "area_fraction" in capsys.readouterr().out
    assert alloygan("report", str(run)) == 0
    assert capsys.readouterr().out.strip() == str(run / "report.html")


def test_runs_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("evaluate", "report"):
        assert "no such folder" in refusal(capsys, command, str(tmp_path / "none"))
        assert "not a run" in refusal(capsys, command, str(tmp_path))


def test_the_demo_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    fewer = [f"--set={text}" for text in ("data.runs=2", "data.evaluation_runs=2", "data.time=[20]", "data.stride=32")]
    assert alloygan("demo", "--out", str(out), "--set=training.images=128", "--set=evaluation.images=8", *fewer) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-1] == f"report: {out / 'report.html'}"
    assert any("interface_density" in line for line in lines)
    spec = json.loads((out / "model.json").read_text())
    assert spec["name"] == "demo"


def test_simulate_writes_a_data_set_that_check_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "alloy"
    fields = ["temperature=[900]", "strain_rate=[0.001,0.1]", "size=64", "patch=32", "training_micrographs=1"]
    overrides = [part for field in fields for part in ("--set", field)]
    assert alloygan("simulate", "synthetic_alloy", "--out", str(out), *overrides, "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["micrographs"] == len(list((out / "images").iterdir())) == 6
    assert made["data"]["kind"] == "synthetic_alloy"
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "extends: zoo:demo\nname: simulated\n"
        "data: {kind: micrographs, manifest: alloy/manifest.csv, patch: 32}\n"
        "conditions:\n  - {name: strain_rate, unit: 1/s, scale: log}\n"
    )
    assert alloygan("check", str(spec)) == 0


def test_prepare_takes_named_columns_for_conditions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = ["temperature=[900]", "strain_rate=[0.001,0.1]", "size=96", "patch=32", "training_micrographs=1"]
    overrides = [part for field in fields for part in ("--set", field)]
    assert alloygan("simulate", "synthetic_alloy", "--out", str(tmp_path / "alloy"), *overrides, "--json") == 0
    capsys.readouterr()
    arguments = ["prepare", str(tmp_path / "alloy/manifest.csv"), "--out", str(tmp_path / "out"), "--patch", "32"]
    arguments += ["--side-um", "16", "--cracks", "off", "--json"]
    error = refusal(capsys, *arguments, "--condition", "temperature", "--condition", "strainrate")
    assert "manifest.csv:1: strainrate: there is no such column. Did you mean 'strain_rate'?" in error
    assert "Conditions: strain_rate, temperature." in error
    assert alloygan(*arguments, "--condition", "strain_rate") == 0
    capsys.readouterr()
    record = json.loads((tmp_path / "out" / "preparation.json").read_text())
    assert record["options"]["conditions"] == ["strain_rate"]
    assert {tuple(one["conditions"]) for one in record["micrographs"]} == {("strain_rate",)}
    assert {(one["evaluation"], one["patches"]["training"] > 0) for one in record["micrographs"]} == {
        ("all", False), ("none", True),
    }  # fmt: skip


def test_simulate_takes_the_data_of_a_spec(tmp_path: Path, spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert alloygan("simulate", str(spec), "--out", str(tmp_path / "made"), "--set", "data.runs=1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["micrographs"] == 6


@pytest.mark.parametrize(
    ("kind", "override", "message"),
    [
        ("synthetic_aloy", "seed=1", "Did you mean 'synthetic_alloy'"),
        ("synthetic_alloy", "temperature=[500]", "temperature.0: Input should be greater than or equal to 600"),
        ("synthetic_alloy", "temprature=[900]", "Did you mean 'temperature'"),
        ("micrographs", "manifest=nowhere.csv", "patch"),
    ],
)
def test_simulate_refuses(
    kind: str, override: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refusal(capsys, "simulate", kind, "--out", str(tmp_path / "out"), "--set", override)
    assert message in error
    assert "Tuple" not in error
    assert not (tmp_path / "out").exists()
