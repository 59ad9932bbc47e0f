"""The update captured once and replayed as a whole: one launch in place of thousands (`training.cuda_graph`).

A captured update does exactly the operations of the eager one, on the same places in memory. New batches, noise and
counters are copied into the places of those that it was captured with; random numbers come from the same generators,
seeded anew for each update; the learning rate is a tensor on the device.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from alloygan.errors import SpecError, TrainingError
from alloygan.training.draw import own_generator
from alloygan.training.processes import Processes
from alloygan.training.update import CriticInputs, Due, EagerUpdate, GeneratorInputs, Said, UpdateInputs

WARM_UP = 3
"""Eager updates before a capture: optimisers make their state and libraries choose their algorithms."""


class Graphs(Protocol):
    """What captures and replays."""

    def warm_up(self, run: Callable[[], Said]) -> Said:
        """Run once, on the stream where nothing but a later capture's kind of work is."""

    def capture(
        self, run: Callable[[], Said], generators: Sequence[torch.Generator]
    ) -> tuple[Callable[[], None], Said]:
        """Record `run` without doing it. Returns what replays it, and its result, which each replay writes anew."""


class CudaGraphs:
    """torch's CUDA graphs, all in one pool of memory."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool: Any = None

    def warm_up(self, run: Callable[[], Said]) -> Said:
        """Run on a stream of its own."""
        now = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(now)
        with torch.cuda.stream(self._stream):
            said = run()
        now.wait_stream(self._stream)
        return said

    def capture(
        self, run: Callable[[], Said], generators: Sequence[torch.Generator]
    ) -> tuple[Callable[[], None], Said]:
        """Capture with these generators of random numbers, whose seeds each replay reads."""
        graph = torch.cuda.CUDAGraph()
        if hasattr(graph, "register_generator_state"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # newer versions of torch find the generators themselves, and say so
                for generator in generators:
                    graph.register_generator_state(generator)
        # Of this thread alone: another one may be pinning memory for the next batches.
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
            said = run()
        self._pool = self._pool or graph.pool()
        return graph.replay, said


@dataclass(frozen=True)
class _Captured:
    replay: Callable[[], None]
    inputs: UpdateInputs
    said: Said


class CapturedUpdate:
    """Captures the update once for each set of losses that take part (each loss has its `every`), and replays it."""

    def __init__(self, eager: EagerUpdate, graphs: Graphs) -> None:
        self._eager = eager
        self._graphs = graphs
        self._warm: Counter[Due] = Counter()
        self._captured: dict[Due, _Captured] = {}

    def __call__(self, inputs: UpdateInputs, due: Due) -> Said:
        """Replay with these inputs. Raises TrainingError where the update cannot be captured."""
        if due not in self._captured:
            if self._warm[due] < WARM_UP:
                self._warm[due] += 1
                return self._graphs.warm_up(lambda: self._eager(inputs, due))
            self._captured[due] = self._capture(inputs, due)
            return self._compared(self._captured[due], due)
        captured = self._captured[due]
        torch._foreach_copy_(list(_tensors(captured.inputs)), list(_tensors(inputs)))
        captured.replay()
        return captured.said

    def _compared(self, captured: _Captured, due: Due) -> Said:
        """Make the update twice from the same state, replayed and eager. Raises TrainingError where they differ."""
        named = dict(self._eager.tensors())
        before = {name: tensor.detach().clone() for name, tensor in named.items()}
        drawn_from = [*_generators(captured.inputs), own_generator(captured.inputs.generator.noise.device)]
        generators = [(generator, generator.get_state()) for generator in drawn_from]
        captured.replay()
        replayed = {name: tensor.detach().clone() for name, tensor in named.items()}
        replayed |= {name: tensor.clone() for name, tensor in _named(captured.said)}
        with torch.no_grad():
            for name, tensor in named.items():
                tensor.copy_(before[name])
        for generator, state in generators:
            generator.set_state(state)
        # Where the updates before the capture were made: gradients of one weight are added up on one stream.
        said = self._graphs.warm_up(lambda: self._eager(captured.inputs, due))
        for name, tensor in (*_named(said), *named.items()):
            if not torch.allclose(replayed[name], tensor.detach(), rtol=0, atol=0, equal_nan=True):
                raise TrainingError(
                    f"training.cuda_graph: an update that is captured and replayed has another {name} than the same "
                    "update without: a number of Python's, such as a count or an average that a loss keeps, stays as "
                    "it was captured. Keep it in a buffer, changed in place (alloygan.testing checks a loss for it), "
                    "or use training.cuda_graph: false."
                )
        return said

    def _capture(self, inputs: UpdateInputs, due: Due) -> _Captured:
        inputs = _cloned(inputs)
        generators = _generators(inputs)
        try:
            replay, said = self._graphs.capture(lambda: self._eager(inputs, due), generators)
        except RuntimeError as error:
            # Ending a capture in which something went wrong is an error too, with the first one as its context.
            first = error.__context__ if isinstance(error.__context__, RuntimeError) else error
            if isinstance(first, torch.cuda.OutOfMemoryError):
                raise
            reason = " ".join(str(first).split())[:300]
            raise TrainingError(
                f"training.cuda_graph: the update cannot be captured; it stopped in {self._eager.doing}: {reason}. "
                "What reads a value back to the host (alloygan.testing checks a loss for it), or copies one to the "
                "device, cannot be. Use training.cuda_graph: false."
            ) from error
        return _Captured(replay, inputs, said)


def _generators(inputs: UpdateInputs) -> list[torch.Generator]:
    parts: list[CriticInputs | GeneratorInputs] = [*inputs.critic, inputs.generator]
    return [one for part in parts for one in (part.augment, part.random)]


def _named(said: Said) -> Iterator[tuple[str, Tensor]]:
    """Every term with a name for messages."""
    for number, terms in enumerate(said):
        for loss, one in terms.items():
            for name, value in (*one.objective.items(), *one.observed.items()):
                yield f"term {loss}.{name} ({number})", value.detach()


def graphs_on(device: torch.device, group: Processes) -> Graphs:
    """What captures on a device. Raises SpecError where nothing can."""
    if device.type != "cuda":
        raise SpecError("training.cuda_graph: true: torch finds no CUDA device here; use false")
    if group.count > 1:
        raise SpecError(
            f"training.cuda_graph: true: {group.count} processes share the batch, and messages between them are not "
            "captured; use false, or one process"
        )
    return CudaGraphs(device)


def _tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in inputs, in one order."""
    if isinstance(value, Tensor):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _tensors(one)


def _cloned(value: Any) -> Any:
    """The same inputs with tensors of their own; what is one tensor in two places becomes two."""
    if isinstance(value, Tensor):
        return value.clone()
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _cloned(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, (list, tuple)):
        return type(value)(_cloned(one) for one in value)
    return value
