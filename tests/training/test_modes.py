"""What each mode of computing guarantees: the gradients of one step, layer by layer, against IEEE float32."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from alloygan import Zoo, train
from alloygan.errors import SpecError
from alloygan.specs.gan import GanSpec
from alloygan.training.update import EagerUpdate

from .test_processes import BASE, SPECS, split

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own compiler looks

TOLERANCE = {"compile=nets": 0.03, "compile=step": 0.03, "channels_last=true": 0.03, "precision=bf16": 0.3}
"""‖g − g32‖ / ‖g32‖ of each layer; docs/performance.md has the same numbers. Sums taken in another order may put a
value on the other side of a leaky ReLU's bend, where the gradient jumps: what must be exact is asked in float64.
"""

TF32 = 0.1
"""Of tf32, on a GPU: three bits more than bfloat16."""

EXACT = 1e-6

SMALL = 1e-3
"""Gradients below this part of the largest one are what rounding leaves of 0, as of a bias before batch norm."""

WIDE = "generator: {width: 16, noise: 32}\ncritic: {width: 16, embedding: 32, projection_hidden: 32}\n"
ONE_UPDATE = ["training.critic_updates=1", "training.batch_size=32", "training.images=32"]


def read(zoo: Zoo, folder: Path, text: str, *settings: str) -> GanSpec:
    """A spec of one critic update and one generator update, in float32."""
    (folder / "0.yaml").write_text(BASE)
    parts = [*split(text), WIDE]
    for number, part in enumerate(parts, start=1):
        (folder / f"{number}.yaml").write_text(f"extends: {number - 1}.yaml\n{part}")
    device = "training.device=auto"
    return zoo.read_spec(folder / f"{len(parts)}.yaml", ["training.precision=fp32", device, *ONE_UPDATE, *settings])


def gradients(spec: GanSpec, run: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """Of every weight of the critic, the losses and the generator, in one update."""
    found: dict[str, Tensor] = {}
    descend = EagerUpdate._descend

    def watched(self: EagerUpdate, total: Tensor, optimizer: Any, parameters: list[nn.Parameter]) -> None:
        descend(self, total, optimizer, parameters)
        for name, weight in self._state.weights():
            if any(weight is one for one in parameters) and weight.grad is not None:
                found[name] = weight.grad.detach().double().cpu().clone()

    with monkeypatch.context() as patch:
        patch.setattr(EagerUpdate, "_descend", watched)
        train(spec, run)
    return found


def errors(one: dict[str, Tensor], exact: dict[str, Tensor]) -> dict[str, float]:
    """Relative errors by layer: all weights of `generator.layers.3` are one."""
    assert one.keys() == exact.keys()
    layers: dict[str, list[str]] = {}
    for name in exact:
        layers.setdefault(".".join(name.split(".")[:3]), []).append(name)

    def whole(gradients: dict[str, Tensor], layer: str) -> Tensor:
        return torch.cat([gradients[name].flatten() for name in layers[layer]])

    found = {}
    for network in ("generator", "critic", "losses"):
        mine = {layer: whole(exact, layer) for layer in layers if layer.startswith(network)}
        largest = max((value.norm() for value in mine.values()), default=0.0)
        for layer, value in mine.items():
            if value.norm() > SMALL * largest:
                found[layer] = float((whole(one, layer) - value).norm() / value.norm())
    return found


FEW = ("paper", "eq. 1 anchored", "minimax", "penalties")
CASES = [
    pytest.param(text, mode, precision, id=f"{name}, {mode}, {precision}", marks=() if quick else pytest.mark.slow)
    for name, text in SPECS.items()
    for mode in TOLERANCE
    for precision in ("fp32", "fp64")
    if (mode, precision) != ("precision=bf16", "fp64")
    for quick in [
        name in FEW and ("compile" not in mode or (name, precision) in (("minimax", "fp64"), ("paper", "fp32")))
    ]
]


@pytest.mark.parametrize(("text", "mode", "precision"), CASES)
def test_gradients_of_one_step_agree(
    text: str, mode: str, precision: str, zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = gradients(read(zoo, tmp_path, text, f"training.precision={precision}"), tmp_path / "exact", monkeypatch)
    settings = [f"training.precision={precision}", f"training.{mode}"]
    if mode == "compile=step" and ("gradient_penalty" in text or "r1" in text):
        with pytest.raises(SpecError, match="second_order"):
            read(zoo, tmp_path, text, *settings)
        return
    spec = read(zoo, tmp_path, text, *settings)
    other = gradients(spec, tmp_path / "other", monkeypatch)
    # What nothing in the objective depends on has no gradient, or 0 from the compiler.
    assert all(float(other.pop(name).norm()) == 0 for name in set(other) - set(exact))
    found = errors(other, exact)
    assert len(found) > 2
    worst = max(found, key=lambda name: found[name])
    tolerance = EXACT if precision == "fp64" else TOLERANCE[mode]
    assert found[worst] < tolerance, f"{worst}: {found[worst]:.2g}"


def test_tf32_is_refused_where_there_is_none(zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    spec = read(zoo, tmp_path, SPECS["minimax"], "training.precision=tf32")
    with pytest.raises(SpecError, match=r"precision: tf32: torch finds no CUDA device here; use fp32"):
        train(spec, tmp_path / "run")
    assert not (tmp_path / "run" / "spec.yaml").exists()


@pytest.mark.gpu
@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS.keys())
def test_gradients_in_tf32_agree(text: str, zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = gradients(read(zoo, tmp_path, text), tmp_path / "exact", monkeypatch)
    spec = read(zoo, tmp_path, text, "training.precision=tf32")
    found = errors(gradients(spec, tmp_path / "tf32", monkeypatch), exact)
    worst = max(found, key=lambda name: found[name])
    assert found[worst] < TF32, f"{worst}: {found[worst]:.2g}"
