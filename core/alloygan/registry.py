"""One registry: kinds of one sort of component, each with the spec class it is configured by and its origin."""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc
from typing import Generic, TypeVar

from alloygan.errors import PluginError, SpecError, nearest

S = TypeVar("S")


@dataclass(frozen=True)
class Entry(Generic[S]):
    """One registered kind: `kind` is the name a spec uses, `origin` is `distribution:entry point`."""

    kind: str
    spec: type[S]
    origin: str

    @property
    def summary(self) -> str:
        """First line of the spec class's docstring."""
        doc = self.spec.__dict__.get("__doc__") or ""
        return cleandoc(doc).split("\n", 1)[0].strip()


class Registry(Generic[S]):
    """Kinds of one sort of component, by name. A taken name is an error; nothing is ever overwritten."""

    def __init__(self, singular: str, plural: str, base: type[S]) -> None:
        self.singular = singular
        self.plural = plural
        self.base = base
        self._entries: dict[str, Entry[S]] = {}

    def register(self, spec: type[S], *, origin: str) -> None:
        """Add a spec class under the default of its `kind` field.

        Raises PluginError where it is not a spec class of this registry, where `kind` has no usable default,
        where the class has no docstring, or where the kind is taken.
        """
        if not (isinstance(spec, type) and issubclass(spec, self.base)):
            raise PluginError(
                f"plugin {origin} registers {spec!r} as a {self.singular}, which is not a class derived from "
                f"{self.base.__name__}. Pass the spec class itself, not an instance."
            )
        field = getattr(spec, "model_fields", {}).get("kind")
        kind = field.default if field is not None else None
        if not isinstance(kind, str) or not kind.isidentifier():
            raise PluginError(
                f"plugin {origin}: {spec.__name__} has no usable kind; "
                f'write `kind: Literal["my_{self.singular}"] = "my_{self.singular}"`.'
            )
        taken = self._entries.get(kind)
        if taken is not None:
            distribution = origin.split(":", 1)[0]
            way_out = "leave the file out" if distribution == "file" else f"set ALLOYGAN_BLOCK={distribution}"
            raise PluginError(
                f"two plugins register the {self.singular} kind {kind!r}: {taken.origin} and {origin}. "
                f"Rename one, uninstall one, or {way_out}."
            )
        entry = Entry(kind, spec, origin)
        if not entry.summary:
            raise PluginError(
                f"plugin {origin}: {spec.__name__} needs a docstring; its first line is shown by `alloygan list`."
            )
        self._entries[kind] = entry

    def get(self, kind: str) -> Entry[S]:
        """The entry of a kind. Raises SpecError with the nearest known name."""
        entry = self._entries.get(kind)
        if entry is None:
            raise SpecError(
                f"unknown {self.singular} {kind!r}.{nearest(kind, self._entries)} If a plugin provides it, install "
                f"that plugin (or pass --plugin FILE); `alloygan list` shows what is here."
            )
        return entry

    def __contains__(self, kind: object) -> bool:
        return kind in self._entries

    def __iter__(self) -> Iterator[Entry[S]]:
        return iter(sorted(self._entries.values(), key=lambda entry: entry.kind))

    def __len__(self) -> int:
        return len(self._entries)
