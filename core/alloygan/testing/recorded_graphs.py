"""A CUDA graph's rules on the CPU: what is recorded runs again on the same tensors, with nothing of Python between.

A number of Python's that should have changed from update to update (a learning rate, a count, a seed) stays as it was
recorded, so that a captured update which relies on one differs from the eager one here as it would on a GPU.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

T = TypeVar("T")


class ReadsBackError(RuntimeError):
    """A value is read back to the host, which cannot be captured; torch says so by a RuntimeError too."""


class RecordedGraphs:
    """Captures by recording operators; `captures` counts how often."""

    def __init__(self) -> None:
        self.captures = 0
        self.replays = 0

    def warm_up(self, run: Callable[[], T]) -> T:
        """Run."""
        return run()

    def capture(self, run: Callable[[], T], generators: Sequence[torch.Generator]) -> tuple[Callable[[], None], T]:
        """Record `run`, leaving everything as it was; returns what runs it again, and its result, written anew then."""
        generators = [*generators, torch.default_generator]
        states = [generator.get_state() for generator in generators]
        with _WithoutChecks(), _Recording() as recording:
            said = run()
        # A capture does nothing: what was there before is as it was.
        for tensor, before in recording.overwritten:
            tensor.copy_(before)
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
        self.captures += 1

        def replay() -> None:
            self.replays += 1
            with torch.no_grad():
                recording.replay()

        return replay, said


class _WithoutChecks(TorchFunctionMode):
    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run, but for what torch checks on the CPU only: the ids of one_hot."""
        if getattr(func, "__name__", "") == "one_hot" and len(args) == 2 and args[1] > 0:
            return (args[0].unsqueeze(-1) == torch.arange(args[1], device=args[0].device)).long()
        return func(*args, **(kwargs or {}))


class _Recording(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[tuple[Any, Any, Any, Any]] = []
        self.overwritten: list[tuple[Tensor, Tensor]] = []
        self._own: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run and record an operator, and keep what it overwrites."""
        kwargs = kwargs or {}
        if "_local_scalar_dense" in func.name():
            raise ReadsBackError("operation not permitted when stream is capturing")
        given = [*args, *(kwargs.get(argument.name) for argument in func._schema.arguments[len(args) :])]
        for argument, value in zip(func._schema.arguments, given, strict=True):
            # Batch norm's schema says nothing of the running statistics that it writes.
            silent = "batch_norm" in func.name() and argument.name in ("running_mean", "running_var")
            if silent or (argument.alias_info is not None and argument.alias_info.is_write):
                for tensor in _tensors(value):
                    if _memory(tensor) not in self._own:
                        self._own.add(_memory(tensor))
                        whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())
                        self.overwritten.append((whole, whole.clone()))
        out = func(*args, **kwargs)
        self._own |= {_memory(tensor) for tensor in _tensors(out)} - {_memory(t) for t in _tensors((args, kwargs))}
        self.operations.append((func, args, kwargs, out))
        return out

    def replay(self) -> None:
        """Run all again, each result into the place of the first one."""
        for func, args, kwargs, out in self.operations:
            inputs = {_memory(tensor) for tensor in _tensors((args, kwargs))}
            again = func(*args, **kwargs)
            for place, value in zip(_tensors(out), _tensors(again), strict=True):
                if _memory(place) not in inputs:
                    place.copy_(value)


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() or id(tensor)
