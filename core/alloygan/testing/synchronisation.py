"""Finds, on the CPU, what would make the host wait for a GPU.

Under `readback_refused()` every operation passes two of torch's modes: one sees the methods of a tensor (`tolist`,
`numpy`), the other the operators below them (`item`, and whatever has a result of data-dependent size).
"""

from collections.abc import Callable, Iterator, Mapping
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
    # Whether a decomposition has succeeded is looked at on the host: in an operator of its own, or inside of others.
    "aten::_linalg_check_errors": "inv, solve, cholesky or lu_factor, which look at their success, as inv_ex does not",
    "aten::_linalg_eigh": "an eigendecomposition (eigh, eigvalsh)",
    "aten::linalg_eig": "an eigendecomposition (eig, eigvals)",
    "aten::linalg_eigvals": "an eigendecomposition (eigvals)",
    "aten::_linalg_svd": "a singular value decomposition (svd, svdvals, a spectral or nuclear norm, matrix_rank, cond)",
    "aten::linalg_pinv.atol_rtol_tensor": "pinv(), or the gradient of lstsq()",
    "aten::linalg_lstsq": "lstsq()",
    "aten::cholesky_inverse": "cholesky_inverse()",
    "aten::linalg_matrix_exp": "matrix_exp(), which chooses its order by the norm",
    "aten::normal.float_Tensor": "normal() with a tensor of deviations, which it looks at first",
    "aten::normal.Tensor_Tensor": "normal() with a tensor of deviations, which it looks at first",
}
_FAMILIES = {
    "aten::_to_sparse": "to_sparse(), whose size depends on the values",
    "aten::_coalesce": "coalesce(), whose size depends on the values",
    "aten::linspace.": "linspace() from or to a tensor",
    "aten::logspace.": "logspace() from or to a tensor",
}
"""By how the names of their overloads begin; a plain linspace has no overload, and so no dot."""
_OF_THE_DEVICE = {"aten::multinomial": "multinomial(), which looks at the probabilities first"}
"""What a sampler, which draws on the host, may call in a training."""
_ADVICE = "keep values on the device (torch.where, masks, clamp) and return them in Terms to be logged"


@contextmanager
def readback_refused(what: str, *, on_device: bool = False) -> Iterator[None]:
    """Raise ConformanceError where the block reads a value back to the host. `what` names it in the message.

    `on_device`: all that the block computes is the device's, as with a network or a loss. In a whole training some is
    the host's (a sampler's choice of patches), and on the CPU the two look alike.
    """
    with _Functions(what), _Operators(what, _OPERATORS | _OF_THE_DEVICE if on_device else _OPERATORS):
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
        # The device in words is the author's; a torch.device may be that of an input, which here is the CPU too.
        if name == "to" and _cpu_in_words(args[1:2], kwargs or {}):
            raise ConformanceError(f'{self.what} reads a tensor back to the host with to("cpu"); {_ADVICE}')
        if name == "tensor_split" and any(isinstance(by, Tensor) for by in (*args[1:], *(kwargs or {}).values())):
            raise ConformanceError(
                f"{self.what} makes the host wait for the device: tensor_split() by a tensor. Split by Python's numbers"
            )
        if name == "one_hot" and len(args) == 2 and args[1] > 0:
            # On the CPU torch looks at the smallest and largest id first; on CUDA, given the number, it does not.
            return (args[0].unsqueeze(-1) == torch.arange(args[1], device=args[0].device)).long()
        return func(*args, **(kwargs or {}))


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, what: str, operators: Mapping[str, str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.what = what
        self.operators = operators

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Refuse operators whose result the host needs before it can go on."""
        name = func.name()
        means = self.operators.get(name)
        if means is None:
            means = next((said for begin, said in _FAMILIES.items() if name.startswith(begin)), None)
        if means is None and _checks_errors(func, args, kwargs or {}):
            means = f"check_errors of {func._schema.name.removeprefix('aten::')}"
        if means is None and name == "aten::index.Tensor" and _has_mask(args[1]):
            means = "indexing with a mask"
        if means is None and name.startswith("aten::index_put") and _has_mask(args[1]) and args[2].numel() > 1:
            means = "assignment to the places of a mask"
        if means is not None:
            raise ConformanceError(f"{self.what} makes the host wait for the device: {means}; {_ADVICE}")
        return func(*args, **(kwargs or {}))


def _has_mask(indices: Any) -> bool:
    return any(isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8) for index in indices)


def _checks_errors(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether an operator was asked to look whether it succeeded (inv_ex, cholesky_ex, solve_ex, …)."""
    names = [argument.name for argument in func._schema.arguments]
    return bool(dict(zip(names, args, strict=False)).get("check_errors", kwargs.get("check_errors", False)))


def _cpu_in_words(places: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    words = (*places, kwargs.get("device"))
    return any(isinstance(place, str) and place.partition(":")[0] == "cpu" for place in words)
