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
    # What a file extends may hold the fields that are required.
    required = schema.pop("required", [])
    schema["if"] = {"not": {"required": ["extends"]}}
    schema["then"] = {"required": required}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = f"alloygan {file}"
    resolved = _resolve(schema)
    assert isinstance(resolved, dict)
    return resolved


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
