"""An ablation file to the runs that it asks for: every cell of the grid, for every seed, as a resolved spec.

Everything that can be wrong is found here, before anything runs.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from alloygan.errors import SpecError, nearest
from alloygan.reading import Node, Position, document_of, lay_value, override, read_tree
from alloygan.specs.components import LauncherSpec
from alloygan.specs.gan import NOT_TRAINED_BY, GanSpec
from alloygan.sweeps.ablation_spec import KEYS, OF_A_CELL, AblationSpec
from alloygan.sweeps.differences import differences
from alloygan.zoo import Zoo


@dataclass(frozen=True)
class CellRun:
    """One training: a cell with one seed. `key` is the same for the same training, whatever it is called."""

    cell: str
    seed: int
    spec: GanSpec
    key: str


@dataclass(frozen=True)
class Cell:
    """One combination of levels: `levels` by factor (none for a cell with a name of its own), and its runs by seed.

    `baseline`: the name of the cell that it is compared with; None for a baseline, and where there is no such cell.
    `changes`: what its resolved spec has that the baseline's has not, as `path: value there → value here`.
    """

    name: str
    levels: Mapping[str, str]
    runs: tuple[CellRun, ...]
    changes: tuple[str, ...] = ()
    baseline: str | None = None


@dataclass(frozen=True)
class Ablation:
    """A whole ablation: its cells, the names of those that others are compared with, and what there is to say.

    There is one baseline, or one for each combination of the factors that the file's `baseline` does not name.
    """

    name: str
    factors: tuple[str, ...]
    cells: tuple[Cell, ...]
    baselines: tuple[str, ...]
    seeds: tuple[int, ...]
    launcher: LauncherSpec
    notes: tuple[str, ...] = ()

    @property
    def baseline(self) -> str:
        """The first baseline: the only one, unless the file's `baseline` leaves factors open."""
        return self.baselines[0]

    def cell(self, name: str) -> Cell:
        """The cell of this name."""
        return next(cell for cell in self.cells if cell.name == name)

    @property
    def runs(self) -> tuple[CellRun, ...]:
        """All runs, seed by seed, so that every cell has a result early."""
        return tuple(cell.runs[i] for i in range(len(self.seeds)) for cell in self.cells)


@dataclass(frozen=True)
class _Planned:
    """A cell before it is resolved: the overrides that make it, each with its dotted path."""

    name: str
    levels: Mapping[str, str]
    overrides: tuple[tuple[str, Node], ...]
    where: str
    own: bool = False


def run_key(spec: GanSpec) -> str:
    """A hash of what is trained: the resolved spec but for its name and for how it is measured."""
    values = {key: value for key, value in spec.model_dump(mode="json").items() if key not in NOT_TRAINED_BY}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def read_ablation(path: str | Path, zoo: Zoo, overrides: Sequence[str] = ()) -> Ablation:
    """Read an ablation file and resolve all its cells.

    Raises SpecError, one line for each problem: what a spec file can have wrong, in any cell; factors, levels and
    baselines that are not there; cells that resolve to the same spec; more runs than `max_runs`.
    """
    tree = read_tree(Path(path), (), zoo.shipped)
    # Written out, so that its fields can be overridden.
    tree.value.setdefault("launcher", Node("local", tree.position))
    for text in overrides:
        override(tree, text)
    where = Position(str(path))
    own = Node({key: tree.value.pop(key) for key in KEYS if key in tree.value}, where)
    _refuse_unknown(tree)
    if not {"vary", "cells"} & own.value.keys():
        raise SpecError(f"{where}: not an ablation: it has neither `vary` nor `cells`")
    document = document_of(own, keep_null=True)
    spec: AblationSpec = zoo.validate_as(AblationSpec, document)
    planned = [*_product(spec, own), *_listed(spec, own)]
    _refuse_too_many(spec, planned, own)
    if not planned:
        raise SpecError(f"{where}: no cell is left; `exclude` leaves out all of them")
    against = _against(spec, planned, own)
    resolved = _resolved(planned, spec.seeds, tree, zoo)
    _refuse_same(resolved, planned)
    specs = {cell.name: cell.runs[0].spec for cell in resolved}
    baselines = tuple(dict.fromkeys(base for base in against.values() if base is not None))
    cells = []
    for cell in resolved:
        base = against[cell.name] if against[cell.name] != cell.name else None
        changes = differences(specs[base or baselines[0]], specs[cell.name])
        cells.append(replace(cell, baseline=base, changes=changes))
    notes = (
        *_unused(spec, own, planned, tree, zoo),
        *_idle_levels(spec, own, tree, zoo),
        *_alone(against, own),
    )
    return Ablation(
        specs[baselines[0]].name, tuple(spec.vary), tuple(cells), baselines, spec.seeds, spec.launcher, notes
    )


def _refuse_unknown(rest: Node) -> None:
    """Say so of a key that is neither an ablation's nor a spec's, with the nearest of both."""
    known = (*KEYS, *GanSpec.model_fields)
    unknown = [
        f"{node.position}: {key}: unknown key of an ablation.{nearest(key, known)}"
        for key, node in rest.value.items()
        if key not in known
    ]
    if unknown:
        raise SpecError("\n".join(unknown))


def _product(spec: AblationSpec, own: Node) -> list[_Planned]:
    for number, chosen in enumerate(spec.exclude):
        if _gone(spec, own, number):
            continue
        where = own.value["exclude"].value[number].position
        for factor, level in chosen.items():
            _check_level(spec, factor, level, f"{where}: exclude")
    if not spec.vary or not spec.product:
        return []
    count = math.prod(len(levels) for levels in spec.vary.values())
    if count > 100 * spec.max_runs:
        # Not even listed: a mistake must not take the memory either.
        raise SpecError(_too_many(own, count * len(spec.seeds), spec))
    cells = []
    excluded = set()
    for names in product(*spec.vary.values()):
        levels = dict(zip(spec.vary, names, strict=True))
        hits = [i for i, chosen in enumerate(spec.exclude) if chosen.items() <= levels.items()]
        excluded.update(hits)
        if not hits:
            cells.append(_Planned(", ".join(names), levels, _of_levels(own, levels), str(own.value["vary"].position)))
    for number in range(len(spec.exclude)):
        if number not in excluded and not _gone(spec, own, number):
            where = own.value["exclude"].value[number].position
            raise SpecError(f"{where}: exclude: no cell of the product has these levels; remove the line")
    return cells


def _gone(spec: AblationSpec, own: Node, number: int) -> bool:
    """Whether a line of `exclude` is of a file that this one extends, about a level that is no longer there."""
    inherited = own.value["exclude"].value[number].position.source != own.position.source
    return inherited and any(
        factor in spec.vary and level not in spec.vary[factor] for factor, level in spec.exclude[number].items()
    )


def _listed(spec: AblationSpec, own: Node) -> Iterator[_Planned]:
    nodes = own.value["cells"].value if "cells" in own.value else []
    for given, node in zip(spec.cells, nodes, strict=True):
        where = str(node.position)
        levels = {key: value for key, value in given.items() if key not in OF_A_CELL}
        for factor, level in levels.items():
            _check_level(spec, factor, level, f"{where}: cells")
        overrides = given.get("set", {})
        if not isinstance(overrides, dict) or (not overrides and not levels):
            raise SpecError(f"{where}: cells: expected levels by factor, or overrides under `set: {{a.b: value}}`")
        if overrides and "name" not in given:
            raise SpecError(f"{where}: cells: give it a `name`, since it has overrides of its own")
        if not overrides and spec.product and levels.keys() == spec.vary.keys():
            raise SpecError(
                f"{where}: cells: the product of the factors has this cell already; remove it, or write "
                "`product: false` to run the listed cells alone"
            )
        name = given.get("name", ", ".join(map(str, levels.values())))
        if not isinstance(name, str) or not name.strip():
            raise SpecError(f"{where}: cells: name: expected text")
        own_overrides = tuple((dotted, value) for dotted, value in node.value["set"].value.items()) if overrides else ()
        yield _Planned(str(name), levels, (*_of_levels(own, levels), *own_overrides), where, bool(overrides))


def _check_level(spec: AblationSpec, factor: str, level: Any, where: str) -> None:
    if factor not in spec.vary:
        raise SpecError(f"{where}: there is no factor {factor!r}.{nearest(factor, spec.vary, noun='Factors')}")
    if not isinstance(level, str) or level not in spec.vary[factor]:
        known = nearest(str(level), spec.vary[factor], noun="Levels")
        raise SpecError(f"{where}: {factor} has no level {str(level)!r}.{known}")


def _of_levels(own: Node, levels: Mapping[str, str]) -> tuple[tuple[str, Node], ...]:
    vary = own.value["vary"].value if "vary" in own.value else {}
    return tuple(
        (dotted, value)
        for factor, level in levels.items()
        for dotted, value in vary[factor].value[level].value.items()
    )  # fmt: skip


def _refuse_too_many(spec: AblationSpec, planned: Sequence[_Planned], own: Node) -> None:
    count = len(planned) * len(spec.seeds)
    if count > spec.max_runs:
        raise SpecError(_too_many(own, count, spec))


def _too_many(own: Node, count: int, spec: AblationSpec) -> str:
    factors = " × ".join(f"{len(levels)} {name}" for name, levels in spec.vary.items())
    return (
        f"{own.position.source}: {count:,} runs ({factors or f'{len(spec.cells)} cells'} × {len(spec.seeds)} seeds), "
        f"more than max_runs: {spec.max_runs}; name fewer levels, or raise max_runs if it is meant so"
    )


def _against(spec: AblationSpec, planned: Sequence[_Planned], own: Node) -> dict[str, str | None]:
    """The baseline of each cell by name: its own name for a baseline, None where no cell has what it would need."""
    names = [cell.name for cell in planned]
    for name in names:
        if names.count(name) > 1:
            where = next(cell.where for cell in reversed(planned) if cell.name == name)
            raise SpecError(f"{where}: two cells are called {name!r}; give one of them another name")
    if spec.baseline is None:
        return dict.fromkeys(names, names[0])
    where = f"{own.value['baseline'].position}: baseline"
    if isinstance(spec.baseline, str):
        if spec.baseline not in names:
            raise SpecError(f"{where}: no cell is called {spec.baseline!r}.{nearest(spec.baseline, names)}")
        return dict.fromkeys(names, spec.baseline)
    for factor, level in spec.baseline.items():
        _check_level(spec, factor, level, where)
    chosen = spec.baseline
    if not chosen:
        raise SpecError(f"{where}: {{}} names no level; name a cell, or the levels that make the baseline")
    levels = ", ".join(f"{factor}: {level}" for factor, level in chosen.items())
    shown = "; ".join([*names[:6], *(["…"] if len(names) > 6 else [])])
    # A cell with overrides of its own is meant to be compared, unless there is no other with these levels.
    exact = [cell.name for cell in planned if cell.levels == chosen and not cell.own]
    if not exact:
        # Factors that it leaves open are those in which a cell and its baseline agree.
        plain = [cell for cell in planned if not cell.own]
        against = {
            cell.name: [other.name for other in plain if other.levels == {**cell.levels, **chosen}] for cell in planned
        }
        if any(against.values()):
            _refuse_two(against, where)
            return {name: found[0] if found else None for name, found in against.items()}
        exact = [cell.name for cell in planned if cell.levels == chosen]
    if len(exact) != 1:
        what = "more than one cell has" if exact else "no cell that runs has"
        raise SpecError(f"{where}: {what} the levels {{{levels}}}; name one cell, of: {shown}")
    return dict.fromkeys(names, exact[0])


def _refuse_two(against: Mapping[str, Sequence[str]], where: str) -> None:
    for name, found in against.items():
        if len(found) > 1:
            raise SpecError(f"{where}: the cells {'; '.join(found)} could both be the baseline of {name!r}; name one")


def _alone(against: Mapping[str, str | None], own: Node) -> Iterator[str]:
    for cell, base in against.items():
        if base is None:
            where = own.value["baseline"].position
            yield f"{where}: the cell {cell} is compared with none: no cell has its levels with those of the baseline"


def _resolved(planned: Sequence[_Planned], seeds: Sequence[int], base: Node, zoo: Zoo) -> list[Cell]:
    problems: dict[str, list[_Planned]] = {}
    cells: list[Cell] = []
    for plan in planned:
        try:
            runs = []
            for seed in seeds:
                spec = _resolve(base, plan.overrides, zoo, seed)
                runs.append(CellRun(plan.name, seed, spec, run_key(spec)))
            cells.append(Cell(plan.name, plan.levels, tuple(runs)))
        except SpecError as error:
            for line in str(error).splitlines():
                problems.setdefault(line, []).append(plan)
    if problems:
        raise SpecError("\n".join(f"{line} ({_cells(plans)})" for line, plans in problems.items()))
    return cells


def _cells(plans: Sequence[_Planned]) -> str:
    others = len(plans) - 1
    more = f" and {others} other{'s' if others > 1 else ''}" if others else ""
    return f"in the cell {plans[0].name!r} of {plans[0].where}{more}"


def _resolve(base: Node, overrides: Sequence[tuple[str, Node]], zoo: Zoo, seed: int | None) -> GanSpec:
    tree = base.copy()
    for dotted, value in overrides:
        keys = tuple(key.strip() for key in dotted.split("."))
        if not all(keys):
            raise SpecError(f"{value.position}: {dotted!r}: write an override as a.b: value")
        if keys == ("training", "seed") or (
            keys == ("training",) and isinstance(value.value, dict) and "seed" in value.value
        ):
            raise SpecError(f"{value.position}: training.seed: an ablation sets it from `seeds`; name the seed there")
        lay_value(tree, keys, value.copy())
    if seed is not None:
        lay_value(tree, ("training", "seed"), Node(seed, base.position))
    return zoo.validate(document_of(tree))


def _refuse_same(cells: Sequence[Cell], planned: Sequence[_Planned]) -> None:
    first: dict[str, Cell] = {}
    problems = []
    for cell, plan in zip(cells, planned, strict=True):
        other = first.setdefault(cell.runs[0].key, cell)
        if other is cell:
            continue
        both = f"{plan.where}: the cells {other.name!r} and {cell.name!r}"
        if other.runs[0].spec.evaluation == cell.runs[0].spec.evaluation:
            what = f"resolve to the same spec{_why(other, cell)}; remove one, or correct what it should change"
        else:
            what = "differ only in how they are measured; an ablation varies what is trained"
        problems.append(f"{both} {what}")
    if problems:
        raise SpecError("\n".join(problems))


def _why(one: Cell, other: Cell) -> str:
    factors = [name for name in one.levels if other.levels.get(name) != one.levels[name]]
    if not factors:
        return ""
    return f": between their levels of {', '.join(factors)} nothing changes, or a later factor replaces what does"


def _unused(spec: AblationSpec, own: Node, planned: Sequence[_Planned], base: Node, zoo: Zoo) -> Iterator[str]:
    """Levels that no cell has, with what would be wrong with them: nobody else would tell."""
    for factor, levels in spec.vary.items():
        used = {plan.levels.get(factor) for plan in planned}
        for level in levels.keys() - used:
            where = own.value["vary"].value[factor].value[level].position
            said = f"{where}: no cell has the level {level} of {factor}"
            try:
                _resolve(base, _of_levels(own, {factor: level}), zoo, None)
            except SpecError as error:
                said += f"; alone it would be wrong: {error}"
            yield said
    if spec.exclude and not spec.product:
        where = own.value["exclude"].position
        yield f"{where}: exclude leaves nothing out: with product: false the listed cells run alone"


def _idle_levels(spec: AblationSpec, own: Node, base: Node, zoo: Zoo) -> Iterator[str]:
    """Levels that write down what the spec has anyway: legitimate for a baseline, and worth a word."""
    try:
        plain = run_key(_resolve(base, (), zoo, None))
    except SpecError:
        return  # the spec alone need not be complete
    for factor, levels in spec.vary.items():
        for level, overrides in levels.items():
            if not overrides:
                continue
            try:
                same = run_key(_resolve(base, _of_levels(own, {factor: level}), zoo, None)) == plain
            except SpecError:
                continue
            if same:
                where = own.value["vary"].value[factor].value[level].position
                yield f"{where}: the level {level} of {factor} changes nothing: the spec has these values already"
    for node in own.value["cells"].value if "cells" in own.value else []:
        own_overrides = tuple(node.value["set"].value.items()) if "set" in node.value else ()
        try:
            if own_overrides and run_key(_resolve(base, own_overrides, zoo, None)) == plain:
                yield f"{node.position}: what the cell {node.value['name'].value} has under `set` changes nothing"
        except SpecError:
            continue
