"""Torch's own optimisers from their specs, and the learning-rate schedule."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from alloygan.specs.optimizers import OptimizerSpec
from alloygan.specs.training import TrainingSpec

_CLASSES: dict[str, type[torch.optim.Optimizer]] = {
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


def build_optimizer(spec: OptimizerSpec, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Build an optimiser over parameters; fields of a spec are torch's own arguments."""
    arguments: dict[str, Any] = spec.model_dump(exclude={"kind"})
    return _CLASSES[spec.kind](list(parameters), foreach=True, **arguments)  # type: ignore[call-arg]


def lr_factor(spec: TrainingSpec, progress: float) -> float:
    """Factor of the learning rate at a share of the training in [0, 1]."""
    if spec.lr_schedule == "constant" or progress <= spec.decay_from:
        return 1.0
    fallen = min(1.0, (progress - spec.decay_from) / (1 - spec.decay_from))
    return 1 - fallen if spec.lr_schedule == "linear" else 0.5 * (1 + math.cos(math.pi * fallen))


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of all groups."""
    for group in optimizer.param_groups:
        group["lr"] = lr
