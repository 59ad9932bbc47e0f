"""Finds, on the CPU, what would copy numbers from the host to a GPU in the middle of an update.

Such a copy makes the host wait until the device has come as far, and a CUDA graph cannot be captured with it in. The
block runs on the meta device: what arrives there from the CPU is a copy.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from alloygan.testing.verdicts import ConformanceError

_MADE_FROM_VALUES = {"tensor", "as_tensor", "asarray", "new_tensor"}
_INDEXING = {"__getitem__", "__setitem__"}


@contextmanager
def host_copies_refused(what: str) -> Iterator[None]:
    """Raise ConformanceError where the block, whose inputs are on the meta device, copies from the CPU to there."""
    with _Functions(what), _Operators(what):
        yield


def _refuse(what: str, how: str) -> None:
    raise ConformanceError(
        f"{what} copies numbers from the host to the device with {how}, in every update: the host waits, and a CUDA "
        "graph cannot be captured. Register constants as buffers, or make them on the device (torch.full, arange)"
    )


class _Functions(TorchFunctionMode):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Refuse tensors made of Python's values, and places given by them, which no operator shows."""
        found = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in _MADE_FROM_VALUES and found.is_meta and not _on_device(name, args, kwargs or {}):
            _refuse(self.what, f"{name}(...)")
        if name in _INDEXING and args[0].is_meta and any(isinstance(at, (list, np.ndarray)) for at in _places(args[1])):
            _refuse(self.what, "a list of places")
        return found


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, what: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.what = what

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Refuse operators that take from the CPU to the device."""
        found = func(*args, **(kwargs or {}))
        name = func.name()
        if name == "aten::_to_copy" and found.is_meta and not args[0].is_meta:
            _refuse(self.what, "to(device)")
        if name == "aten::copy_" and args[0].is_meta and not args[1].is_meta:
            _refuse(self.what, "copy_(), or an assignment of a tensor")
        indexing = name == "aten::index.Tensor" or name.startswith("aten::index_put")
        if indexing and args[0].is_meta and any(isinstance(at, Tensor) and not at.is_meta for at in args[1]):
            _refuse(self.what, "places in a tensor on the CPU")
        return found


def _on_device(name: str, args: Any, kwargs: Any) -> bool:
    """Whether what a tensor is made of is on the device already."""
    values = kwargs.get("data", kwargs.get("obj", args[1:2] if name == "new_tensor" else args[:1]))
    return any(isinstance(value, Tensor) and value.is_meta for value in tree_leaves(values))


def _places(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)
