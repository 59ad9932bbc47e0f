"""Torch's own optimisers from their specs, and the learning-rate schedule."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from alloygan.specs.optimizers import OptimizerSpec
from alloygan.specs.training import TrainingSpec

_CLASSES: dict[str, type[torch.optim.Optimizer]] = {
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
_FUSED = {"cpu": {"adam", "adamw"}, "cuda": {"adam", "adamw", "sgd"}}
"""Where one kernel makes the whole step: torch has none for RMSprop, and its one for SGD on the CPU is slower."""

_OF_THE_MACHINE = ("lr", "foreach", "fused", "capturable")
"""What a state that was saved elsewhere must not change; learning rates are set at every update."""


def build_optimizer(
    spec: OptimizerSpec, parameters: Iterable[nn.Parameter], device: torch.device | str = "cpu"
) -> torch.optim.Optimizer:
    """Build an optimiser over parameters on a device; fields of a spec are torch's own arguments.

    On CUDA the learning rate and the number of steps are kept on the device, where a captured update finds them.
    """
    arguments: dict[str, Any] = spec.model_dump(exclude={"kind"})
    kind = torch.device(device).type
    fused = spec.kind in _FUSED.get(kind, ())
    arguments |= {"fused": True} if fused else {"foreach": True}
    if kind == "cuda":
        arguments["lr"] = torch.tensor(spec.lr, device=device)
        if spec.kind != "sgd":
            arguments["capturable"] = True
    return _CLASSES[spec.kind](list(parameters), **arguments)


def load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Load a state, which may have been saved on another kind of device. Raises as torch does where it does not fit."""
    groups = [
        {**saved, **{name: mine[name] for name in _OF_THE_MACHINE if name in mine}}
        for saved, mine in zip(state["param_groups"], optimizer.param_groups, strict=True)
    ]
    optimizer.load_state_dict({**state, "param_groups": groups})


def lr_factor(spec: TrainingSpec, progress: float) -> float:
    """Factor of the learning rate at a share of the training in [0, 1]."""
    if spec.lr_schedule == "constant" or progress <= spec.decay_from:
        return 1.0
    fallen = min(1.0, (progress - spec.decay_from) / (1 - spec.decay_from))
    return 1 - fallen if spec.lr_schedule == "linear" else 0.5 * (1 + math.cos(math.pi * fallen))


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of all groups, in place where it is on a device."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr
