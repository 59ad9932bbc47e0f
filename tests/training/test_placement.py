"""Batches that are drawn on the host, one update ahead, train as those that are drawn on the device."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from alloygan import Batch, train
from alloygan.data.patches import Data
from alloygan.errors import DataError
from alloygan.specs.gan import GanSpec
from alloygan.training.draw import Draw
from alloygan.training.placement import Ahead, placed


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every data set is too large for the device."""
    before = Draw.__init__

    def init(self: Draw, *args: object, from_host: bool = False) -> None:
        before(self, *args, from_host=True)  # type: ignore[arg-type]

    monkeypatch.setattr(Draw, "__init__", init)


@pytest.mark.parametrize("sampler", ["uniform", "balanced"])
def test_the_weights_are_the_same_bits(
    sampler: str,
    tiny: Callable[..., GanSpec],
    tiny_data: Data,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[bool] = []
    take = Ahead.__call__

    def watched(self: Ahead, moment: int) -> Batch:
        kept.append(moment in self._waiting)
        return take(self, moment)

    monkeypatch.setattr(Ahead, "__call__", watched)
    spec = tiny({"sampler": sampler})
    first = train(spec, tmp_path / "first", data=tiny_data)
    request.getfixturevalue("ahead")
    threads = threading.active_count()
    second = train(spec, tmp_path / "second", data=tiny_data, until=48)
    second = train(spec, tmp_path / "second", data=tiny_data)
    assert (first / "generator.safetensors").read_bytes() == (second / "generator.safetensors").read_bytes()
    # Two runs of six updates of two batches: but for the first update of each, all were drawn before.
    assert kept == [False, False, *[True] * 10] * 2
    assert threading.active_count() == threads, "the thread that draws has ended"


def test_the_next_batch_is_drawn_while_this_one_is_used() -> None:
    drawn: dict[int, threading.Event] = {moment: threading.Event() for moment in (0, 8)}

    def draw(moment: int) -> Batch:
        if moment == 16:
            raise DataError("the disk is gone")
        drawn[moment].set()
        return None  # type: ignore[return-value]

    ahead = Ahead(draw, torch.device("cpu"))
    try:
        ahead.expect(8)
        assert drawn[8].wait(5)
        assert not drawn[0].is_set()
        ahead.expect(16)
        with pytest.raises(DataError, match="the disk is gone"):
            ahead(16)
    finally:
        ahead.close()


def test_on_the_cpu_the_data_set_stays_where_it_is(tiny_data: Data) -> None:
    assert placed(tiny_data.train, torch.device("cpu")).images.data_ptr() == tiny_data.train.images.data_ptr()


@pytest.mark.gpu
def test_what_does_not_fit_the_gpu_is_sent_from_the_host(
    tiny: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tiny({"device": "cuda"})
    first = train(spec, tmp_path / "first", data=tiny_data)
    monkeypatch.setattr("alloygan.training.placement._MOST", 0.0)
    assert placed(tiny_data.train, torch.device("cuda")).images.device.type == "cpu"
    second = train(spec, tmp_path / "second", data=tiny_data)
    assert (first / "generator.safetensors").read_bytes() == (second / "generator.safetensors").read_bytes()
