"""Networks through torch.compile, each pass with its own copies of the buffers.

A compiled pass keeps the buffers themselves for its gradient. The critic judges real and generated images before one
backward, so that the second pass would change what the first has kept: with spectral normalisation torch stops there,
or, where more than the network is compiled, gives a wrong gradient.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

T = TypeVar("T")


def of_the_compiler(error: BaseException) -> bool:
    """Whether an error is torch's compiler's own, such as of a missing C++ compiler, and not of what it compiles."""
    module = type(error).__module__
    return of_a_second_gradient(error) or module.startswith(("torch._dynamo", "torch._inductor", "torch._functorch"))


def of_a_second_gradient(error: BaseException) -> bool:
    """Whether an error is of a gradient of a gradient through a compiled pass, which torch says in one of two ways."""
    said = str(error)
    return isinstance(error, RuntimeError) and ("double backward" in said or "requires create_graph=False" in said)


def compiled_pass(network: Callable[..., T]) -> Callable[..., T]:
    """The passes of a network, compiled; its buffers follow as without."""
    assert isinstance(network, nn.Module)
    module: nn.Module = network

    @torch.compile(dynamic=False)
    def compiled(buffers: dict[str, Tensor], *inputs: Any) -> Any:
        return functional_call(module, buffers, inputs)

    def pass_(*inputs: Any) -> T:
        own = dict(module.named_buffers())
        copies = {name: buffer.clone() for name, buffer in own.items()}
        found: T = compiled(copies, *inputs)
        if copies and module.training:
            with torch.no_grad():
                torch._foreach_copy_(list(own.values()), list(copies.values()))
        return found

    return pass_
