"""Finds, on the CPU, what would make the host wait for a GPU.

Under `readback_refused()` every operation passes two of torch's modes: one sees the methods of a tensor (`tolist`,
`numpy`), the other the operators below them (`item`, and whatever has a result of data-dependent size).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from alloygan.testing.verdicts import ConformanceError

_METHODS = {"tolist", "numpy", "cpu", "__array__", "item"}
_OPERATORS = {
    "aten::_local_scalar_dense": "item(), float(), int() or bool() of a tensor",
    "aten::nonzero": "nonzero(), or where() with one argument",
    "aten::masked_select": "masked_select()",
    "aten::equal": "torch.equal()",
    "aten::allclose": "torch.allclose()",
    "aten::is_nonzero": "the truth of a tensor",
    "aten::_unique2": "unique()",
    "aten::unique_dim": "unique()",
    "aten::unique_consecutive": "unique_consecutive()",
    "aten::bincount": "bincount()",
    "aten::repeat_interleave.Tensor": "repeat_interleave() by a tensor",
}
_ADVICE = "keep values on the device (torch.where, masks, clamp) and return them in Terms to be logged"


@contextmanager
def readback_refused(what: str) -> Iterator[None]:
    """Raise ConformanceError where the block reads a value back to the host. `what` names it in the message."""
    with _Functions(what), _Operators(what):
        yield


class _Functions(TorchFunctionMode):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Refuse the methods that read a tensor without an operator that the other mode could see."""
        name = getattr(func, "__name__", "")
        if name in _METHODS and args and isinstance(args[0], Tensor):
            raise ConformanceError(f"{self.what} reads a tensor back to the host with {name}(); {_ADVICE}")
        if name == "one_hot" and len(args) == 2 and args[1] > 0:
            # On the CPU torch looks at the smallest and largest id first; on CUDA, given the number, it does not.
            return (args[0].unsqueeze(-1) == torch.arange(args[1], device=args[0].device)).long()
        return func(*args, **(kwargs or {}))


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, what: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.what = what

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Refuse operators whose result the host needs before it can go on."""
        name = func.name()
        means = _OPERATORS.get(name)
        if means is None and name == "aten::index.Tensor" and _has_mask(args[1]):
            means = "indexing with a mask"
        if means is None and name.startswith("aten::index_put") and _has_mask(args[1]) and args[2].numel() > 1:
            means = "assignment to the places of a mask"
        if means is not None:
            raise ConformanceError(f"{self.what} makes the host wait for the device: {means}; {_ADVICE}")
        return func(*args, **(kwargs or {}))


def _has_mask(indices: Any) -> bool:
    return any(isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8) for index in indices)
