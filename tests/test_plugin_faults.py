"""An exception in a plugin's code ends in one message with the plugin, the line and the remedy."""

from pathlib import Path

import pytest

from alloygan.cli import main
from alloygan.errors import PluginError
from alloygan.plugin_faults import plugin_fault
from alloygan.specs.components import LossSpec
from alloygan.zoo import load_zoo

SPEC = """
name: tiny
data: {kind: spinodal, composition: [0.4, 0.6], time: [50], size: 32, patch: 16, runs: 2, evaluation_runs: 2}
generator: {kind: dcgan_attention, width: 4, noise: 6}
critic: {kind: dcgan_contrastive, width: 4, embedding: 8, projection_hidden: 16}
losses: {adversarial: wgan, sick: {kind: sick, when: WHEN}}
training: {images: 32, batch_size: 4, log_every: 16}
evaluation: {images: 4, judge_images: 0, comparisons: [], bootstrap: 0, memorising_images: 0}
"""
PLUGIN = '''
from typing import Literal

from alloygan.hookspecs import hookimpl
from alloygan.specs.components import LossSpec
from alloygan.interfaces.loss import Loss, Terms


class Sick(Loss):
    def __init__(self, when):
        super().__init__()
        self.when = when

    def critic(self, step):
        if self.when == "a number":
            return Terms({}, {"mean": 0.5})
        if self.when == "a dict":
            return {"critic": step.fake.score.mean()}
        if self.when == "a view":
            return Terms({"critic": step.real.score.expand(3, -1).T.view(-1).mean()})
        if self.when == "a vector":
            return Terms({}, {"scores": step.fake.score})
        raise ZeroDivisionError("the step failed")

    def generator(self, step):
        return {}


class SickSpec(LossSpec):
    """A loss that fails."""

    kind: Literal["sick"] = "sick"
    when: str = "build"

    def build(self, site):
        if self.when == "build":
            raise KeyError("the build failed")
        return Sick(self.when)


class Unfinished(LossSpec):
    """A loss without build()."""

    kind: Literal["unfinished"] = "unfinished"


@hookimpl
def alloygan_register_losses(register):
    register(SickSpec)
    register(Unfinished)
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "sick.py"
    path.write_text(PLUGIN)
    return path


def train(folder: Path, spec: str, plugin: Path) -> int:
    path = folder / "tiny.yaml"
    path.write_text(spec)
    try:
        main(["train", str(path), "--out", str(folder / "run"), "--plugin", str(plugin)])
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


@pytest.mark.parametrize(
    ("when", "said", "place"),
    [
        ("build", "KeyError: 'the build failed'", "SickSpec.build"),
        ("step", "ZeroDivisionError: the step", "Sick.critic"),
    ],
)
def test_the_plugin_its_line_and_the_remedy_are_named(
    tmp_path: Path, plugin: Path, capsys: pytest.CaptureFixture[str], when: str, said: str, place: str
) -> None:
    assert train(tmp_path, SPEC.replace("WHEN", when), plugin) == 2
    message = capsys.readouterr().err
    line = next(number for number, text in enumerate(PLUGIN.splitlines(), 1) if "the " + when + " failed" in text)
    assert "plugin sick.py failed" in message
    assert said in message
    assert f"{plugin}, line {line}, in {place}" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("a number", "the term 'mean' is 0.5, of type float; a term is a 0-d tensor"),
        ("a dict", "the loss 'sick' returns dict; critic() and generator() return Terms"),
        ("a vector", "the loss 'sick' observes 'scores' with shape (4,); a term is one number"),
    ],
)
def test_terms_that_are_none_are_told(
    tmp_path: Path, plugin: Path, capsys: pytest.CaptureFixture[str], when: str, said: str
) -> None:
    assert train(tmp_path, SPEC.replace("WHEN", when), plugin) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("channels_last", [True, False])
def test_what_channels_last_asks_of_a_part_is_said(
    tmp_path: Path, plugin: Path, capsys: pytest.CaptureFixture[str], channels_last: bool
) -> None:
    spec = SPEC.replace("WHEN", "a view").replace("log_every: 16", f"log_every: 16, channels_last: {channels_last}")
    assert train(tmp_path, spec, plugin) == 2
    message = capsys.readouterr().err
    assert "Sick.critic" in message
    assert ("call reshape() or flatten(), or use training.channels_last: false" in message) == channels_last


def test_the_traceback_is_shown_where_it_is_asked_for(
    tmp_path: Path, plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOYGAN_TRACEBACK", "1")
    with pytest.raises(KeyError, match="the build failed"):
        train(tmp_path, SPEC.replace("WHEN", "build"), plugin)


def test_a_kind_without_build_is_named(tmp_path: Path, plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path, SPEC.replace("{kind: sick, when: WHEN}", "unfinished"), plugin) == 2
    assert "'unfinished' is not complete" in capsys.readouterr().err


def test_an_error_of_the_core_is_no_plugin_fault() -> None:
    with pytest.raises(PluginError, match=r"has no build\(\)") as caught:
        LossSpec(kind="bare").build(None)  # type: ignore[arg-type]
    assert plugin_fault(caught.value) is None


def test_one_of_our_own_plugins_is_named_with_its_version() -> None:
    wgan = load_zoo().registries["loss"].get("wgan").spec()
    with pytest.raises(AttributeError) as caught:
        wgan.build(None).critic(None)
    assert (plugin_fault(caught.value) or "").startswith("plugin jain2024 of alloygan ")


def test_a_file_that_cannot_be_imported_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.py").write_text("x = 1\n\nclass A(LosSpec):\n    pass\n")
    monkeypatch.chdir(tmp_path)
    for path in (Path("broken.py"), tmp_path / "broken.py"):
        with pytest.raises(PluginError, match=r"broken\.py, line 3, failed to import: NameError"):
            load_zoo([path])
