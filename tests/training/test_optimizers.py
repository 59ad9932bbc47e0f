"""Optimisers and their states, which may have been saved where other ways of computing are at hand."""

import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from alloygan.specs.optimizers import SGD, Adam, AdamW, OptimizerSpec, RMSprop
from alloygan.training.optimizers import build_optimizer, load_optimizer, set_lr

SPECS = [RMSprop(momentum=0.5), Adam(), AdamW(), SGD(momentum=0.9)]


def stepped(spec: OptimizerSpec, steps: int) -> tuple[nn.Parameter, torch.optim.Optimizer]:
    weight = nn.Parameter(torch.linspace(-1, 1, 6))
    optimizer = build_optimizer(spec, [weight])
    step(weight, optimizer, range(steps))
    return weight, optimizer


def step(weight: nn.Parameter, optimizer: torch.optim.Optimizer, moments: range) -> None:
    for moment in moments:
        weight.grad = torch.sin(weight.detach() * (moment + 1))
        optimizer.step()


def saved(state: dict[str, Any]) -> dict[str, Any]:
    """As a checkpoint has it."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_a_state_goes_on_alike(spec: OptimizerSpec) -> None:
    expected, _ = stepped(spec, 5)
    weight, optimizer = stepped(spec, 3)
    again = nn.Parameter(weight.detach().clone())
    other = build_optimizer(spec, [again])
    load_optimizer(other, saved(optimizer.state_dict()))
    step(again, other, range(3, 5))
    assert torch.equal(again, expected)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_a_state_of_a_gpu_goes_on_on_the_cpu(spec: OptimizerSpec) -> None:
    """There, learning rates are tensors, and steps can be captured."""
    expected, _ = stepped(spec, 5)
    weight, optimizer = stepped(spec, 3)
    state = optimizer.state_dict()
    for group in state["param_groups"]:
        group["lr"] = torch.tensor(group["lr"])
        group["foreach"], group["fused"] = (True, None) if spec.kind == "rmsprop" else (None, True)
        if spec.kind != "sgd":
            group["capturable"] = True
    again = nn.Parameter(weight.detach().clone())
    other = build_optimizer(spec, [again])
    load_optimizer(other, saved(state))
    assert all(isinstance(group["lr"], float) for group in other.param_groups)
    step(again, other, range(3, 5))
    assert torch.equal(again, expected)


def test_the_learning_rate_is_set_in_place_where_it_is_a_tensor() -> None:
    _, optimizer = stepped(Adam(), 1)
    (group,) = optimizer.param_groups
    set_lr(optimizer, 0.5)
    assert group["lr"] == 0.5
    place = group["lr"] = torch.tensor(0.1)
    set_lr(optimizer, 0.25)
    assert group["lr"] is place
    assert isinstance(place, Tensor)
    assert float(place) == 0.25
