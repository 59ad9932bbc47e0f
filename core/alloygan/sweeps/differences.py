"""What two resolved specs differ by, in few words."""

from collections.abc import Iterator, Mapping
from typing import Any

from alloygan.specs.gan import GanSpec


def differences(base: GanSpec, other: GanSpec) -> tuple[str, ...]:
    """Lines `path: value → value`; a component that is another one, or none, is one line. Names do not count."""
    old, new = (spec.model_dump(mode="json") | {"name": ""} for spec in (base, other))
    return tuple(_between("", old, new))


def _between(path: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping) and old.get("kind") == new.get("kind"):
        for key in dict.fromkeys([*old, *new]):
            yield from _between(f"{path}.{key}" if path else str(key), old.get(key), new.get(key))
    else:
        yield f"{path}: {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return str(value.get("kind", "{…}"))
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
