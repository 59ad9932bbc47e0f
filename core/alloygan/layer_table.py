"""The layers of a network as the paper's Tables 1 and 2 print them, with parameters and multiply-adds."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

_NAMES = {
    nn.Linear: "Linear",
    nn.Conv2d: "Convolution",
    nn.ConvTranspose2d: "Convolution Transpose",
    nn.BatchNorm1d: "Batch Norm",
    nn.BatchNorm2d: "Batch Norm",
    nn.Embedding: "Embedding",
}
_NUMBERED = {"Convolution", "Convolution Transpose"}
_ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


@dataclass(frozen=True)
class LayerRow:
    """One layer: its name, feature sizes in the paper's notation (`512 x (4 x 4)`), parameters, multiply-adds."""

    layer: str
    path: str
    input: str
    output: str
    parameters: int
    multiply_adds: int


def layer_rows(network: nn.Module, *inputs: Any) -> list[LayerRow]:
    """The layers with parameters in the order they run, for one image.

    `inputs` are those of the network's forward for a batch; sizes and multiply-adds are per image. A module with the
    attribute `table_name` is one row under that name, whatever it consists of. Names of a kind that repeats are
    numbered in the paper's way.
    """
    units = {module: path for path, module in _units(network)}
    calls: list[tuple[nn.Module, Tensor, Tensor]] = []

    def remember(module: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        first = next((value for value in given if isinstance(value, Tensor)), None)
        if isinstance(output, Tensor):
            calls.append((module, output if first is None else first, output))

    handles = [module.register_forward_hook(remember) for module in units]
    counter = FlopCounterMode(display=False)
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), counter:
            network(*inputs)
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    flops = counter.get_flop_counts()
    root = type(network).__name__
    names = _numbered([_name(module) for module, _, _ in calls])
    rows = []
    for name, (module, given, output) in zip(names, calls, strict=True):
        path = units[module]
        # Two floating-point operations are one multiply-add.
        work = sum(flops.get(f"{root}.{path}", {}).values()) // 2 // output.shape[0]
        count = sum(parameter.numel() for parameter in module.parameters())
        rows.append(LayerRow(name, path, _size(given), _size(output), count, work))
    return rows


def _units(network: nn.Module, path: str = "") -> list[tuple[str, nn.Module]]:
    """Modules that are one row each: marked ones, and leaves with parameters."""
    if path and (hasattr(network, "table_name") or not list(network.children())):
        return [(path, network)] if any(True for _ in network.parameters()) else []
    # Parametrized layers (spectral norm) have children that only hold the originals.
    if path and isinstance(network, tuple(_NAMES)):
        return [(path, network)]
    found = []
    for name, child in network.named_children():
        found += _units(child, f"{path}.{name}" if path else name)
    return found


def _name(module: nn.Module) -> str:
    marked = getattr(module, "table_name", None)
    if isinstance(marked, str):
        return marked
    return next((name for cls, name in _NAMES.items() if isinstance(module, cls)), type(module).__name__)


def _numbered(names: list[str]) -> list[str]:
    totals, seen = Counter(names), Counter[str]()
    result = []
    for name in names:
        seen[name] += 1
        number = seen[name]
        numeral = f" {_ROMAN[number] if number < len(_ROMAN) else number}"
        result.append(name + (numeral if name in _NUMBERED and totals[name] > 1 else ""))
    return result


def _size(tensor: Tensor) -> str:
    channels, *positions = tensor.shape[1:]
    return f"{channels} x ({' x '.join(map(str, positions))})" if positions else str(channels)
