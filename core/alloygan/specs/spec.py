"""The base of every spec: a frozen pydantic model that forbids unknown fields and names the nearest known one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from alloygan.errors import nearest
from alloygan.reading import LocatedText, user_path


def describe(error: Any) -> str:
    """One line for one pydantic error, in plain words."""
    message: str = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if error["type"] == "missing":
        return "this field is required"
    if error["type"] in ("unknown_field", "unknown_kind", "rule"):
        return message
    given = error["input"]
    if error["type"] in ("dict_type", "mapping_type", "model_type", "model_attributes_type"):
        message = "expected a mapping such as {name: …}" + (", not a list" if isinstance(given, (list, tuple)) else "")
    if isinstance(given, (str, int, float, bool)) or given is None:
        return f"{message} (got {str(given) if isinstance(given, str) else given!r})"
    return message


class Spec(BaseModel):
    """A part of a spec file: frozen, complete when read, unknown fields refused, no NaN and no infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @model_validator(mode="wrap")
    @classmethod
    def _name_the_nearest_field(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        try:
            return handler(cls._with_default_kinds(data))
        except ValidationError as error:
            items = error.errors(include_url=False)
            # pydantic counts the good items of a list only, which would be a second message of the same thing.
            said = [item for item in items if not (item["type"] == "too_short" and _something_inside(item, items))]
            raise ValidationError.from_exception_data(cls.__name__, [cls._line_error(item) for item in said]) from None

    @classmethod
    def _with_default_kinds(cls, data: Any) -> Any:
        """Fields of a component that is there by default can be set without its name: `optimizer: {lr: 1e-4}`."""
        if not isinstance(data, Mapping):
            return data
        filled = dict(data)
        for name, field in cls.model_fields.items():
            value = filled.get(name)
            if not isinstance(value, Mapping) or "kind" in value or not any(map(_is_a_kind, field.metadata)):
                continue
            default = field.default
            kind = default if isinstance(default, str) else getattr(default, "kind", None)
            if kind is not None:
                filled[name] = {"kind": kind, **value}
        return filled

    @classmethod
    def _line_error(cls, item: Any) -> InitErrorDetails:
        kind, text = item["type"], describe(item)
        if kind == "extra_forbidden" and len(item["loc"]) == 1:
            kind = "unknown_field"
            text = f"unknown field.{nearest(str(item['loc'][0]), cls.model_fields, noun='Fields here')}"
        elif kind != "missing":
            kind = kind if kind in ("unknown_field", "unknown_kind") else "rule"
        # Without a context the message is taken as it is, braces included.
        return InitErrorDetails(
            type=PydanticCustomError(kind, text),
            loc=item["loc"],
            input=item["input"],
        )


def _is_a_kind(mark: Any) -> bool:
    return getattr(mark, "chooses_a_kind", False) is True


def _something_inside(item: Any, items: Sequence[Any]) -> bool:
    path = item["loc"]
    return any(len(other["loc"]) > len(path) and other["loc"][: len(path)] == path for other in items)


def _beside_its_file(value: Any) -> Any:
    if isinstance(value, LocatedText):
        return (value.position.folder / user_path(str(value))).resolve()
    return value


SpecPath = Annotated[Path, BeforeValidator(_beside_its_file)]
"""A path that a spec names: relative to the file that names it (to the working folder for `--set`)."""


def _size_pair(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value)
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
        return tuple(value)
    raise ValueError("expected one number of px, or [height, width]")


Pixels = Annotated[int, Field(ge=1)]
SizePair = Annotated[
    tuple[Pixels, Pixels], BeforeValidator(_size_pair, json_schema_input_type=Pixels | tuple[Pixels, Pixels])
]
"""Height and width in px; one number is a square."""
