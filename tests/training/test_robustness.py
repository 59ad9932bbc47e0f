"""Frozen parameters, odd terms, damaged checkpoints and changed plugins."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from alloygan import Critic, CriticStep, Loss, LossSpec, Site, Terms, load_zoo, train
from alloygan.data.patches import Data
from alloygan.errors import PluginError, RunFolderError
from alloygan.specs.gan import GanSpec

Tiny = Callable[..., GanSpec]


class Odd(LossSpec):
    """A loss that does one odd thing."""

    kind: Literal["odd"] = "odd"
    deed: str = "nothing"

    def build(self, site: Site) -> Loss:
        return OddLoss(self.deed)


class OddLoss(Loss):
    def __init__(self, deed: str) -> None:
        super().__init__()
        self.deed = deed
        self.frozen = torch.nn.Parameter(torch.ones(3), requires_grad=deed != "frozen")

    def critic(self, step: CriticStep) -> Terms:
        anchor = 0 * step.real.score.sum() + self.frozen.square().sum()
        if self.deed == "observes NaN":
            return Terms({"critic": anchor}, {"log": anchor.detach() * math.nan})
        if self.deed == "is huge":
            return Terms({"critic": anchor * 0 + 3e38}, {})
        if self.deed == "is a vector":
            return Terms({"critic": step.real.score})
        return Terms({"critic": anchor})


@pytest.fixture
def odd(tiny: Tiny) -> Callable[..., GanSpec]:
    zoo = load_zoo()
    zoo.registries["loss"].register(Odd, origin="tests:odd")

    def make(deed: str, **training: Any) -> GanSpec:
        values = tiny(training).model_dump(mode="json")
        values["losses"]["odd"] = {"kind": "odd", "deed": deed}
        spec = zoo.spec_from_values(values)
        assert isinstance(spec, GanSpec)
        return spec

    return make


def test_what_an_author_has_frozen_stays_frozen(odd: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path) -> None:
    for deed, moved in (("frozen", False), ("nothing", True)):
        run = train(odd(deed), tmp_path / deed, data=tiny_data)
        newest = sorted((run / "checkpoints").glob("*.pt"))[-1]
        frozen = torch.load(newest, weights_only=True)["state"]["losses.odd"]["frozen"]
        assert (not torch.equal(frozen, torch.ones(3))) is moved


@pytest.mark.parametrize("deed", ["observes NaN", "is huge"])
def test_odd_numbers_do_not_end_a_run(odd: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path, deed: str) -> None:
    run = train(odd(deed), tmp_path / "run", data=tiny_data)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    if deed == "observes NaN":
        assert lines[-1]["observed"]["odd.log"] is None
    else:
        assert lines[-1]["terms"]["odd.critic"] == pytest.approx(3e38)


def test_an_objective_is_one_number(odd: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"'odd' gives its term 'critic' with shape \(4,\)"):
        train(odd("is a vector"), tmp_path / "run", data=tiny_data)


def test_a_valid_checkpoint_outlives_a_newer_broken_one(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    spec = tiny({"keep_checkpoints": 1})
    run = train(spec, tmp_path / "run", data=tiny_data)
    folder = run / "checkpoints"
    (newest,) = folder.glob("*.pt")
    newest.write_bytes(b"broken")

    class StopError(Exception):
        pass

    def stop(progress: object) -> None:
        if list(folder.glob("*.pt")):
            raise StopError

    with pytest.raises(StopError):
        train(spec, run, data=tiny_data, report=stop)
    assert [path.name for path in folder.glob("*.pt")] == ["000000000032.pt"]
    assert (folder / f"{newest.name}.broken").read_bytes() == b"broken"


def test_a_checkpoint_of_another_network_is_told(
    tiny: Tiny, tiny_data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tiny(), tmp_path / "run", data=tiny_data)
    original = Critic.load_state_dict

    def other(self: Critic, *arguments: Any, **keywords: Any) -> Any:
        self.added = torch.nn.Linear(1, 1)
        return original(self, *arguments, **keywords)

    monkeypatch.setattr(Critic, "load_state_dict", other)
    with pytest.raises(RunFolderError, match=r"its critic does not fit the spec's .*plugin or alloygan has changed"):
        train(tiny(), tmp_path / "run", data=tiny_data)


def test_leftovers_of_a_kill_are_removed_and_pictures_made_again(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    run = train(tiny(), tmp_path / "run", data=tiny_data)
    pictures = sorted(path.name for path in (run / "samples").iterdir())
    assert pictures == [f"{images:012d}.png" for images in (32, 64, 96)]
    (run / "samples" / ".000000000096.png.abc.part").write_bytes(b"half")
    train(tiny(), run, data=tiny_data)
    assert not list(run.rglob(".*.part"))
