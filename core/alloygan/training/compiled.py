"""Networks through torch.compile, each pass with its own copies of the buffers.

A compiled pass keeps the buffers themselves for its gradient. The critic judges real and generated images before one
backward, so that the second pass would change what the first has kept: with spectral normalisation torch stops there,
or, where more than the network is compiled, gives a wrong gradient.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from alloygan.specs.components import LossSpec

T = TypeVar("T")

VARIANTS = 32
"""How often the same code is compiled at most, for one set of losses."""


def of_the_compiler(error: BaseException) -> bool:
    """Whether an error is torch's compiler's own, such as of a missing C++ compiler, and not of what it compiles."""
    module = type(error).__module__
    return of_a_second_gradient(error) or module.startswith(("torch._dynamo", "torch._inductor", "torch._functorch"))


def of_a_second_gradient(error: BaseException) -> bool:
    """Whether an error is of a gradient of a gradient through a compiled pass; torch says so in three ways."""
    said = str(error)
    # The third with more than the networks compiled, of what torch cannot see through; in eager code it is another one.
    third = "a leaf Variable that requires grad is being used in an" in said and _through_the_compiler(error)
    return isinstance(error, RuntimeError) and (
        "double backward" in said or "requires create_graph=False" in said or third
    )


def _through_the_compiler(error: BaseException) -> bool:
    names = (str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(name.startswith(("torch._functorch", "torch._inductor", "torch._dynamo")) for name in names)


def of_too_many_variants(error: BaseException) -> bool:
    """Whether torch would have to compile the same thing more often than `compiling` allows."""
    return type(error).__name__ == "FailOnRecompileLimitHit"


@contextmanager
def compiling(losses: Iterable[LossSpec]) -> Iterator[None]:
    """Room for a variant of each set of losses that can be due together, of each pass and with and without gradients.

    Torch's own limit is eight, after which it goes on without compiling, and says so in its log alone. Here there is
    room for more, since a part of a network that is used many times counts as often; still more are an error.
    """
    variants = VARIANTS * 2 ** sum(loss.every > 1 for loss in losses)
    with torch._dynamo.config.patch(
        recompile_limit=variants, accumulated_recompile_limit=max(256, variants), fail_on_recompile_limit_hit=True
    ):
        yield


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
