"""What the processes of a training say to each other in its updates: noted as it is sent, then scaled.

Nothing is worked out from a spec: the real loop runs, in one process that takes the part of the first of several. What
it would send goes no further than a note of its size. What comes back is its own, so that numbers are sound.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch.distributed as dist
from torch import Tensor

from alloygan import Data, train
from alloygan.specs.gan import GanSpec
from alloygan.training.processes import Processes
from alloygan.training.update import EagerUpdate
from failures import MeasurementError
from periods import period

FEW = 2
"""Processes, and images of each, of the smallest training that is looked at."""


@dataclass(frozen=True)
class Message:
    """One message of all processes to all: `gradients` (summed), `gathered`, or `summed` otherwise.

    `size`: bytes of what one process has to say.
    """

    what: str
    size: int


@dataclass(frozen=True)
class Scaling:
    """A message at any number of processes and of images of each: whether its size grows with either."""

    what: str
    smallest: int
    with_images: bool
    with_processes: bool

    def sent(self, processes: int, images: int) -> float:
        """Bytes that each process sends, by the ring algorithms: its part, or twice its share of a sum, to each other
        one.
        """
        size = float(self.smallest)
        size *= images / FEW if self.with_images else 1.0
        size *= processes / FEW if self.with_processes else 1.0
        return (processes - 1) * size * (1 if self.what == "gathered" else 2 / processes)


@dataclass(frozen=True)
class Volume:
    """What each process sends in one update, in the mean over a period of the losses' `every`: bytes, and messages."""

    gradients: float
    gathered: float
    returned: float
    statistics: float
    messages: float


def volume(scaling: Sequence[Scaling], updates: int, processes: int, images: int) -> Volume:
    """What each of so many processes sends, with so many images of each batch; `updates` are those of `scaling`."""

    def bytes_of(wanted: Callable[[Scaling], bool]) -> float:
        return sum(one.sent(processes, images) for one in scaling if wanted(one)) / updates

    return Volume(
        bytes_of(lambda one: one.what == "gradients"),
        bytes_of(lambda one: one.what == "gathered"),
        # The gradients of what was gathered: a sum over the processes of something for all of their images.
        bytes_of(lambda one: one.what == "summed" and one.with_processes),
        bytes_of(lambda one: one.what == "summed" and not one.with_processes),
        len(scaling) / updates if processes > 1 else 0.0,
    )


def scaling_of(spec: GanSpec, data: Data) -> list[Scaling]:
    """The messages of a period of updates, in the order in which they are sent."""

    def sent(processes: int, images: int) -> list[Message]:
        training = spec.training.model_copy(update={"batch_size": processes * images})
        return sent_in_updates(spec.model_copy(update={"training": training}), data, processes)

    few, images, processes = sent(FEW, FEW), sent(FEW, 2 * FEW), sent(2 * FEW, FEW)
    found = []
    for one, more_images, more_processes in zip(few, images, processes, strict=True):
        factors = more_images.size / one.size, more_processes.size / one.size
        if not {*factors} <= {1, 2} or not one.what == more_images.what == more_processes.what:
            raise MeasurementError(f"{one} becomes {more_images} and {more_processes}: this cannot be scaled")
        found.append(Scaling(one.what, one.size, factors[0] == 2, factors[1] == 2))
    return found


class _EnoughError(Exception):
    """The updates that were wanted have been made."""


def sent_in_updates(spec: GanSpec, data: Data, processes: int) -> list[Message]:
    """What the first of so many processes sends in a period of updates.

    Where a process group is there already, all of it calls this, and it is really sent.
    """
    updates = period(spec)
    images = 2 * updates * spec.training.batch_size * spec.training.critic_updates
    changed: dict[str, Any] = {"epochs": None, "device": "cpu", "compile": "off", "cuda_graph": False}
    if spec.training.precision == "tf32":
        changed["precision"] = "fp32"  # of the same size, and there on the CPU
    changed |= dict.fromkeys(("images", "log_every", "checkpoint_every"), images)
    short = spec.model_copy(update={"training": spec.training.model_copy(update=changed)})
    messages: list[Message] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if not dist.is_initialized():
            stack.enter_context(_stand_in(processes))
        stack.enter_context(_noted(messages, updates))
        with suppress(_EnoughError):
            train(short, Path(folder) / "run", data=data)
    return messages


@contextmanager
def _noted(messages: list[Message], updates: int) -> Iterator[None]:
    """Note what is sent in so many updates, and end the training then. What a log or a checkpoint takes is no part."""
    update, average = EagerUpdate.__call__, Processes.average_gradients
    all_reduce, all_gather = dist.all_reduce, dist.all_gather
    made = 0
    what: str | None = None

    @contextmanager
    def doing(now: str) -> Iterator[None]:
        nonlocal what
        before, what = what, now
        try:
            yield
        finally:
            what = before

    def updated(self: EagerUpdate, *arguments: Any) -> Any:
        nonlocal made
        if made == updates:
            raise _EnoughError
        made += 1
        with doing("summed"):
            return update(self, *arguments)

    def averaged(self: Processes, *arguments: Any) -> None:
        with doing("gradients"):
            average(self, *arguments)

    def note(kind: str | None, mine: Tensor) -> None:
        if kind is not None:
            messages.append(Message(kind, mine.numel() * mine.element_size()))

    def reduced(mine: Tensor, *arguments: Any, **named: Any) -> Any:
        note(what, mine)
        return all_reduce(mine, *arguments, **named)

    def gathered(parts: list[Tensor], mine: Tensor, *arguments: Any, **named: Any) -> Any:
        note(what and "gathered", mine)
        return all_gather(parts, mine, *arguments, **named)

    with (
        mock.patch.object(EagerUpdate, "__call__", updated),
        mock.patch.object(Processes, "average_gradients", averaged),
        mock.patch.multiple(dist, all_reduce=reduced, all_gather=gathered),
    ):
        yield


@contextmanager
def _stand_in(processes: int) -> Iterator[None]:
    """As though this were the first of so many processes, all of which say the same."""

    def copied(parts: list[Tensor], mine: Tensor) -> None:
        for part in parts:
            part.copy_(mine)

    with mock.patch.multiple(
        dist,
        is_initialized=lambda: True,
        get_rank=lambda: 0,
        get_world_size=lambda: processes,
        all_reduce=lambda total: total.mul_(processes),
        all_gather=copied,
        barrier=lambda: None,
    ):
        yield
