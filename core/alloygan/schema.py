"""JSON Schema (draft 2020-12) of the files a user writes, for editors, with a branch for every kind in the zoo."""

from typing import Any, Literal

from alloygan.specs.from_registry import REFERENCE
from alloygan.specs.gan import GanSpec
from alloygan.sweeps.ablation_spec import AblationSpec
from alloygan.sweeps.search import KEY as SEARCH
from alloygan.sweeps.search_spec import SearchSpec
from alloygan.zoo import Zoo

File = Literal["spec", "ablation", "search"]


def json_schema(zoo: Zoo, file: File = "spec") -> dict[str, Any]:
    """The schema of a file: unknown fields and kinds are marked by an editor, and each field shows its description.

    An ablation is a spec with keys beside the spec's, and a search one with the key `search`.
    """
    schema = GanSpec.model_json_schema()
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    if file == "ablation":
        added = AblationSpec.model_json_schema()
        definitions |= added.pop("$defs", {})
        schema["properties"] |= added["properties"]
    elif file == "search":
        added = SearchSpec.model_json_schema()
        definitions |= added.pop("$defs", {})
        schema["properties"][SEARCH] = added
    for registry in zoo.registries.values():
        names = [entry.kind for entry in registry]
        branches: list[dict[str, Any]] = [{"enum": names}] if names else []
        for entry in registry:
            key = f"{registry.singular}.{entry.kind}"
            # Two plugins may each have a nested model of the same name.
            branch = entry.spec.model_json_schema(ref_template=f"#/$defs/{key}.{{model}}")
            for name, inner in branch.pop("$defs", {}).items():
                definitions[f"{key}.{name}"] = inner
            branch["description"] = f"{branch.get('description', '')} (from {entry.origin})".strip()
            branch["properties"]["kind"] = {"const": entry.kind}
            branch["required"] = sorted({*branch.get("required", ()), "kind"})
            definitions[key] = branch
            branches.append({"$ref": f"#/$defs/{key}"})
        definitions[registry.singular] = {"anyOf": branches} if branches else {"not": {}}
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "Another spec that this one is laid over: a file beside this one, or zoo:NAME.",
    }
    resolved = _resolve(schema)
    assert isinstance(resolved, dict)
    whole = resolved.pop("$defs")
    # A file that extends another lays parts over it: any field may be missing at any depth, or be null to remove it.
    laid_over = {f"{_OVER}{name}": _without_required(one) for name, one in whole.items()}
    properties = resolved["properties"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"alloygan {file}",
        "description": resolved.get("description", ""),
        "type": "object",
        "$defs": whole | laid_over,
        "if": {"required": ["extends"]},
        "then": _without_required({"properties": properties, "additionalProperties": False} | {"type": "object"}),
        "else": {
            "properties": properties,
            "additionalProperties": False,
            "required": resolved.get("required", []),
        },
        # Once more, for editors that complete keys from here alone.
        "properties": dict.fromkeys(properties, True),
    }


_OVER = "over."


def _without_required(value: Any) -> Any:
    """The schema of what is laid over something that has the rest."""
    if isinstance(value, list):
        return [_without_required(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    loose = {key: _without_required(inner) for key, inner in value.items() if key != "required"}
    if isinstance(loose.get("$ref"), str):
        loose["$ref"] = loose["$ref"].replace("#/$defs/", f"#/$defs/{_OVER}", 1)
    for key in ("properties", "additionalProperties"):
        inner = loose.get(key)
        if key == "properties" and isinstance(inner, dict):
            loose[key] = {name: {"anyOf": [one, {"type": "null"}]} for name, one in inner.items()}
        elif isinstance(inner, dict):
            loose[key] = {"anyOf": [inner, {"type": "null"}]}
    return loose


def _resolve(value: Any) -> Any:
    """Turn the marks that registry fields leave into references; each definition stands once, so recursion ends."""
    if isinstance(value, dict):
        if REFERENCE in value:
            rest = {key: _resolve(inner) for key, inner in value.items() if key != REFERENCE}
            return {"$ref": f"#/$defs/{value[REFERENCE]}"} | rest
        return {key: _resolve(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolve(inner) for inner in value]
    return value
