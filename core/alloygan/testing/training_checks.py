"""The last rule: a component trains in the real loop, and a run that was cut off ends with the same bits."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import alloygan
from alloygan.data.held_out import load_data
from alloygan.data.patches import Data
from alloygan.specs.gan import GanSpec
from alloygan.testing.modules import changed
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import require


class _CutOffError(Exception):
    pass


def trains_and_resumes(subject: Subject) -> None:
    """Two updates in the real loop; cut off after the first and resumed, they end with the same state, bit for bit."""
    spec = subject.compose()
    data: Data = load_data(spec)
    with TemporaryDirectory(prefix="alloygan-conformance-") as folder:
        whole, cut = Path(folder, "whole"), Path(folder, "cut")
        # The kit is a user of the loop like any other: through the public name, as rooms import downwards only.
        alloygan.train(spec, whole, data=data)
        _cut_off(spec, cut, data)
        alloygan.train(spec, cut, data=data)
        different = changed(_state(whole), _state(cut))
    require(
        not different,
        f"a run that was cut off and resumed ends with another {', '.join(different[:4])}; keep all state in "
        "parameters and buffers, and draw random numbers only from the generators that are handed over",
    )


def _cut_off(spec: GanSpec, folder: Path, data: Data) -> None:
    def stop(progress: object) -> None:
        raise _CutOffError

    with suppress(_CutOffError):
        alloygan.train(spec, folder, data=data, report=stop)


def _state(run: Path) -> dict[str, torch.Tensor]:
    newest = max((run / "checkpoints").glob("*.pt"))
    return dict(_tensors(torch.load(newest, weights_only=True)))


def _tensors(value: Any, path: str = "") -> list[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        return [(path, value)]
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    )
    return [
        found for key, inner in items for found in _tensors(inner, f"{path}.{key}".removeprefix(".state.").lstrip("."))
    ]


TRAINING_CHECKS = (trains_and_resumes,)
