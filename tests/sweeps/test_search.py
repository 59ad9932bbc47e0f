"""Files for `alloygan tune`: what is searched, and what is told before anything runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from alloygan import Zoo
from alloygan.cli import main
from alloygan.errors import SpecError
from alloygan.sweeps.search import higher_is_better, plain, read_search, stored_search
from alloygan.sweeps.tune import tune

Write = Callable[..., Path]


@pytest.fixture
def write(base: str, tmp_path: Path) -> Write:
    def write(text: str = "") -> Path:
        path = tmp_path / "search.yaml"
        path.write_text(base + text)
        return path

    return write


def test_by_default_the_paper_s_hyperparameters_are_searched(zoo: Zoo, write: Write) -> None:
    search = read_search(write(), zoo)
    assert list(search.parameters) == [
        "training.optimizer.lr",
        "losses.adversarial.clip",
        "training.critic_updates",
        "leaky_slope",
    ]
    values = {"training.optimizer.lr": 1e-3, "losses.adversarial.clip": 0.05, "training.critic_updates": 2}
    spec = search.trial(values | {"leaky_slope": 0.3})
    assert spec.training.optimizer.lr == 1e-3
    assert spec.losses["adversarial"].model_dump()["clip"] == 0.05
    assert spec.training.critic_updates == 2
    assert spec.generator.model_dump()["leaky_slope"] == spec.critic.model_dump()["leaky_slope"] == 0.3


def test_a_spec_without_clipping_is_searched_without_it(zoo: Zoo, write: Write) -> None:
    search = read_search(write(), zoo, ["losses.adversarial=hinge"])
    assert "losses.adversarial.clip" not in search.parameters


def test_any_field_can_be_searched(zoo: Zoo, write: Write) -> None:
    text = """
search:
  objective: pixel_std.distance
  parameters:
    losses.contrastive.weight: {low: 0.01, high: 1.0, log: true}
    generator.injection: {choices: [multiply, concat, film]}
    training.optimizer: {choices: [rmsprop, adam]}
"""
    search = read_search(write(text), zoo)
    spec = search.trial({"generator.injection": "film", "training.optimizer": "adam"})
    assert spec.generator.model_dump()["injection"] == "film"
    assert spec.training.optimizer.kind == "adam"


def test_a_search_survives_json(zoo: Zoo, write: Write) -> None:
    search = read_search(write(), zoo, ["search.trials=5"])
    again = stored_search(plain(search), zoo)
    assert again.key == search.key
    assert again.base == search.base
    assert again.parameters == search.parameters


def test_the_key_is_of_what_is_searched(zoo: Zoo, write: Write) -> None:
    path = write()
    key = read_search(path, zoo).key
    assert read_search(path, zoo, ["search.trials=99", "search.launcher.jobs=2"]).key == key
    assert read_search(path, zoo, ["search.looks=[0.5]"]).key != key
    assert read_search(path, zoo, ["training.images=128"]).key != key


@pytest.mark.parametrize(
    ("objective", "higher"),
    [
        ("mean_deviation", False),
        ("held_out.mean_deviation", False),
        ("area_fraction.distance", False),
        ("area_fraction.r2", True),
        ("held_out.area_fraction.r2", True),
        ("fidelity.accuracy", True),
        ("fidelity.composition.error", False),
        ("memorising.closer", False),
        ("lite0_features.kid_lite0", False),
        ("lite0_features.coverage", True),
        ("held_out.lite0_features.coverage", True),
    ],
)
def test_which_way_is_better(zoo: Zoo, write: Write, objective: str, higher: bool) -> None:
    measured = [
        "evaluation.judge_images=8",
        "evaluation.memorising_images=8",
        "evaluation.comparisons=[lite0_features]",
    ]
    assert higher_is_better(read_search(write(), zoo, [*measured, f"search.objective={objective}"])) is higher


def test_a_critic_with_an_optimiser_of_its_own_has_a_rate_of_its_own(zoo: Zoo, write: Write) -> None:
    search = read_search(write(), zoo, ["training.critic_optimizer={kind: adam}"])
    spec = search.trial({"training.optimizer.lr": 1e-3, "training.critic_optimizer.lr": 2e-3})
    assert spec.training.critic_optimizer is not None
    assert (spec.training.optimizer.lr, spec.training.critic_optimizer.lr) == (1e-3, 2e-3)


def test_a_choice_may_be_a_list_or_a_component(zoo: Zoo, write: Write) -> None:
    text = "search: {parameters: {training.optimizer: {choices: [{kind: adam, betas: [0.0, 0.9]}, rmsprop]}}}\n"
    search = read_search(write(text), zoo)
    spec = search.trial({"training.optimizer": {"kind": "adam", "betas": [0.0, 0.9]}})
    assert spec.training.optimizer.model_dump()["betas"] == (0.0, 0.9)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("search: {objective: area_fractoin.distance}", "no score 'area_fractoin.distance'. Did you mean"),
        ("search: {objective: fidelity.accuracy}", "no score 'fidelity.accuracy'"),
        ("search: {parameters: {training.batchsize: {low: 1, high: 4}}}", "unknown field"),
        ("search: {parameters: {training.critic_updates: {low: 0, high: 4}}}", "does not take 0"),
        ("search: {parameters: {training.critic_updates: {low: 4, high: 1}}}", "low (4) must be less than high (1)"),
        ("search: {parameters: {training.optimizer.lr: {low: 0, high: 1, log: true}}}", "needs low above 0"),
        ("search: {parameters: {training.optimizer.lr: {low: 1}}}", "give low and high, or choices"),
        ("search: {parameters: {generator.injection: {choices: [concat, sum]}}}", 'does not take "sum"'),
        ("search: {objective: held_out.fidelity.accuracy}", "no score 'held_out.fidelity.accuracy'"),
        ("search: {looks: [0.5, 0.25]}", "must rise"),
        ("search: {trails: 3}", "Did you mean 'trials'?"),
    ],
)
def test_mistakes_are_told_with_their_place(zoo: Zoo, write: Write, text: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_search(write(text + "\n"), zoo)
    assert said in str(caught.value)
    assert "search.yaml:" in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("training.seed: {low: 0, high: 9}", "training.seed: every trial has the spec's training.seed"),
        ("evaluation.images: {low: 2, high: 9}", "evaluation.images does not change what is trained"),
        (
            "rate: {fields: [training.optimizer.lr], low: 1, high: 2}\n    training.optimizer.lr: {low: 0, high: 1}",
            "training.optimizer.lr is set by rate too",
        ),
    ],
)
def test_fields_that_make_no_search_are_told(zoo: Zoo, write: Write, parameters: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        read_search(write(f"search:\n  parameters:\n    {parameters}\n"), zoo)


def test_choices_that_cannot_be_built_are_told_before_anything_runs(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    choices = "[dcgan_contrastive, {kind: timm_backbone, model: resnt18}]"
    path = write(f"search: {{parameters: {{critic: {{choices: {choices}}}}}}}\n")
    search = read_search(path, zoo, ["losses.contrastive=null"])
    with pytest.raises(SpecError, match=r"search\.parameters\.critic: .*resnt18"):
        tune(search, tmp_path / "out", higher_is_better=False)
    assert not (tmp_path / "out").exists()


ELSEWHERE = """
from typing import Literal
from alloygan import LauncherSpec, hookimpl
from alloygan.errors import LaunchError

class Elsewhere(LauncherSpec):
    \"\"\"Machines that are never there.\"\"\"

    kind: Literal["elsewhere"] = "elsewhere"

    def build(self):
        raise LaunchError("nobody is there")

@hookimpl
def alloygan_register_launchers(register):
    register(Elsewhere)
"""


def test_a_file_as_the_study_of_other_machines_is_noted(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "elsewhere.py"
    plugin.write_text(ELSEWHERE)
    words = ["tune", str(write()), "--out", str(tmp_path / "out"), "--plugin", str(plugin)]
    with pytest.raises(SystemExit):
        main([*words, "--set", "search.launcher.kind=elsewhere"])
    said = " ".join(capsys.readouterr().err.split())
    assert "note: the study is a SQLite file" in said
    assert "--storage postgresql://…" in said
    assert "nobody is there" in said


def test_no_such_note_on_this_machine(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(SystemExit):
        main(["tune", str(write()), "--out", str(tmp_path / "out")])
    assert "note:" not in capsys.readouterr().err
