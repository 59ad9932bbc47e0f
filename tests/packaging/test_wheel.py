"""The wheel as a user gets it: what is in it, and a life with a third-party plugin in a fresh environment, offline."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[2]
LECAM = ROOT / "tests" / "third_party" / "alloygan_lecam"
PACKAGES = {"alloygan": ROOT / "core" / "alloygan", "alloygan_plugins": ROOT / "plugins" / "alloygan_plugins"}

SPEC = """
name: wheel
data: {kind: spinodal, composition: [0.4, 0.6], time: [5.0], runs: 4, evaluation_runs: 1, size: 32, patch: 32}
generator: {kind: dcgan_attention, width: 4, noise: 8}
critic: {kind: dcgan_contrastive, width: 4}
losses:
  adversarial: wgan
  lecam: {kind: lecam, weight: 0.1}
training: {images: 8, batch_size: 4, critic_updates: 1, log_every: 4, device: cpu}
"""


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command without the paths of the environment that runs the tests."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ALLOYGAN_"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=variables | {"OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def done(*command: str | Path, cwd: Path | None = None) -> str:
    """The output of a command that must succeed."""
    result = run(*command, cwd=cwd)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def build_wheel(project: Path, folder: Path) -> Path:
    before = set(folder.glob("*.whl"))
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=project)
    (wheel,) = set(folder.glob("*.whl")) - before
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    return build_wheel(ROOT, folder), build_wheel(LECAM, folder)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, wheels: tuple[Path, Path]) -> Path:
    """A fresh environment with both wheels; dependencies come from the one that runs the tests."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    done(*pip(folder), "install", "--no-deps", "--no-index", *wheels)
    # A path in a .pth file comes after the environment's own, and .pth files there (an editable alloygan) are not read.
    (site_packages,) = folder.glob("lib/python*/site-packages")
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site_packages / "dependencies.pth").write_text("\n".join(sorted(paths)) + "\n")
    return folder


def pip(folder: Path) -> tuple[str | Path, ...]:
    return sys.executable, "-m", "pip", "--python", folder / "bin" / "python"


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_has_every_file_of_both_packages(wheels: tuple[Path, Path]) -> None:
    expected = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert {"alloygan/py.typed", "alloygan_plugins/py.typed", "alloygan/testing/__init__.py"} <= expected
    assert any(name.endswith(".yaml") for name in expected)
    assert not expected - set(names_in(wheels[0]))


def test_the_wheel_has_nothing_else(wheels: tuple[Path, Path]) -> None:
    for name in names_in(wheels[0]):
        top = name.split("/", 1)[0]
        assert top in PACKAGES or top.endswith(".dist-info"), name
        assert "__pycache__" not in name


def test_the_wheel_says_what_it_is(wheels: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(wheels[0]) as archive:
        (info,) = {name.split("/", 1)[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(f"{info}/METADATA").decode()
        points = archive.read(f"{info}/entry_points.txt").decode()
    assert "Name: alloygan\n" in metadata
    assert "Requires-Dist: torch" in metadata
    assert "pytest" not in "".join(
        line for line in metadata.splitlines() if line.startswith("Requires") and "extra" not in line
    )
    assert "[alloygan]\nbuiltin = alloygan_plugins" in points
    assert "alloygan = alloygan.cli:main" in points


def test_a_third_party_plugin_is_one_file_of_at_most_thirty_lines(wheels: tuple[Path, Path]) -> None:
    import ast

    assert [name for name in names_in(wheels[1]) if ".dist-info/" not in name] == ["alloygan_lecam.py"]
    tree = ast.parse((LECAM / "alloygan_lecam.py").read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0]) for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)
    }
    lines = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and id(node) not in docstrings
        for line in ([node.lineno] if hasattr(node, "body") else range(node.lineno, (node.end_lineno or 0) + 1))
    }
    decorators = sum(len(node.decorator_list) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    assert len(lines) + decorators <= 30


def test_the_installed_package_is_that_of_the_wheel(environment: Path) -> None:
    program = "import alloygan, alloygan_plugins; print(alloygan.__file__); print(alloygan_plugins.__file__)"
    for path in done(environment / "bin" / "python", "-c", program).split():
        assert Path(path).is_relative_to(environment)


def test_a_third_party_plugin_comes_and_goes(environment: Path, tmp_path: Path) -> None:
    command = environment / "bin" / "alloygan"
    spec = tmp_path / "wheel.yaml"
    spec.write_text(SPEC)

    # Installed: listed with its origin, keeps the rules, trains
    losses = {loss["kind"]: loss for loss in json.loads(done(command, "list", "--json"))["losses"]}
    assert losses["lecam"]["origin"] == "alloygan-lecam:lecam"
    assert losses["lecam"]["summary"].startswith("LeCam")
    program = (
        "from alloygan.testing import run_checks\n"
        "found = run_checks('loss', 'lecam')\n"
        "assert found and not [result for result in found if result.status == 'failed'], found"
    )
    done(environment / "bin" / "python", "-W", "error", "-c", program)
    answer = json.loads(done(command, "train", spec, "--out", tmp_path / "run", "--json"))
    assert answer["images_seen"] == 8
    metrics = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert len(metrics) == 2
    assert all("lecam.critic" in line["terms"] for line in metrics)

    # Uninstalled: gone, and a spec that names it says so
    done(*pip(environment), "uninstall", "--yes", "alloygan-lecam")
    kinds = [loss["kind"] for loss in json.loads(done(command, "list", "--json"))["losses"]]
    assert "lecam" not in kinds
    assert "wgan" in kinds
    result = run(command, "train", spec, "--out", tmp_path / "another")
    assert result.returncode == 2
    assert "wheel.yaml:8:3: losses.lecam: unknown loss 'lecam'" in result.stderr.replace(f"{tmp_path}/", "")
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "another").exists()
