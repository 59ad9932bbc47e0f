"""YAML to plain values that remember where they came from.

Read as YAML 1.2, so `2e-4` is a number and `no` is text. Duplicate keys are refused. `extends: other.yaml` (relative
to the file that says it, or `zoo:NAME` for a spec that a plugin ships) lays this file over another one:

- mappings merge key by key; lists and scalars replace;
- a mapping that names another `kind` replaces the whole component, so that no field of the old kind is left over;
- `null` removes what the file below has (and is an error where there is nothing to remove).

Overrides (`a.b=c`) are laid over the result by the same rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from alloygan.errors import SpecError, nearest

KeyPath = tuple[str | int, ...]

_MOST_BYTES = 1_000_000
_MOST_NODES = 20_000
_MOST_DEPTH = 40


@dataclass(frozen=True)
class Position:
    """Where a value was written: `ni.yaml:7:11`, or `--set a.b=c` for an override."""

    source: str
    line: int | None = None
    column: int | None = None
    folder: Path = field(default=Path(), compare=False)

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}:{self.column}"


class LocatedText(str):
    """A string from a spec file that knows its position, so that a path can be relative to that file."""

    position: Position

    def __new__(cls, text: str, position: Position) -> "LocatedText":
        """Make a string with a position."""
        made = super().__new__(cls, text)
        made.position = position
        return made


@dataclass
class Node:
    """A value of the tree while files are laid over one another."""

    value: Any  # dict[str, Node], list[Node] or a scalar
    position: Position

    def copy(self) -> "Node":
        """A tree of its own, so that what is laid over it leaves this one as it is."""
        if isinstance(self.value, dict):
            return Node({key: child.copy() for key, child in self.value.items()}, self.position)
        if isinstance(self.value, list):
            return Node([child.copy() for child in self.value], self.position)
        return Node(self.value, self.position)


@dataclass(frozen=True)
class Document:
    """Plain values (`dict`, `list`, scalars) and the position of every key path in them."""

    values: dict[str, Any]
    positions: Mapping[KeyPath, Position]

    def locate(self, path: KeyPath) -> Position:
        """The position of a key path, or of its nearest written ancestor."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.positions:
                return self.positions[path[:length]]
        return Position("(spec)")


def read_document(path: Path, overrides: Sequence[str] = (), shipped: Mapping[str, Path] | None = None) -> Document:
    """Read a spec file with what it extends, and lay overrides (`"a.b=c"`) over it.

    `shipped` maps names to the spec files that plugins ship, for `zoo:NAME`. Raises SpecError with file, line and
    column.
    """
    return document_of(read_tree(path, overrides, shipped))


def read_tree(path: Path, overrides: Sequence[str] = (), shipped: Mapping[str, Path] | None = None) -> Node:
    """As `read_document`, before the tree is flattened: values that are null are still in it."""
    shipped = shipped or {}
    tree = _read_chain(locate_file(str(path), Path(), shipped), shipped, ())
    for text in overrides:
        override(tree, text)
    return tree


def tree_of(values: Any, position: Position) -> Node:
    """Plain values as a tree, every one at the same position; entries that are null are left out."""
    if isinstance(values, Mapping):
        return Node({key: tree_of(one, position) for key, one in values.items() if one is not None}, position)
    if isinstance(values, (list, tuple)):
        return Node([tree_of(one, position) for one in values], position)
    return Node(values, position)


def document_of_kind(kind: str, overrides: Sequence[str] = ()) -> Document:
    """A component of that kind with nothing but overrides (`"field=value"`) laid over it."""
    position = Position(kind, folder=Path.cwd())
    tree = Node({"kind": Node(kind, position)}, position)
    for text in overrides:
        override(tree, text)
    return document_of(tree)


def document_of(tree: Node, *, keep_null: bool = False) -> Document:
    """Flatten a tree to plain values and positions; entries that are null are left out unless they are to be kept."""
    positions: dict[KeyPath, Position] = {}
    values = _plain(tree, (), positions, keep_null)
    return Document(values, positions)


def locate_file(name: str, folder: Path, shipped: Mapping[str, Path]) -> Path:
    """Resolve a spec's name: a path relative to `folder`, or `zoo:NAME`. Raises SpecError for an unknown NAME."""
    if name.startswith("zoo:"):
        found = shipped.get(name.removeprefix("zoo:"))
        if found is None:
            raise SpecError(f"no installed plugin ships the spec {name!r}.{nearest(name[4:], shipped)}")
        return found
    return folder / user_path(name)


def user_path(text: str) -> Path:
    """A path with `~` resolved, where that names somebody's home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _read_chain(path: Path, shipped: Mapping[str, Path], seen: tuple[Path, ...]) -> Node:
    real = path.resolve()
    # A shipped file is not the user's to edit, so messages name it as specs do.
    source = next((f"zoo:{name}" for name, file in shipped.items() if file.resolve() == real), str(path))
    if real in seen:
        raise SpecError(f"{path}: `extends` goes in a circle: {' -> '.join(p.name for p in (*seen, real))}")
    tree = _read_file(path, source)
    extends = tree.value.pop("extends", None)
    if extends is None:
        return tree
    if not isinstance(extends.value, str):
        raise SpecError(f"{extends.position}: extends: expected the name of one spec file")
    base_path = locate_file(extends.value, path.parent, shipped)
    if not base_path.is_file():
        raise SpecError(f"{extends.position}: extends: there is no file {base_path}")
    base = _read_chain(base_path, shipped, (*seen, real))
    _lay_over(base, tree, ())
    return base


def _read_file(path: Path, source: str) -> Node:
    if not path.is_file():
        what = "is a folder, not a spec file" if path.is_dir() else "there is no such file"
        raise SpecError(f"{path}: {what}")
    if path.stat().st_size > _MOST_BYTES:
        raise SpecError(f"{path}: larger than {_MOST_BYTES:,} bytes; this is not a spec")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: not a UTF-8 text file ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from None
    tree = _parse(text, source, path.parent)
    if not isinstance(tree.value, dict):
        raise SpecError(f"{path}: a spec is a mapping of names to values, such as `name: my-run`")
    return tree


def _parse(text: str, source: str, folder: Path, fixed: Position | None = None) -> Node:
    """Parse YAML text to a tree; with `fixed`, every value gets that position (an override has no lines)."""
    yaml = YAML(typ="rt", pure=True)
    try:
        loaded = yaml.load(text)
    except DuplicateKeyError as error:
        mark = error.problem_mark
        problem = str(error.problem).split("with value")[0].strip()
        raise SpecError(f"{_mark(source, mark, fixed)}: {problem}; keep one of the two") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SpecError(f"{_mark(source, mark, fixed)}: not valid YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SpecError(f"{fixed or source}: not valid YAML: {reason}") from None
    return _tree(loaded, fixed or Position(source, 1, 1, folder), fixed, [0], 0)


def _mark(source: str, mark: Any, fixed: Position | None) -> str:
    return str(fixed) if fixed else str(Position(source, mark.line + 1, mark.column + 1)) if mark else source


def _tree(loaded: Any, position: Position, fixed: Position | None, count: list[int], depth: int) -> Node:
    # Aliases can make a small file endless, hence the bounds.
    count[0] += 1
    if count[0] > _MOST_NODES or depth > _MOST_DEPTH:
        raise SpecError(f"{position}: more than {_MOST_NODES:,} values or {_MOST_DEPTH} levels; this is not a spec")

    def at(line_column: Any) -> Position:
        if fixed is not None or line_column is None:
            return position
        return Position(position.source, line_column[0] + 1, line_column[1] + 1, position.folder)

    if isinstance(loaded, dict):
        branch: dict[str, Node] = {}
        for key, value in loaded.items():
            lines = getattr(loaded, "lc", None)
            where = at(lines.key(key) if lines is not None and lines.data and key in lines.data else None)
            if not isinstance(key, str):
                raise SpecError(f"{where}: the key {key!r} is not text; write it in quotes")
            branch[str(key)] = _tree(value, where, fixed, count, depth + 1)
        return Node(branch, position)
    if isinstance(loaded, list):
        lines = getattr(loaded, "lc", None)
        return Node(
            [
                _tree(
                    value,
                    at(lines.item(i) if lines is not None and lines.data else None),
                    fixed,
                    count,
                    depth + 1,
                )
                for i, value in enumerate(loaded)
            ],
            position,
        )
    return Node(_scalar(loaded, position), position)


def _scalar(value: Any, position: Position) -> Any:
    """Turn ruamel's round-trip scalars into plain ones."""
    if value is None or isinstance(value, bool):
        return value
    if type(value).__name__ == "ScalarBoolean":
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return LocatedText(str(value), position)


def _lay_over(base: Node, top: Node, path: KeyPath) -> None:
    """Merge `top` into `base` in place."""
    if path == ("baseline",):
        # It names one cell, by its name or by its levels: half of another name would name none.
        base.value, base.position = top.value, top.position
        return
    if isinstance(base.value, str) and isinstance(top.value, dict) and "kind" not in top.value:
        # `adversarial: hinge` is short for {kind: hinge}; a mapping laid over it merges with that.
        base.value = {"kind": Node(base.value, base.position)}
    if not isinstance(base.value, dict) or not isinstance(top.value, dict):
        base.value, base.position = top.value, top.position
        return
    if _replaces(base, top):
        base.value, base.position = top.value, top.position
        return
    for key, node in top.value.items():
        if node.value is None and not _is_level(path):
            if key not in base.value:
                name = ".".join(map(str, (*path, key)))
                raise SpecError(f"{node.position}: {name}: null removes nothing here.{nearest(key, base.value)}")
            del base.value[key]
        elif key in base.value:
            _lay_over(base.value[key], node, (*path, key))
        else:
            base.value[key] = node


def _is_level(path: KeyPath) -> bool:
    """Whether a mapping is a level of an ablation (`vary.FACTOR.LEVEL`): there null is an override like any other."""
    return len(path) == 3 and path[0] == "vary"


def _replaces(base: Node, top: Node) -> bool:
    """Whether `top` names another kind than `base` has, so that the fields of the old kind must go."""
    kind = top.value.get("kind")
    old = base.value.get("kind")
    return kind is not None and old is not None and kind.value != old.value


def override(tree: Node, text: str) -> None:
    """Lay an override `"a.b=c"` over a tree. Raises SpecError."""
    position = Position(f"--set {text}", folder=Path.cwd())
    dotted, separator, value_text = text.partition("=")
    keys = [key.strip() for key in dotted.split(".")]
    if not separator or not all(keys):
        raise SpecError(f"{position}: write an override as a.b=value")
    value = _parse(value_text, position.source, position.folder, fixed=position)
    lay_value(tree, tuple(keys), value)


def lay_value(tree: Node, keys: tuple[str, ...], value: Node) -> None:
    """Lay one value over a tree at a dotted path: what `--set` and an ablation's levels mean."""
    position = value.position
    node = tree
    for depth, key in enumerate(keys[:-1]):
        node = _child(node, key, keys[: depth + 1], position)
    last = keys[-1]
    dotted = ".".join(keys)
    if isinstance(node.value, str):
        node.value = {"kind": Node(node.value, node.position)}
    if isinstance(node.value, list):
        _lay_over(_child(node, last, keys, position), value, keys)
        return
    if not isinstance(node.value, dict):
        raise SpecError(f"{position}: {'.'.join(keys[:-1])} is a single value, it has no field {last!r}")
    if last == "kind" and "kind" in node.value and node.value["kind"].value != value.value:
        # Another kind replaces the whole component here too, so that no field of the old one is left over.
        node.value, node.position = {"kind": value}, position
        return
    if value.value is None:
        if last not in node.value:
            raise SpecError(f"{position}: {dotted}: null removes nothing here.{nearest(last, node.value)}")
        del node.value[last]
    elif last in node.value:
        _lay_over(node.value[last], value, keys)
    else:
        node.value[last] = value


def _child(node: Node, key: str, so_far: tuple[str, ...], position: Position) -> Node:
    if isinstance(node.value, str):
        node.value = {"kind": Node(node.value, node.position)}
    if isinstance(node.value, list):
        if not key.isdigit() or int(key) >= len(node.value):
            raise SpecError(f"{position}: {'.'.join(so_far)}: the list here has items 0 to {len(node.value) - 1}")
        return node.value[int(key)]  # type: ignore[no-any-return]
    if not isinstance(node.value, dict):
        raise SpecError(f"{position}: {'.'.join(so_far[:-1])} is a single value, it has no field {key!r}")
    if key not in node.value:
        node.value[key] = Node({}, position)
    return node.value[key]  # type: ignore[no-any-return]


def _plain(node: Node, path: KeyPath, positions: dict[KeyPath, Position], keep_null: bool) -> Any:
    positions[path] = node.position
    if isinstance(node.value, dict):
        return {
            key: _plain(child, (*path, key), positions, keep_null)
            for key, child in node.value.items()
            if keep_null or child.value is not None
        }
    if isinstance(node.value, list):
        return [_plain(child, (*path, i), positions, keep_null) for i, child in enumerate(node.value)]
    return node.value


def leaves(values: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every scalar (or empty container) of plain values, with its key path; used to compare two specs."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from leaves(value, (*path, key))
    elif isinstance(values, (list, tuple)) and values:
        for i, value in enumerate(values):
            yield from leaves(value, (*path, i))
    else:
        yield path, values
