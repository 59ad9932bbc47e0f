"""What checks of all sorts of modules look at: their state, their gradients, and small changes to them."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from alloygan.interfaces.streams import stream
from alloygan.testing.host_copies import host_copies_refused
from alloygan.testing.verdicts import ConformanceError, require

T = TypeVar("T")


def nudge(module: nn.Module, size: float = 0.1) -> None:
    """Move every parameter a little, always alike: parts that start at zero (a residual factor) then take part."""
    random = stream(0, "nudge")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(size * torch.randn(parameter.shape, generator=random))


def copy_of_state(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers, those that a state_dict leaves out too."""
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor.detach().clone() for name, tensor in named.items()}


def changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that are not the same in both, bit for bit."""
    return sorted(
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or not torch.equal(before[name], after[name])
    )


def with_gradient(module: nn.Module) -> list[str]:
    """Names of the parameters that have a gradient."""
    return [name for name, parameter in module.named_parameters() if parameter.grad is not None]


def require_finite(tensors: Mapping[str, Tensor], when: str) -> None:
    """Every tensor is finite."""
    for name, tensor in tensors.items():
        require(bool(tensor.isfinite().all()), f"{name} is not finite {when}")


def reloaded(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state as a checkpoint gives it back: written and read again without running code."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    buffer.seek(0)
    try:
        loaded: dict[str, Any] = torch.load(buffer, weights_only=True)
    except Exception as error:
        raise ConformanceError(
            f"the state cannot be read from a checkpoint, which loads tensors and plain values only: {error}"
        ) from error
    return loaded


def load(module: nn.Module, state: Mapping[str, Any]) -> None:
    """Load a state, and say what to do where it does not fit a fresh build."""
    try:
        module.load_state_dict(reloaded(state))
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise ConformanceError(
            f"the state does not fit a fresh build: {error}. Make parameters and buffers in __init__, not later."
        ) from error


def require_no_plain_tensors(module: nn.Module) -> None:
    """No attribute is a tensor that is neither parameter nor buffer."""
    plain = sorted(
        f"{path}.{name}".removeprefix(".")
        for path, part in module.named_modules()
        for name, value in vars(part).items()
        if isinstance(value, Tensor)
    )
    require(not plain, f"neither parameter nor buffer: {', '.join(plain)}; use register_buffer")


def sum_of_all(outputs: Mapping[str, Tensor]) -> Tensor:
    """Something to differentiate in which every number of the outputs takes part."""
    # Squares, and a different factor for each number: sums over a batch-normed map would be constant.
    return torch.stack(
        [
            (output * torch.linspace(0.5, 1.5, output.numel()).view_as(output)).square().sum()
            for output in outputs.values()
        ]
    ).sum()


@contextmanager
def failures_told(fails: str, remedy: str) -> Iterator[None]:
    """Turn what a part raises in a way of computing into a ConformanceError with the remedy."""
    try:
        yield
    except ConformanceError:
        raise
    except Exception as error:
        raise ConformanceError(f"{fails}: {str(error).rstrip('.')}. {remedy}") from error


def with_channels_last(what: str, run: Callable[[], T]) -> T:
    """Run something whose images and kernels have their channels last in memory."""
    fails = (
        f"{what} fails where images and kernels have their channels last in memory, as training.channels_last: true "
        "keeps them"
    )
    with failures_told(fails, "Use reshape() or flatten() in place of view()"):
        return run()


def in_float64(what: str, run: Callable[[], T]) -> T:
    """Run something whose weights and inputs are float64."""
    fails = f"{what} fails in float64, as training.precision: fp64 computes"
    with failures_told(fails, "Leave .float() out, and make tensors with `dtype=` of an input"):
        return run()


def on_meta(what: str, run: Callable[[], object]) -> None:
    """Run something whose tensors are all on the meta device, which holds no data and mixes with no other device.
    Nothing may come there from the CPU either.
    """
    try:
        with host_copies_refused(what):
            run()
    except (RuntimeError, NotImplementedError) as error:
        raise ConformanceError(
            f"{what} fails where its inputs are on another device than the CPU: {error}. Make tensors with "
            "`device=` of an input, and register constants as buffers."
        ) from error
