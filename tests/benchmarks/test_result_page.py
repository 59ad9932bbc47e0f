"""Tables are whole on a narrow terminal, and clocks are those of the GPU that was measured."""

import argparse
import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch


@pytest.mark.parametrize("width", ["20", "80", "300"])
def test_no_cell_is_cut_however_narrow_the_terminal(
    module: Any, width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    numbers = {f"n{i}": (f"a long heading of column {i}", ",.2f") for i in range(9)}
    rows = [{"way": "in eight pieces", **{name: 10.0**i + 0.25 for i, name in enumerate(numbers)}}, {"way": "loop"}]
    page = module("result_page")
    result = page.Result("name", "Is anything cut?", {"way": ("way", ""), **numbers}, rows)
    page.show(result, argparse.Namespace(json=None, page=None), torch.device("cpu"))
    out = capsys.readouterr().out
    assert "…" not in out
    (line,) = [line for line in out.splitlines() if line.startswith("in eight pieces")]
    assert re.split(" {2,}", line.strip()) == result.texts(rows[0])
    assert ("a long heading of column 3" in out) == (width == "300"), "headings wrap where it is too narrow for them"


def test_clocks_are_asked_of_the_gpu_by_its_own_name(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    meters = module("meters")
    asked: list[list[str]] = []

    def smi(words: list[str], **_: Any) -> Any:
        asked.append(words)
        return SimpleNamespace(stdout="H100, 570.1, 1980 MHz, 1980 MHz, 2619 MHz, 700 W\n")

    monkeypatch.setattr(meters.subprocess, "run", smi)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid=f"of-{device}"))
    assert meters.clocks(torch.device("cuda", 1))["clocks.sm"] == "1980 MHz"
    assert "--id=GPU-of-cuda:1" in asked[0]


def test_clocks_of_the_measurement_are_not_asked_for_again(
    module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    page = module("result_page")
    monkeypatch.setattr(page, "clocks", lambda device: pytest.fail("asked for again"))
    result = page.Result("name", "?", {"a": ("a", "d")}, [{"a": 1}], clocks={"clocks.sm": "1980 MHz"})
    page.show(result, argparse.Namespace(json=tmp_path / "found.json", page=None), torch.device("cpu"))
    assert '"clocks.sm": "1980 MHz"' in (tmp_path / "found.json").read_text()
