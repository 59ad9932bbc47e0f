"""Hooks, plugin folders and shipped specs: what is declared is there, and what is there is declared."""

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

import alloygan_plugins
from alloygan import assemble, hookspecs, load_zoo
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.sweeps.ablate import check_cells
from alloygan.sweeps.grid import read_ablation
from alloygan.zoo import SORTS

PLUGINS = Path(alloygan_plugins.__file__).parent
FOLDERS = sorted(path.parent.name for path in PLUGINS.glob("*/__init__.py"))
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("alloygan_"))
SHIPPED = sorted(PLUGINS.rglob("*.yaml"))
ABLATIONS = [path for path in SHIPPED if "\nvary:" in path.read_text(encoding="utf-8")]
SPECS = [path for path in SHIPPED if path not in ABLATIONS]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_first_party_plugin_implements_the_hook(hook: str) -> None:
    modules = [import_module(f"alloygan_plugins.{name}") for name in alloygan_plugins.PLUGINS]
    assert any(hasattr(module, hook) for module in modules)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_hook_is_described(hook: str) -> None:
    assert (getattr(hookspecs, hook).__doc__ or "").strip()


def test_there_is_a_hook_for_each_registry() -> None:
    assert sorted(f"alloygan_register_{plural}" for _, plural, _ in SORTS) == HOOKS


def test_every_folder_is_listed_once() -> None:
    assert sorted(alloygan_plugins.PLUGINS) == FOLDERS


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folder_has_a_readme_and_specs(folder: str) -> None:
    for name in ("README.md", "specs.py"):
        assert (PLUGINS / folder / name).is_file(), f"{folder}/{name}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_importing_a_plugin_registers_nothing(folder: str) -> None:
    tree = ast.parse((PLUGINS / folder / "__init__.py").read_text(encoding="utf-8"))
    calls = [node for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    assert not calls


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_shipped_spec_validates_and_assembles(path: Path, make_manifest: Callable[..., Path]) -> None:
    zoo = load_zoo()
    assert zoo.shipped[path.stem] == path
    values = zoo.read_document(path).values
    overrides = []
    if values["data"]["kind"] == "micrographs" and "manifest" not in values["data"]:
        columns = [ColumnSpec.model_validate(column) for column in values["conditions"]]
        side = 2 * int(values["data"]["patch"]) * int(values["data"].get("downscale", 1))
        overrides = [f"data.manifest={make_manifest(columns, side)}"]
    spec = zoo.read_spec(path, overrides)
    spec.data.check_inputs(spec.conditions)
    gan = assemble(spec, spec.data.condition_space(spec.conditions))
    assert gan.site.image_shape == spec.data.image_shape
    assert list(gan.losses) == list(spec.losses)


@pytest.mark.parametrize("path", ABLATIONS, ids=lambda path: path.stem)
def test_every_cell_of_the_shipped_ablation_assembles(path: Path) -> None:
    zoo = load_zoo()
    assert zoo.shipped[path.stem] == path
    ablation = read_ablation(f"zoo:{path.stem}", zoo)
    assert len(ablation.cells) >= 2
    assert len(ablation.seeds) >= 3
    check_cells(ablation)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_is_shipped_says_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
