from pathlib import Path

import pytest

from alloygan.errors import SpecError
from alloygan.reading import read_document


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path, *overrides: str) -> str:
    with pytest.raises(SpecError) as caught:
        read_document(path, overrides)
    return str(caught.value)


def test_yaml_1_2_keeps_text_and_numbers_apart(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", "lr: 2e-4\nflag: no\nyes: [on, 1_0, 0o17, null]\n")
    values = read_document(path).values
    assert values["lr"] == 0.0002
    assert values["flag"] == "no"
    assert values["yes"][0] == "on"


def test_positions_of_keys_and_items(tmp_path: Path) -> None:
    document = read_document(
        write(tmp_path, "a.yaml", "name: x\nlosses:\n  one: {kind: wgan,\n    clip: 3}\nlist:\n  - 1\n  - 2\n")
    )
    at = {path: (p.line, p.column) for path, p in document.positions.items()}
    assert at["losses",] == (2, 1)
    assert at["losses", "one", "clip"] == (4, 5)
    assert at["list", 1] == (7, 5)
    # An unwritten field is located at what should have held it.
    assert document.locate(("losses", "one", "weight")).line == 3


def test_duplicate_keys_are_refused_with_their_place(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "a.yaml", "a: 1\nb:\n  c: 1\n  c: 2\n"))
    assert "a.yaml:4:3" in message
    assert "'c'" in message or '"c"' in message


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("a: [1\nb: 2\n", "a.yaml:2:", "YAML"),
        ("- 1\n", "a.yaml", "mapping"),
        ("1: 2\n", "a.yaml:1:1", "quotes"),
        ("", "a.yaml", "mapping"),
        ("a: \t- b", "a.yaml:1", "YAML"),
        ("extends: nowhere.yaml\n", "a.yaml:1:1", "no file"),
        ("extends: [1]\n", "a.yaml:1:1", "one spec file"),
        ("extends: zoo:nothing\n", "zoo:nothing", "ships"),
    ],
)
def test_what_is_no_spec(tmp_path: Path, text: str, place: str, word: str) -> None:
    message = refusal(write(tmp_path, "a.yaml", text))
    assert place in message
    assert word in message


def test_aliases_cannot_make_a_file_endless(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "not a spec" in refusal(write(tmp_path, "a.yaml", "\n".join(lines)))


def test_missing_and_binary_files(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.yaml")
    assert "folder" in refusal(tmp_path)
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refusal(tmp_path / "b.yaml")


def test_extends_merges_mappings_and_replaces_lists(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", "a: {x: 1, y: 2}\nl: [1, 2]\nkeep: 5\n")
    top = write(tmp_path, "deep/top.yaml", "extends: ../base.yaml\na: {y: 3, z: 4}\nl: [9]\n")
    document = read_document(top)
    assert document.values == {"a": {"x": 1, "y": 3, "z": 4}, "l": [9], "keep": 5}
    assert document.locate(("a", "x")).source.endswith("base.yaml")
    assert document.locate(("a", "y")).source.endswith("top.yaml")


def test_another_kind_replaces_the_whole_component(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", "loss: {kind: wgan, clip: 0.01}\nother: {kind: wgan, clip: 1}\n")
    top = write(
        tmp_path, "top.yaml", "extends: base.yaml\nloss: {kind: hinge, weight: 2}\nother: {kind: wgan, weight: 3}\n"
    )
    assert read_document(top).values == {
        "loss": {"kind": "hinge", "weight": 2},
        "other": {"kind": "wgan", "clip": 1, "weight": 3},
    }


def test_a_mapping_over_a_bare_word_merges_with_its_kind(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", "loss: hinge\n")
    top = write(tmp_path, "top.yaml", "extends: base.yaml\nloss: {weight: 2}\n")
    assert read_document(top).values == {"loss": {"kind": "hinge", "weight": 2}}


def test_a_home_that_nobody_has_is_a_missing_file() -> None:
    assert "no such file" in refusal(Path("~nobody-of-that-name/spec.yaml"))


def test_null_removes_and_must_name_something(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", "losses: {a: 1, contrastive: 2}\n")
    top = write(tmp_path, "top.yaml", "extends: base.yaml\nlosses: {contrastive: null}\n")
    assert read_document(top).values == {"losses": {"a": 1}}
    wrong = write(tmp_path, "wrong.yaml", "extends: base.yaml\nlosses:\n  contrastve: null\n")
    assert "wrong.yaml:3:3" in refusal(wrong)
    assert "Did you mean 'contrastive'" in refusal(wrong)


def test_circles_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "extends: b.yaml\n")
    b = write(tmp_path, "b.yaml", "extends: a.yaml\n")
    assert "circle" in refusal(b)


def test_overrides(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "a.yaml",
        "generator: {conditioner: one_hot, width: 8}\nlosses: {a: {kind: wgan, clip: 1}}\nlist: [{x: 1}, {x: 2}]\n",
    )

    def with_(*overrides: str) -> dict[str, object]:
        return read_document(path, overrides).values

    assert with_("losses.a.clip=2e-3")["losses"] == {"a": {"kind": "wgan", "clip": 0.002}}
    assert with_("losses.a=null")["losses"] == {}
    assert with_("losses.a.kind=hinge", "losses.a.weight=2")["losses"] == {"a": {"kind": "hinge", "weight": 2}}
    assert with_("losses.a.kind=wgan")["losses"] == {"a": {"kind": "wgan", "clip": 1}}
    assert with_("losses.b={kind: hinge}")["losses"]["b"] == {"kind": "hinge"}  # type: ignore[index]
    assert with_("list.1.x=5")["list"] == [{"x": 1}, {"x": 5}]
    # A bare kind is short for a mapping, also for an override that reaches into it.
    assert with_("generator.conditioner.hidden=4")["generator"] == {
        "conditioner": {"kind": "one_hot", "hidden": 4},
        "width": 8,
    }
    assert with_("generator.conditioner=continuous_mlp")["generator"] == {"conditioner": "continuous_mlp", "width": 8}
    document = read_document(path, ["losses.a.clip=3"])
    assert str(document.locate(("losses", "a", "clip"))) == "--set losses.a.clip=3"


@pytest.mark.parametrize(
    "override", ["a", "=3", "a..b=1", "losses.c=null", "list.7.x=1", "generator.width.x=1", "a=[1"]
)
def test_bad_overrides_name_themselves(tmp_path: Path, override: str) -> None:
    path = write(tmp_path, "a.yaml", "generator: {width: 8}\nlosses: {a: 1}\nlist: [1]\n")
    assert f"--set {override}" in refusal(path, override)
