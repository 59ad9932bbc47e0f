"""Finds the plugins and fills the registries: the only importer of PluginManager and importlib.metadata.

There is no global registry: `load_zoo()` returns a Zoo, and tests make their own.
"""

import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from pluggy import PluginManager, PluginValidationError
from pydantic import ValidationError

from alloygan import hookspecs
from alloygan.errors import PluginError, SpecError
from alloygan.reading import Document, KeyPath, document_of_kind, read_document
from alloygan.registry import Registry
from alloygan.specs import components
from alloygan.specs.gan import GanSpec
from alloygan.specs.spec import describe
from alloygan.specs.wiring import wiring_problems

GROUP = "alloygan"
OF_SWEEPS = {"vary": "ablate", "cells": "ablate", "search": "tune"}
_TRY_INSTEAD = {"ablate": "; its `--dry-run` checks it", "tune": ""}
"""Keys by which a file of many runs is known, and the command that reads it."""
FILE_PLUGIN = "alloygan_file_plugin_"
"""What the module names of plugins in single files start with."""
SORTS: tuple[tuple[str, str, type[components.ComponentSpec]], ...] = (
    ("generator", "generators", components.GeneratorSpec),
    ("critic", "critics", components.CriticSpec),
    ("conditioner", "conditioners", components.ConditionerSpec),
    ("loss", "losses", components.LossSpec),
    ("sampler", "samplers", components.SamplerSpec),
    ("augmenter", "augmenters", components.AugmenterSpec),
    ("dataset", "datasets", components.DatasetSpec),
    ("descriptor", "descriptors", components.DescriptorSpec),
    ("comparison", "comparisons", components.ComparisonSpec),
    ("launcher", "launchers", components.LauncherSpec),
)


@dataclass(frozen=True)
class Zoo:
    """The registries, filled, and the spec files that plugins ship (by `zoo:NAME`)."""

    registries: Mapping[str, Registry[Any]]
    shipped: Mapping[str, Path] = field(default_factory=dict)

    def read_spec(self, path: str | Path, overrides: Sequence[str] = ()) -> GanSpec:
        """Read, merge and validate a spec file, with overrides `"a.b=c"`.

        Raises SpecError: one line for each problem, with file, line, column, dotted path and the nearest known name.
        """
        document = self.read_document(path, overrides)
        for key, command in OF_SWEEPS.items():
            if key in document.values:
                where = document.locate((key,))
                own = where.source == str(path)
                what = f"{where}: {key}" if own else f"{path}: {key}, from {where}"
                raise SpecError(f"{what}: this is a file for `alloygan {command}`, not a spec{_TRY_INSTEAD[command]}")
        return self.validate(document)

    def read_document(self, path: str | Path, overrides: Sequence[str] = ()) -> Document:
        """Read and merge a spec file (or `zoo:NAME`) without validating it."""
        return read_document(Path(path), overrides, self.shipped)

    def validate(self, document: Document) -> GanSpec:
        """Validate a document, and check that its parts fit together. Raises SpecError as `read_spec`."""
        spec: GanSpec = self.validate_as(GanSpec, document)
        problems = wiring_problems(spec)
        if problems:
            raise SpecError("\n".join(f"{document.locate(p)}: {'.'.join(p)}: {text}" for p, text in problems))
        return spec

    def read_component(self, registry: str, kind: str, overrides: Sequence[str] = ()) -> Any:
        """The spec of one component from its kind, with overrides `"field=value"`. Raises SpecError as `read_spec`."""
        entry = self.registries[registry].get(kind)
        return self.validate_as(entry.spec, document_of_kind(kind, overrides))

    def validate_as(self, model: type[Any], document: Document) -> Any:
        """Validate a document as a model of ours. Raises SpecError as `read_spec`."""
        try:
            return model.model_validate(document.values, context=self.registries)
        except ValidationError as error:
            lines = []
            for item in error.errors(include_url=False):
                path: KeyPath = item["loc"]
                where = document.locate(path)
                dotted = ".".join(map(str, path))
                lines.append(f"{where}: {dotted + ': ' if dotted else ''}{describe(item)}")
            raise SpecError("\n".join(lines)) from None

    def spec_from_values(self, values: Mapping[str, Any], registry: str | None = None) -> Any:
        """Validate plain values as a whole spec, or as one component of the named registry (`"generator"`)."""
        try:
            if registry is None:
                return GanSpec.model_validate(values, context=self.registries)
            entry = self.registries[registry].get(str(values.get("kind")))
            return entry.spec.model_validate(values, context=self.registries)
        except ValidationError as error:
            raise SpecError(
                "\n".join(f"{'.'.join(map(str, e['loc']))}: {describe(e)}" for e in error.errors(include_url=False))
            ) from None


def load_zoo(plugin_files: Iterable[str | Path] = (), *, block: Iterable[str] | None = None) -> Zoo:
    """Find all plugins and fill a zoo.

    Installed distributions announce themselves through the entry-point group `alloygan`; `plugin_files` are single
    Python files. `block` names distributions to leave out, by default those in the variable ALLOYGAN_BLOCK (separated
    by commas). Raises PluginError naming the distribution.
    """
    if block is None:
        block = os.environ.get("ALLOYGAN_BLOCK", "").split(",")
    blocked = {_normal(name) for name in block if name.strip()}
    manager = PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    registries: dict[str, Registry[Any]] = {one: Registry(one, many, base) for one, many, base in SORTS}
    shipped: dict[str, Path] = {}
    for origin, module in _modules(blocked, plugin_files):
        _fill(manager, origin, module, registries, shipped)
    return Zoo(registries, shipped)


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower().strip()


def _modules(blocked: set[str], files: Iterable[str | Path]) -> Iterable[tuple[str, ModuleType]]:
    found: dict[tuple[str, str], EntryPoint] = {}
    for point in entry_points(group=GROUP):
        found.setdefault((_normal(point.dist.name) if point.dist else "?", point.name), point)
    # Our own first, so that a clash names the newcomer as the second; then by name: never by the order of installation.
    for (distribution, name), point in sorted(found.items(), key=lambda item: (item[0][0] != "alloygan", item[0])):
        if distribution in blocked:
            continue
        origin = f"{distribution}:{name}"
        version = f"{distribution} {point.dist.version}" if point.dist else distribution
        module = _imported(distribution, name, version, point.load)
        # A distribution of many plugins lists them in PLUGINS, so that adding one needs no reinstallation.
        members = getattr(module, "PLUGINS", None)
        if isinstance(members, tuple):
            for member in members:
                load = partial(import_module, f"{module.__name__}.{member}")
                yield f"{distribution}:{member}", _imported(distribution, member, version, load)
        else:
            yield origin, module
    for file in files:
        yield f"file:{Path(file).name}", _file_module(Path(file))


def _imported(distribution: str, name: str, version: str, load: Callable[[], ModuleType]) -> ModuleType:
    try:
        return load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"plugin {name!r} of {version} failed to import: {type(error).__name__}: {error}. Repair it, uninstall "
            f"{distribution}, or set ALLOYGAN_BLOCK={distribution}."
        ) from error


def _file_module(path: Path) -> ModuleType:
    if not path.is_file():
        raise PluginError(f"--plugin {path}: there is no such file")
    name = f"{FILE_PLUGIN}{re.sub(r'[^0-9a-zA-Z_]', '_', path.stem)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"--plugin {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks annotations up in the module of a class
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(
            f"--plugin {path}{_line_of(path, error)} failed to import: {type(error).__name__}: {error}. Repair the "
            "file or leave it out."
        ) from error
    return module


def _line_of(path: Path, error: BaseException) -> str:
    """Where in the file an import went wrong, if it came as far as running it: ", line 7,"."""
    lines = [
        at.lineno for at in traceback.extract_tb(error.__traceback__) if Path(at.filename).resolve() == path.resolve()
    ]
    return f", line {lines[-1]}," if lines else ""


def _fill(
    manager: PluginManager,
    origin: str,
    module: ModuleType,
    registries: Mapping[str, Registry[Any]],
    shipped: dict[str, Path],
) -> None:
    distribution = origin.split(":", 1)[0]
    way_out = f"Repair it, uninstall {distribution}, or set ALLOYGAN_BLOCK={distribution}."
    if distribution == "file":
        way_out = "Repair the file or leave it out."
    try:
        manager.register(module, name=origin)
        manager.check_pending()
    except PluginValidationError as error:
        known = ", ".join(name for name in vars(hookspecs) if name.startswith("alloygan_"))
        reason = " ".join(str(error).split())
        raise PluginError(f"plugin {origin} does not fit a hook: {reason}. Hooks: {known}. {way_out}") from None
    except ValueError:
        # pluggy's answer to a module, or a name, that it has already.
        raise PluginError(
            f"plugin {origin} is there twice: one module under two entry points, or two files of one name. {way_out}"
        ) from None
    for _, plural, _ in SORTS:
        registry = next(r for r in registries.values() if r.plural == plural)
        for implementation in getattr(manager.hook, f"alloygan_register_{plural}").get_hookimpls():
            if implementation.plugin_name != origin:
                continue

            def register(spec: type[Any], registry: Registry[Any] = registry) -> None:
                registry.register(spec, origin=origin)

            try:
                implementation.function(*([register] if implementation.argnames else []))
            except PluginError:
                raise
            except (Exception, SystemExit) as error:
                raise PluginError(
                    f"plugin {origin}: {implementation.function.__name__} failed: {type(error).__name__}: {error}. "
                    f"{way_out}"
                ) from error
    _ship(origin, module, shipped)


def _ship(origin: str, module: ModuleType, shipped: dict[str, Path]) -> None:
    """Take the spec files that lie in a plugin's package folder."""
    for folder in getattr(module, "__path__", ()):
        for path in sorted(Path(folder).glob("*.yaml")):
            if path.stem in shipped:
                raise PluginError(
                    f"two plugins ship a spec {path.stem!r}: {shipped[path.stem]} and {path} ({origin}). Rename one."
                )
            shipped[path.stem] = path
