"""Rules for the spec of any component: what a user writes, reads in messages, and finds again in a run folder."""

import json
import types
import typing
from collections.abc import Iterator
from io import StringIO
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from alloygan.errors import SpecError
from alloygan.specs.from_registry import From
from alloygan.specs.wiring import ASKED_OF_THE_LOOP
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import require

OUTPUTS = frozenset({"image_embedding", "condition_embedding"})


def has_a_docstring_of_its_own(subject: Subject) -> None:
    """`alloygan list` and `show` print it; an inherited one would describe another kind."""
    require(bool(subject.entry.summary), f"{type(subject.spec).__name__} has no docstring of its own")


def describes_every_field(subject: Subject) -> None:
    """`alloygan show`, the JSON Schema and editors show the descriptions."""
    silent = [
        f"{model.__name__}.{name}"
        for model in _models(type(subject.spec))
        for name, field in model.model_fields.items()
        if name != "kind" and not (field.description or "").strip()
    ]
    require(not silent, f"no description: {', '.join(silent)}; write Field(…, description=…), with the unit")


def takes_null_as_the_default(subject: Subject) -> None:
    """In a spec file null means "take the default", so a field that allows None must have None as its default."""
    wrong = [
        f"{model.__name__}.{name}"
        for model in _models(type(subject.spec))
        for name, field in model.model_fields.items()
        if _allows_none(field.annotation)
        and (field.is_required() or field.get_default(call_default_factory=True, validated_data={}) is not None)
    ]
    require(
        not wrong,
        f"{', '.join(wrong)}: allows None with another default, which no spec file can then say: null in a spec file "
        'takes the default. Use a word instead of None, such as Literal["off"].',
    )


def is_frozen_and_refuses_unknown_fields(subject: Subject) -> None:
    """A misspelt field is an error, and a spec does not change after it was read."""
    config = type(subject.spec).model_config
    require(config.get("frozen") is True, "the spec class is not frozen; leave model_config as it is inherited")
    require(
        config.get("extra") == "forbid",
        "the spec class allows unknown fields; leave model_config as it is inherited",
    )


def survives_a_yaml_round_trip(subject: Subject) -> None:
    """The resolved spec of a run folder (YAML) and of a shared model (JSON) means the same when it is read again."""
    values = subject.spec.model_dump(mode="json")
    again = {"JSON": json.loads(json.dumps(values, allow_nan=False)), "YAML": _through_yaml(_without_null(values))}
    for form, read in again.items():
        try:
            spec = subject.zoo.spec_from_values(read, subject.sort)
        except SpecError as error:
            require(False, f"its own values cannot be read again from {form}: {error}")
        require(spec == subject.spec, f"read again from {form}, the spec is {spec!r} instead of {subject.spec!r}")


def has_a_json_schema(subject: Subject) -> None:
    """Editors check spec files with it."""
    try:
        json.dumps(type(subject.spec).model_json_schema())
    except Exception as error:
        require(False, f"no JSON Schema can be made, so `alloygan schema` fails: {type(error).__name__}: {error}")


def needs_and_gives_known_names(subject: Subject) -> None:
    """The assembler knows these names; others would be asked for in vain."""
    needs, gives = subject.spec.needs, subject.spec.gives
    known_needs = {"label"} | (ASKED_OF_THE_LOOP | OUTPUTS if subject.sort == "loss" else set())
    label = frozenset({"label"})
    known_gives = {"critic": OUTPUTS, "dataset": label, "sampler": label}.get(subject.sort, frozenset())
    for word, names, known, extras in (
        ("needs", needs, known_needs, subject.sort == "loss"),
        ("gives", gives, known_gives, subject.sort == "critic"),
    ):
        require(isinstance(names, frozenset), f"{word} is a {type(names).__name__}, not a frozenset of names")
        strange = sorted(n for n in names if n not in known and not (extras and _is_extra(n)))
        wanted = [*sorted(known), *(["extras.<name>"] if extras else [])]
        require(
            not strange,
            f"{word} {', '.join(strange)}: for a {subject.sort} the assembler knows {', '.join(wanted) or 'none'}",
        )


def _is_extra(name: str) -> bool:
    return name.startswith("extras.") and name.removeprefix("extras.").isidentifier()


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A spec class and the models in its fields; parts that come from a registry are looked at where they register."""
    yield model
    for field in model.model_fields.values():
        if any(isinstance(mark, From) for mark in field.metadata):
            continue
        for inner in _leaves(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not model:
                yield from _models(inner)


def _leaves(annotation: Any) -> Iterator[Any]:
    if typing.get_origin(annotation) is typing.Annotated:
        if not any(isinstance(mark, From) for mark in annotation.__metadata__):
            yield from _leaves(annotation.__origin__)
        return
    arguments = typing.get_args(annotation)
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from _leaves(argument)


def _allows_none(annotation: Any) -> bool:
    if typing.get_origin(annotation) is typing.Annotated:
        return _allows_none(annotation.__origin__)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(_allows_none(argument) for argument in typing.get_args(annotation))
    return annotation is None or annotation is types.NoneType


def _through_yaml(values: Any) -> Any:
    yaml = YAML(typ="safe", pure=True)
    text = StringIO()
    yaml.dump(values, text)
    return yaml.load(text.getvalue())


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_null(inner) for inner in value]
    return value


SPEC_CHECKS = (
    has_a_docstring_of_its_own,
    describes_every_field,
    takes_null_as_the_default,
    is_frozen_and_refuses_unknown_fields,
    survives_a_yaml_round_trip,
    has_a_json_schema,
    needs_and_gives_known_names,
)
