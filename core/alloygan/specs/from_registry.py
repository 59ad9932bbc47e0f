"""Fields that hold a component: the spec class is looked up by `kind` when the spec is read.

`Annotated[LossSpec, From("loss")]` finds the class in the zoo's registry, so third-party kinds validate like our own.
A bare string is short for `{kind: …}`. The registries arrive as the validation context, so there is no global one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from alloygan.errors import SpecError, nearest

REFERENCE = "x-alloygan-registry"


def _dump(value: BaseModel, info: core_schema.SerializationInfo) -> dict[str, Any]:
    return value.model_dump(mode=info.mode)


def _kind_of(value: Any, noun: str) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        return str(value), {"kind": str(value)}
    if isinstance(value, Mapping):
        kind = value.get("kind")
        if isinstance(kind, str):
            return str(kind), dict(value) | {"kind": str(kind)}
        raise PydanticCustomError("unknown_kind", f"this {noun} needs a kind, such as `kind: …`")
    raise PydanticCustomError(
        "unknown_kind",
        f"expected the name of a {noun} or a mapping with a kind, got {value!r}",
    )


@dataclass(frozen=True)
class From:
    """Marks a field whose class comes from the registry with this singular name."""

    registry: str
    chooses_a_kind: ClassVar[bool] = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Build the validator that looks the kind up."""

        def validate(value: Any, info: core_schema.ValidationInfo) -> Any:
            if isinstance(value, source):
                return value
            registries = info.context
            if not isinstance(registries, Mapping) or self.registry not in registries:
                raise PydanticCustomError(
                    "unknown_kind",
                    f"a {self.registry} by name needs the zoo: read specs with read_spec(), which knows the plugins",
                )
            kind, values = _kind_of(value, self.registry)
            try:
                entry = registries[self.registry].get(kind)
            except SpecError as error:
                raise PydanticCustomError("unknown_kind", str(error)) from None
            return entry.spec.model_validate(values, context=registries)

        return core_schema.with_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(_dump, info_arg=True),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Leave a reference that `alloygan schema` fills in."""
        return {REFERENCE: self.registry}


class OneOf:
    """Marks a field whose class is one of a closed set, chosen by `kind`."""

    chooses_a_kind: ClassVar[bool] = True

    def __init__(self, noun: str, *classes: type[BaseModel]) -> None:
        self.noun = noun
        self.classes = {cls.model_fields["kind"].default: cls for cls in classes}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Build the validator that chooses the class."""

        def validate(value: Any, info: core_schema.ValidationInfo) -> Any:
            if isinstance(value, tuple(self.classes.values())):
                return value
            kind, values = _kind_of(value, self.noun)
            cls = self.classes.get(kind)
            if cls is None:
                raise PydanticCustomError(
                    "unknown_kind",
                    f"unknown {self.noun} {kind!r}.{nearest(kind, self.classes)}",
                )
            return cls.model_validate(values, context=info.context)

        return core_schema.with_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(_dump, info_arg=True),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """One branch a class, and one for the bare names."""
        branches: list[dict[str, Any]] = [{"enum": sorted(self.classes)}]
        for kind, cls in sorted(self.classes.items()):
            branch = cls.model_json_schema()
            branch["required"] = sorted({*branch.get("required", ()), "kind"})
            branch["properties"]["kind"] = {"const": kind}
            branches.append(branch)
        return {"anyOf": branches}
