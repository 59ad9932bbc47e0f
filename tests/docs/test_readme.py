"""The README does what it says: every code block is known here and is run, or is a tested file itself."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alloygan import load_zoo
from alloygan.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
LECAM = ROOT / "tests" / "third_party" / "alloygan_lecam"
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/"

SMALL = (
    "--set training.images=64 --set 'evaluation={images: 4, judge_images: 0, memorising_images: 0, bootstrap: 0, "
    "comparisons: [], descriptors: [area_fraction]}' --set data.runs=2 --set data.evaluation_runs=2"
)

# What a command of the README is run with here, to be quick; every command must be in this table.
QUICKER = {
    "alloygan check ni.yaml --layers": "",
    "alloygan train ni.yaml --out runs/ni": (
        "--set training.epochs=null --set training.images=1 --set training.batch_size=2 "
        "--set training.critic_updates=1 --set generator.width=2 --set critic.width=2"
    ),
    "alloygan check ni-laptop.yaml": "",
    "alloygan train ni-laptop.yaml --out runs/laptop": "--set training.images=128 --set critic.width=4",
    "alloygan sample runs/laptop --condition exposure=150 --condition exposure=500 --count 4 --out samples": "",
    "alloygan evaluate runs/laptop": "",
    "alloygan report runs/laptop": "",
    "alloygan prepare manifest.csv --out prepared --patch 64": "",
    "alloygan simulate synthetic_alloy --out alloy": (
        "--set temperature=[900] --set size=64 --set patch=32 --set training_micrographs=1"
    ),
    "alloygan ablate ablation.yaml --out ablations/term --dry-run": "",
    "alloygan ablate ablation.yaml --out ablations/term --jobs 2": f"--set seeds=1 {SMALL}",
    "alloygan tune zoo:demo --out searches/demo --trials 20": f"--set search.trials=1 {SMALL}",
    "alloygan list": "",
    "alloygan show contragan_2c": "",
    "alloygan show zoo:demo": "",
    "alloygan schema": "",
}


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


def run(command: str) -> None:
    arguments = shlex.split(command)
    assert arguments[0] == "alloygan"
    code: object = 0
    try:
        main(arguments[1:])
    except SystemExit as exit_:
        code = exit_.code
    assert not code, command


def test_every_block_has_a_language_that_is_tested_here() -> None:
    assert {name for name, _ in BLOCKS} <= {"sh", "yaml", "python", "toml", "csv", "text"}
    assert [name for name, _ in BLOCKS].count("") == 0


def test_the_two_lines() -> None:
    lines = [line for text in blocks("sh") for line in text.splitlines() if line.startswith("python3")]
    # .ci/run does what they do, in an environment of its own.
    assert lines == [INSTALL + "alloygan demo", INSTALL + "pytest"]


def test_every_command_is_tested() -> None:
    commands = [
        line.split(" > ")[0] for text in blocks("sh") for line in text.splitlines() if not line.startswith("python3")
    ]
    assert sorted(commands) == sorted(QUICKER)


def test_micrographs_from_manifest_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (manifest,) = blocks("csv")
    (tmp_path / "manifest.csv").write_text(manifest)
    random = np.random.default_rng(0)
    for number, line in enumerate(manifest.splitlines()[1:]):
        coarse = random.integers(0, 2, (48 >> number, 64 >> number)) * 180 + 30
        pixels = np.kron(coarse, np.ones((16 << number, 16 << number))).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / line.split(",")[0])
    specs = blocks("yaml")
    for name, text in (("ni-laptop.yaml", specs[0]), ("ni.yaml", specs[1])):
        assert f"`{name}`" in README
        (tmp_path / name).write_text(text, encoding="utf-8")
    for command, addition in QUICKER.items():
        if " ni" in command or "runs/" in command or " prepare " in command:
            run(f"{command} {addition}")
    assert len(list((tmp_path / "samples").glob("*/*.png"))) == 8
    assert (tmp_path / "runs" / "laptop" / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("command", [c for c in QUICKER if not re.search(r" ni|runs/| prepare ", c)])
def test_the_other_commands(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ablation.yaml").write_text(blocks("yaml")[3], encoding="utf-8")
    run(f"{command} {QUICKER[command]}")
    assert capsys.readouterr().out


def test_the_composed_spec_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(blocks("yaml")[2], encoding="utf-8")
    assert len(blocks("yaml")) == 4
    assert load_zoo().read_spec(path).losses["contrastive"].kind == "proportional_2c"


def test_the_plugin_is_the_tested_file() -> None:
    plugin, tests = blocks("python")
    assert plugin == (LECAM / "alloygan_lecam.py").read_text(encoding="utf-8")
    assert sum(bool(line.strip()) for line in plugin.splitlines()) <= 30
    # The author's test file differs only in where the kind is found.
    assert 'conformance_tests("loss", "lecam"' in tests
    assert 'conformance_tests("loss", "lecam"' in (LECAM / "test_alloygan_lecam.py").read_text(encoding="utf-8")
    assert blocks("toml") == [(LECAM / "pyproject.toml").read_text(encoding="utf-8")]


def test_the_table_of_the_zoo_is_complete() -> None:
    kinds = {entry.kind for registry in load_zoo().registries.values() for entry in registry}
    section = README.split("## What is in the zoo")[1]
    assert kinds == set(re.findall(r"`(\w+)`", section.split("`core/alloygan`")[0]))
    for link in re.findall(r"\]\(([^)h][^)]*)\)", README):
        assert (ROOT / link).exists(), link
