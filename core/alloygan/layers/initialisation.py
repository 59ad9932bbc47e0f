"""Initial parameters from (seed, dotted path), so that adding or removing one part does not move another's start."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn.utils import parametrize

from alloygan.interfaces.streams import seed_of

M = TypeVar("M", bound=nn.Module)

_POWER_ITERATIONS = 15  # as many as torch does when it sets spectral norm up


def build_seeded(seed: int, path: str, build: Callable[[], M]) -> M:
    """Build a module on the CPU and initialise it from (seed, path).

    Every submodule with torch's `reset_parameters` starts from (seed, its dotted path); whatever a constructor draws
    besides comes from (seed, path). The global random state stays as it was.
    """
    with _seeded(seed, path):
        module = build()
    # Children first: a layer that draws its children's weights in a way of its own has the last word.
    for name, layer in reversed(list(module.named_modules())):
        if callable(getattr(layer, "reset_parameters", None)):
            with _seeded(seed, f"{path}.{name}"), torch.no_grad():
                _reset(layer)
    return module


@contextmanager
def _seeded(seed: int, path: str) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "parameters", path))
        yield


class _Unparametrized:
    """A layer with its parametrized tensors replaced by the originals behind them.

    `layer.weight` of a spectrally normalised layer is computed anew at each access; writing to it would be lost.
    """

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer

    def __getattr__(self, name: str) -> Any:
        parametrizations: Any = self._layer.parametrizations
        if name in parametrizations:
            return parametrizations[name].original
        return getattr(self._layer, name)


def _reset(layer: nn.Module) -> None:
    if parametrize.is_parametrized(layer):
        plain: Any = parametrize.type_before_parametrizations(layer)
        plain.reset_parameters(_Unparametrized(layer))
        # Spectral norm estimates its singular vectors a step at each access; let them meet the new weights.
        for name in layer.parametrizations:  # type: ignore[union-attr]
            for _ in range(_POWER_ITERATIONS):
                getattr(layer, name)
    else:
        layer.reset_parameters()  # type: ignore[operator]
