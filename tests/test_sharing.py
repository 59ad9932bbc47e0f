"""A shared generator: two files, no data set, no code; broken ones are told in words."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from alloygan import Zoo, load_generator, train
from alloygan.cli import main
from alloygan.data.condition_space import ConditionSpace
from alloygan.errors import AlloyganError, DataError
from alloygan.sampling import parse_condition
from alloygan.sharing import noise_vector
from alloygan.specs.condition_columns import ColumnSpec

VALUES = {
    "name": "shared",
    "data": {"kind": "spinodal", "composition": [0.4, 0.6], "time": [20, 40], "size": 32, "patch": 16, "runs": 2},
    "generator": {"kind": "dcgan_attention", "width": 4, "noise": 6, "conditioner": "continuous_mlp"},
    "critic": {"kind": "dcgan_contrastive", "width": 4, "embedding": 8, "projection_hidden": 16},
    "losses": {"adversarial": "wgan"},
    "training": {"images": 16, "batch_size": 4, "device": "cpu"},
}


@pytest.fixture(scope="module")
def trained(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(zoo.spec_from_values(VALUES), tmp_path_factory.mktemp("shared") / "run")


@pytest.fixture
def shared(trained: Path, tmp_path: Path) -> Path:
    """A folder that holds nothing but the two files."""
    for name in ("generator.safetensors", "model.json"):
        shutil.copy(trained / name, tmp_path / name)
    return tmp_path


def test_two_files_are_enough(zoo: Zoo, shared: Path, trained: Path) -> None:
    row = (0.4, 20.0)
    one = load_generator(shared, zoo).sample(row, 3, seed=7)
    other = load_generator(trained, zoo).sample(row, 3, seed=7)
    assert one.dtype == torch.uint8
    assert one.shape == (3, 1, 16, 16)
    assert torch.equal(one, other)


def test_noise_depends_on_seed_and_number_alone(zoo: Zoo, shared: Path) -> None:
    model = load_generator(shared, zoo)
    few, many = model.sample((0.4, 20.0), 3, seed=1), model.sample((0.4, 20.0), 70, seed=1)
    # Batches of another size may round otherwise in the last bit, so at most one grey level apart.
    assert (few.int() - many[:3].int()).abs().max() <= 1
    assert not torch.equal(few, model.sample((0.4, 20.0), 3, seed=2))
    # The same z at different conditions: the columns of the paper's Figure 2.
    seen: list[torch.Tensor] = []
    original = type(model.generator).forward
    with pytest.MonkeyPatch.context() as patch:

        def spy(self: object, noise: torch.Tensor, condition: object) -> torch.Tensor:
            seen.append(noise)
            return original(self, noise, condition)  # type: ignore[arg-type]

        patch.setattr(type(model.generator), "forward", spy)
        for row in ((0.4, 20.0), (0.6, 40.0)):
            model.sample(row, 2, seed=1)
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0][1], noise_vector(1, 1, 6))


def test_a_continuous_generator_samples_between_and_outside(zoo: Zoo, shared: Path) -> None:
    model = load_generator(shared, zoo)
    row = parse_condition("composition=0.5,time=30", model.space)
    assert model.space.label(row) == -1
    assert model.sample(row, 2, seed=0).shape == (2, 1, 16, 16)


def sample(arguments: list[str]) -> object:
    try:
        main(arguments)
    except SystemExit as exit_:
        return exit_.code
    return 0


def test_an_extrapolation_is_said(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "samples"
    asked = ["--condition", "composition=0.9,time=30", "--condition", "composition=0.5,time=30"]
    sample(["sample", str(shared), *asked, "--count", "1", "--out", str(out)])
    assert capsys.readouterr().err.count("note: composition = 0.9, time = 30: composition lies outside") == 1
    record = json.loads((out / "samples.json").read_text())
    assert [drawn["outside"] for drawn in record["conditions"]] == [["composition"], []]
    # Fewer samples into the same folder leave none of the old ones behind.
    sample(["sample", str(shared), "--condition", "composition=0.5,time=30", "--count", "1", "--out", str(out)])
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.png")) == ["0/0000.png", "grid.png"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    assert sample(["sample", str(shared), *asked, "--out", str(tmp_path / "other")]) == 2


@pytest.mark.parametrize("text", ["composition=0.5", "composition=0.5,time=-1", "composition=0.5,composition=1", "x"])
def test_conditions_in_words(zoo: Zoo, shared: Path, text: str) -> None:
    with pytest.raises(DataError, match=f"--condition {text}"):
        parse_condition(text, load_generator(shared, zoo).space)


def edit(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def test_names_of_classes_may_have_commas() -> None:
    columns = [ColumnSpec(name="state", scale="category"), ColumnSpec(name="time")]
    space = ConditionSpace.from_rows(columns, [{"state": "rolled, cold", "time": 1}, {"state": "cast", "time": 2}])
    assert parse_condition("state=rolled, cold,time=1", space) == ("rolled, cold", 1.0)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "no such folder"),
    "no weights": (lambda f: (f / "generator.safetensors").unlink(), "no generator.safetensors"),
    "no model": (lambda f: (f / "model.json").unlink(), "no model.json"),
    "not JSON": (lambda f: (f / "model.json").write_text("{"), "not readable as JSON"),
    "a list": (lambda f: (f / "model.json").write_text("[]"), "JSON object"),
    "other schema": (lambda f: edit(f / "model.json", lambda v: v.update(schema=9)), "schema 9"),
    "no generator": (lambda f: edit(f / "model.json", lambda v: v.pop("generator")), "not complete"),
    "no conditions": (lambda f: edit(f / "model.json", lambda v: v.pop("conditions")), "not complete"),
    "unknown kind": (
        lambda f: edit(f / "model.json", lambda v: v.update(generator={"kind": "stylegan"})),
        "unknown generator 'stylegan'",
    ),
    "other width": (
        lambda f: edit(f / "model.json", lambda v: v["generator"].update(width=8)),  # type: ignore[attr-defined]
        "does not fit",
    ),
    "no pixels": (lambda f: edit(f / "model.json", lambda v: v.update(image_shape=[1, 0, 16])), "at least 1"),
    "endless": (
        lambda f: edit(f / "model.json", lambda v: v["generator"].update(width=10**7)),  # type: ignore[attr-defined]
        "does not fit",
    ),
    "bad bounds": (
        lambda f: edit(f / "model.json", lambda v: v["conditions"]["columns"][1].update(low=-1)),  # type: ignore[index]
        "not complete",
    ),
    "bad scale": (
        lambda f: edit(f / "model.json", lambda v: v["conditions"]["columns"][1].update(scale="odd")),  # type: ignore[index]
        "not complete",
    ),
    "bad size": (lambda f: edit(f / "model.json", lambda v: v.update(image_shape=[1, 17, 16])), "multiples of"),
    "truncated": (
        lambda f: (f / "generator.safetensors").write_bytes((f / "generator.safetensors").read_bytes()[:-9]),
        "safetensors",
    ),
    "a pickle": (lambda f: torch.save({"a": 1}, f / "generator.safetensors"), "safetensors"),
    "a tensor missing": (
        lambda f: save_file(
            dict(list(load_file(f / "generator.safetensors").items())[1:]), f / "generator.safetensors"
        ),
        "does not fit",
    ),
    "not finite": (
        lambda f: save_file(
            {
                k: torch.full_like(v, torch.nan) if v.is_floating_point() else v
                for k, v in load_file(f / "generator.safetensors").items()
            },
            f / "generator.safetensors",
        ),
        "not finite",
    ),
}


@pytest.mark.parametrize(("damage", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_loaded(zoo: Zoo, shared: Path, damage: Callable[[Path], object], words: str) -> None:
    damage(shared)
    with pytest.raises(AlloyganError) as caught:
        load_generator(shared, zoo)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2
