"""What two resolved specs differ by, in few words."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

from alloygan.specs.gan import GanSpec


def differences(base: GanSpec, other: GanSpec) -> tuple[str, ...]:
    """Lines `path: value → value`; a component that is another one, or none, is one line. Names do not count."""
    return tuple(line for line in _between("", base, other) if not line.startswith("name: "))


def _between(path: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, BaseModel) and type(old) is type(new):
        old, new = dict(old), dict(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _between(f"{path}.{key}" if path else str(key), old.get(key), new.get(key))
    else:
        yield f"{path}: {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        # Two levels may bring in the same component and differ in a field of it only.
        fields, kind = ", ".join(_not_default(value)), getattr(value, "kind", None)
        if kind is None:
            return f"{{{fields}}}"
        return f"{kind} ({fields})" if fields else str(kind)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_shown(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, PurePath):
        return value.as_posix()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _not_default(component: BaseModel) -> Iterator[str]:
    for name, field in type(component).model_fields.items():
        value = getattr(component, name)
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        if name == "kind" or value == default:
            continue
        # The default of a field that is itself a component is the name of a kind.
        if isinstance(value, BaseModel) and default == getattr(value, "kind", None) and not [*_not_default(value)]:
            continue
        yield f"{name} {_shown(value)}"
