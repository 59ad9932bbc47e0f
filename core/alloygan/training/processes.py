"""The processes that share one training: each computes a part of every batch, and all make the same update.

torch's own engine, without a wrapper around the networks: one flat all-reduce after each backward. A wrapper
(DistributedDataParallel) misses gradients of a head that no loss uses, and those of penalties, without a word.
`torchrun` starts the processes, says to each which one it is, and starts them again where one has died.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from alloygan.errors import SpecError, TrainingError
from alloygan.training.collectives import gathered

TIMEOUT = timedelta(minutes=30)
"""A process that waits longer for the others gives up: the first one may build a large data set meanwhile."""


@dataclass(frozen=True)
class Processes:
    """Which process this is (`rank`) of how many (`count`)."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes the files and talks to the user."""
        return self.rank == 0

    def part(self, size: int) -> slice:
        """Which images of a batch of `size` this process computes. Raises SpecError where they cannot be shared out."""
        if size % self.count:
            raise SpecError(
                f"training.batch_size: {size} images cannot be shared by {self.count} processes; take a multiple of "
                f"{self.count}, such as {self.count * max(1, round(size / self.count))}"
            )
        each = size // self.count
        return slice(self.rank * each, (self.rank + 1) * each)

    def gather(self, mine: Tensor) -> Tensor:
        """The parts (b, …) of all processes, one after another (B, …), with gradients to the parts."""
        if self.count == 1:
            return mine
        return gathered(mine)

    @torch.no_grad()
    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make every gradient the mean over the processes, in one message."""
        if self.count == 1:
            return
        some = list(parameters)
        # Missing ones travel as zeros, so that all messages have the same length. What no process has a gradient of is
        # left alone by the optimiser, as in one process.
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in some]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.count
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        # Into the gradients' own memory: fused optimisers go by memory alone, which has the format of the weights.
        torch._foreach_copy_(gradients, [part.view_as(one) for part, one in zip(parts, gradients, strict=True)])

    @torch.no_grad()
    def average(self, values: Tensor) -> Tensor:
        """The mean over the processes of numbers to log."""
        if self.count == 1:
            return values
        values = values.clone()
        dist.all_reduce(values)
        return values / self.count

    @torch.no_grad()
    def refuse_drift(self, named: Iterable[tuple[str, Tensor]], images_seen: int) -> None:
        """Raise TrainingError where the weights are not the same bits in all processes. Reads from the device."""
        if self.count == 1:
            return
        for name, tensor in named:
            mine = tensor.contiguous()
            others = [torch.empty_like(mine) for _ in range(self.count)]
            dist.all_gather(others, mine)
            if not all(torch.equal(mine, other) for other in others):
                self.wait()  # all have seen it, and nobody leaves while another one still reads
                raise TrainingError(
                    f"{name} is not the same in all {self.count} processes after {images_seen:,} images: a loss or a "
                    "network draws random numbers of its own, or does something else in each process"
                )

    @contextmanager
    def first_alone(self, when: bool = True) -> Iterator[None]:
        """The block in the first process before the others, so that they find what it leaves."""
        if when and not self.first:
            self.wait()
        try:
            yield
        finally:
            if when and self.first:
                self.wait()

    def wait(self) -> None:
        """Wait until all are here."""
        if self.count > 1:
            dist.barrier()

    def collect(self, value: Any) -> list[Any]:
        """What each process says, in their order."""
        if self.count == 1:
            return [value]
        found: list[Any] = [None] * self.count
        dist.all_gather_object(found, value)
        return found

    @torch.no_grad()
    def follow_first(self, buffers: Iterable[Tensor]) -> None:
        """Give all processes the buffers of the first one, such as running statistics of their own images."""
        if self.count > 1:
            for buffer in buffers:
                dist.broadcast(buffer, src=0)


ALONE = Processes()


@contextmanager
def processes(device: torch.device) -> Iterator[Processes]:
    """Join the processes that `torchrun` has started, if it has: gloo on the CPU, NCCL on GPUs. Those that have joined
    already stay together afterwards.
    """
    if dist.is_available() and dist.is_initialized():
        yield Processes(dist.get_rank(), dist.get_world_size())
        return
    if int(os.environ.get("WORLD_SIZE", "1")) <= 1 or "RANK" not in os.environ:
        yield ALONE
        return
    on_gpu = device.type == "cuda"
    own = torch.device("cuda", torch.cuda.current_device()) if on_gpu else None
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=TIMEOUT, device_id=own)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
        # Nobody leaves while another one still waits for a message: it would take that for a death.
        dist.barrier()
    finally:
        dist.destroy_process_group()


def local_device(device: torch.device) -> torch.device:
    """The GPU of this process: `torchrun` numbers those of a machine from 0."""
    if device.type != "cuda" or "LOCAL_RANK" not in os.environ:
        return device
    number = int(os.environ["LOCAL_RANK"])
    if number >= torch.cuda.device_count():
        raise SpecError(
            f"training.device: process {number} of this machine has no GPU of its own; there are "
            f"{torch.cuda.device_count()}. Start as many with torchrun --nproc-per-node."
        )
    torch.cuda.set_device(number)
    return torch.device("cuda", number)
