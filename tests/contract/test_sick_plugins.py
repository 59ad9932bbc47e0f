"""A sick plugin gives one message that names its distribution, can be blocked, and a healthy one changes nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from alloygan import load_zoo, train
from alloygan.errors import PluginError

THIRD_PARTY = Path(__file__).parents[1] / "third_party"
SICK = {
    "sick_taken_kind": ("wgan", "alloygan:jain2024"),
    "sick_misspelt_hook": ("alloygan_register_loses", "alloygan_register_losses"),
    "sick_failing_import": ("ModuleNotFoundError", "a_package_that_nobody_has"),
    "sick_wrong_signature": ("registry", "alloygan_register_losses"),
}


def install(folder: Path, module: Path, distribution: str, point: str) -> None:
    """Put a module and the metadata of a distribution into a folder, as pip would into site-packages."""
    folder.mkdir(exist_ok=True)
    shutil.copy(module, folder)
    info = folder / f"{distribution.replace('-', '_')}-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(f"[alloygan]\n{point} = {module.stem}\n")


def alloygan(*arguments: str, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command line, with a folder of distributions on the path."""
    return subprocess.run(
        [sys.executable, "-m", "alloygan", *arguments],
        env=os.environ | {"PYTHONPATH": str(path), "OMP_NUM_THREADS": "1"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.mark.parametrize("name", SICK)
def test_one_message_names_the_distribution(name: str, site_folder: Path) -> None:
    distribution = name.replace("_", "-")
    install(site_folder, THIRD_PARTY / "sick" / f"{name}.py", distribution, "it")
    result = alloygan("list", "--json", path=site_folder)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.count("error:") == 1
    assert len(result.stderr.strip().splitlines()) == 1
    for word in (distribution, f"ALLOYGAN_BLOCK={distribution}", *SICK[name]):
        assert word in result.stderr
    if name == "sick_misspelt_hook":
        assert "Hooks:" in result.stderr


@pytest.mark.parametrize("name", SICK)
def test_a_blocked_distribution_is_passed_over(name: str, site_folder: Path) -> None:
    distribution = name.replace("_", "-")
    install(site_folder, THIRD_PARTY / "sick" / f"{name}.py", distribution, "it")
    install(site_folder, THIRD_PARTY / "alloygan_lecam" / "alloygan_lecam.py", "alloygan-lecam", "lecam")
    # Names of distributions are compared as pip compares them.
    result = alloygan("list", "--json", path=site_folder, ALLOYGAN_BLOCK=f"nobody, {name.title()}")
    assert result.returncode == 0, result.stderr
    origins = {loss["kind"]: loss["origin"] for loss in json.loads(result.stdout)["losses"]}
    assert origins["lecam"] == "alloygan-lecam:lecam"
    assert origins["wgan"] == "alloygan:jain2024"


@pytest.mark.parametrize("name", SICK)
def test_a_sick_file_is_named(name: str) -> None:
    with pytest.raises(PluginError, match=f"{name}.py") as caught:
        load_zoo([THIRD_PARTY / "sick" / f"{name}.py"])
    assert "\n" not in str(caught.value)


def test_two_distributions_with_the_same_entry_point_name_are_both_found(site_folder: Path) -> None:
    install(site_folder, THIRD_PARTY / "alloygan_lecam" / "alloygan_lecam.py", "alloygan-lecam", "it")
    install(site_folder, THIRD_PARTY / "hard_shapes" / "relativistic.py", "alloygan-relativistic", "it")
    result = alloygan("list", "--json", path=site_folder)
    assert result.returncode == 0, result.stderr
    origins = {loss["kind"]: loss["origin"] for loss in json.loads(result.stdout)["losses"]}
    assert origins["lecam"] == "alloygan-lecam:it"
    assert origins["hard_relativistic"] == "alloygan-relativistic:it"


def test_a_sick_member_of_a_distribution_of_many_plugins_is_named(site_folder: Path) -> None:
    package = site_folder / "sick_collection"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('PLUGINS = ("sick_failing_import",)\n')
    shutil.copy(THIRD_PARTY / "sick" / "sick_failing_import.py", package)
    info = site_folder / "sick_collection-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sick-collection\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[alloygan]\nmany = sick_collection\n")
    result = alloygan("list", path=site_folder)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "ALLOYGAN_BLOCK=sick-collection" in result.stderr
    assert "sick_failing_import" in result.stderr


def test_two_entry_points_to_one_module_are_one_message(site_folder: Path) -> None:
    install(site_folder, THIRD_PARTY / "alloygan_lecam" / "alloygan_lecam.py", "alloygan-lecam", "one")
    points = site_folder / "alloygan_lecam-0.1.dist-info" / "entry_points.txt"
    points.write_text(points.read_text() + "two = alloygan_lecam\n")
    result = alloygan("list", path=site_folder)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "alloygan-lecam" in result.stderr


SPEC = """
name: unchanged
data: {kind: spinodal, composition: [0.4, 0.6], time: [5.0], runs: 4, evaluation_runs: 1, size: 16}
generator: {kind: dcgan_attention, width: 4, noise: 8}
critic: {kind: dcgan_contrastive, width: 4}
losses:
  adversarial: wgan
  contrastive: contragan_2c
training: {images: 24, batch_size: 4, critic_updates: 2, log_every: 8, device: cpu}
"""


def test_a_plugin_never_changes_what_a_spec_computes(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(SPEC)
    lines, states = [], []
    for name, plugins in (("without", []), ("with", [THIRD_PARTY / "alloygan_lecam" / "alloygan_lecam.py"])):
        zoo = load_zoo(plugins)
        assert ("lecam" in zoo.registries["loss"]) == bool(plugins)
        run = train(zoo.read_spec(file), tmp_path / name)
        metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        lines.append([(line["images"], line["terms"], line["observed"]) for line in metrics])
        newest = max((run / "checkpoints").glob("*.pt"))
        states.append(torch.load(newest, weights_only=True)["state"]["generator"])
    assert len(lines[0]) == 3
    assert lines[0] == lines[1]
    assert (tmp_path / "without" / "spec.yaml").read_text() == (tmp_path / "with" / "spec.yaml").read_text()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
