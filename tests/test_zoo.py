"""Registries, spec dispatch and the JSON Schema."""

import json
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from pydantic import Field
from ruamel.yaml import YAML

import alloygan_plugins
from alloygan import LossSpec, Zoo, load_zoo
from alloygan.errors import PluginError, SpecError
from alloygan.registry import Registry
from alloygan.schema import File, json_schema
from alloygan.specs.gan import GanSpec

GOOD: dict[str, Any] = {
    "name": "x",
    "data": "spinodal",
    "generator": {"kind": "dcgan_attention", "conditioner": "continuous_mlp"},
    "critic": "dcgan_contrastive",
    "losses": {"a": "wgan", "b": {"kind": "contragan_2c", "temperature": 0.5}},
    "training": {"epochs": 1, "optimizer": {"kind": "adam", "lr": 0.001}},
}


class Fine(LossSpec):
    """A fine loss."""

    kind: Literal["fine"] = "fine"
    strength: float = Field(1.0, description="How strong.")


class NoDocstring(LossSpec):
    kind: Literal["silent"] = "silent"


class NoKind(LossSpec):
    """A loss without a kind."""


def test_a_taken_name_is_an_error_that_names_both() -> None:
    registry: Registry[LossSpec] = Registry("loss", "losses", LossSpec)
    registry.register(Fine, origin="one:plugin")
    with pytest.raises(PluginError, match=r"'fine': one:plugin and two:plugin.*ALLOYGAN_BLOCK=two"):
        registry.register(Fine, origin="two:plugin")
    assert [entry.origin for entry in registry] == ["one:plugin"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(NoDocstring, "docstring"), (NoKind, "no usable kind"), (int, "not a class derived"), (Fine(), "not an instance")],
)
def test_what_cannot_be_registered(wrong: Any, words: str) -> None:
    registry: Registry[LossSpec] = Registry("loss", "losses", LossSpec)
    with pytest.raises(PluginError, match=words):
        registry.register(wrong, origin="one:plugin")
    assert len(registry) == 0


def test_registries_are_no_globals(zoo: Zoo) -> None:
    other = load_zoo()
    other.registries["loss"].register(Fine, origin="tests:fine")
    assert "fine" in other.registries["loss"]
    assert "fine" not in zoo.registries["loss"]


def test_a_spec_is_complete_frozen_and_comes_back_from_json(zoo: Zoo) -> None:
    spec = zoo.spec_from_values(GOOD)
    assert isinstance(spec, GanSpec)
    values = json.loads(json.dumps(spec.model_dump(mode="json")))
    assert values["losses"]["a"] == {"kind": "wgan", "weight": 1.0, "every": 1, "clip": 0.009, "clip_scope": "all"}
    assert zoo.spec_from_values(values) == spec
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "y"  # type: ignore[misc]


def test_without_a_zoo_the_way_is_shown() -> None:
    with pytest.raises(ValueError, match="read_spec"):
        GanSpec.model_validate(GOOD)


def test_components_can_be_given_as_objects(zoo: Zoo) -> None:
    values = GOOD | {"losses": {"a": Fine(strength=2.0)}}
    spec = zoo.spec_from_values(values)
    assert spec.losses["a"] == Fine(strength=2.0)


def bad(**changes: Any) -> dict[str, Any]:
    return GOOD | changes


SPECS = [
    (GOOD, True),
    (bad(generator={"kind": "dcgan_attention", "injection": "film"}), True),
    (bad(training={"images": 5, "optimizer": "sgd"}), True),
    (bad(generator="nothing"), False),
    (bad(losses={"a": {"kind": "wgan", "clipp": 1}}), False),
    (bad(losses={"a": {"kind": "wgan", "clip": -1}}), False),
    (bad(training={"epochs": 1, "optimizer": {"kind": "adam", "momentum": 0.5}}), False),
    ({key: value for key, value in GOOD.items() if key != "critic"}, False),
]


@pytest.mark.parametrize(("values", "valid"), SPECS)
def test_schema_and_reading_agree(zoo: Zoo, values: dict[str, Any], valid: bool) -> None:
    schema = json_schema(zoo)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(values) is valid
    if valid:
        zoo.spec_from_values(values)
    else:
        with pytest.raises(SpecError):
            zoo.spec_from_values(values)


def test_the_schema_covers_plugins_and_files_that_extend(zoo: Zoo) -> None:
    own = load_zoo()
    own.registries["loss"].register(Fine, origin="tests:fine")
    schema = json_schema(own)
    assert "tests:fine" in schema["$defs"]["loss.fine"]["description"]
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"extends": "zoo:jain2024", "losses": {"b": "fine"}})
    assert not validator.is_valid({"losses": {"b": "fine"}})


VARY = {"vary": {"clip": {"wide": {"losses.adversarial.clip": 0.1}, "narrow": {}}}}


@pytest.mark.parametrize(
    ("file", "values", "valid"),
    [
        ("spec", GOOD | VARY, False),
        ("ablation", GOOD | VARY, True),
        ("ablation", {"extends": "zoo:demo", "launcher": {"kind": "slurm", "cpus": 4}, "seeds": 3} | VARY, True),
        ("ablation", GOOD | {"vary": {"clip": ["wide"]}}, False),
        ("ablation", GOOD | VARY | {"seeds": "three"}, False),
        ("ablation", GOOD | VARY | {"launcher": {"kind": "local", "cores": 3}}, False),
        ("ablation", GOOD | {"search": {}}, False),
        ("search", GOOD | {"search": {"trials": 5, "launcher": "local"}}, True),
        ("search", GOOD | {"search": {"parameters": {"training.optimizer.lr": {"low": 1e-5, "hihg": 1}}}}, False),
        ("search", GOOD | VARY, False),
    ],
)
def test_the_schema_of_ablations_and_searches(zoo: Zoo, file: File, values: dict[str, Any], valid: bool) -> None:
    schema = json_schema(zoo, file)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(values) is valid


@pytest.mark.parametrize("path", sorted(Path(alloygan_plugins.__file__).parent.rglob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_files_are_valid_by_the_schema(zoo: Zoo, path: Path) -> None:
    values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    schema = json_schema(zoo, "ablation" if "vary" in values else "spec")
    if values["name"] == "jain2024":
        values["data"]["manifest"] = "mine.csv"  # which a file over it names
    jsonschema.Draft202012Validator(schema).validate(values)


@pytest.mark.parametrize(
    ("values", "valid"),
    [
        (
            {
                "data": {"runs": 3},
                "generator": {"width": 8},
                "losses": {"contrastive": None, "adversarial": {"clip": 0.1}},
            },
            True,
        ),
        (
            {"training": {"optimizer": {"lr": 0.1}, "sampler": None}, "data": {"held_out": {"random": {"seed": 1}}}},
            True,
        ),
        ({"data": {"rnus": 3}}, False),
        ({"losses": {"adversarial": {"kind": "wgan", "clipp": 0.1}}}, False),
        ({"training": {"optimizer": {"lr": "fast"}}}, False),
    ],
)
def test_a_file_over_another_may_have_parts_only(zoo: Zoo, values: dict[str, Any], valid: bool) -> None:
    validator = jsonschema.Draft202012Validator(json_schema(zoo))
    assert validator.is_valid({"extends": "zoo:demo"} | values) is valid
    assert not validator.is_valid(values), "alone it is no spec"


def test_shipped_specs_can_be_extended_by_name(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: zoo:demo\nname: mine\n")
    assert zoo.read_spec(path).name == "mine"


def test_nested_models_of_one_name_do_not_mix_in_the_schema(tmp_path: Path) -> None:
    files = []
    for letter in ("a", "b"):
        text = (
            "from typing import Literal\nfrom alloygan import LossSpec, hookimpl\n"
            "from alloygan.specs.spec import Spec\n"
            f"class Options(Spec):\n    only_{letter}: int = 1\n"
            f'class Loss_{letter}(LossSpec):\n    """L."""\n    kind: Literal["l_{letter}"] = "l_{letter}"\n'
            "    options: Options = Options()\n"
            f"@hookimpl\ndef alloygan_register_losses(register):\n    register(Loss_{letter})\n"
        )
        files.append(tmp_path / f"{letter}.py")
        files[-1].write_text(text)
    validator = jsonschema.Draft202012Validator(json_schema(load_zoo(files)))
    for letter in ("a", "b"):
        assert validator.is_valid(bad(losses={"x": {"kind": f"l_{letter}", "options": {f"only_{letter}": 2}}}))
        assert not validator.is_valid(bad(losses={"x": {"kind": f"l_{letter}", "options": {"only_c": 2}}}))
