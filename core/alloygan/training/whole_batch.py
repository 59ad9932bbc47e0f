"""A step as a loss must see it that is no mean over images: the whole batch, of which each process has a part.

Every process computes the same loss of the same batch. What the critic said of the parts is gathered with gradients,
each to where it came from; the mean of the gradients over the processes is then that of one process with all images.
Images are gathered only where a loss looks at them.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import cached_property
from typing import Any

from torch import Tensor

from alloygan.interfaces.batch import Batch
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critique
from alloygan.interfaces.step import CriticStep, GeneratorStep, Step
from alloygan.training.processes import Processes

Gather = Callable[[Tensor], Tensor]


def whole_critic_step(step: CriticStep, processes: Processes) -> CriticStep:
    """The critic's step over the images of all processes; the same one where there is no other process."""
    return step if processes.count == 1 else _WholeCriticStep(step, processes.gather)


def whole_generator_step(step: GeneratorStep, processes: Processes) -> GeneratorStep:
    """The generator's step over the images of all processes."""
    return step if processes.count == 1 else _WholeGeneratorStep(step, processes.gather)


class _Whole:
    """Fields of a step, gathered when they are first asked for; all processes ask alike: they run the same loss.

    As any step it can be copied with other fields (`dataclasses.replace`), which are given then and not gathered.
    """

    _part: Any
    _gather: Gather

    def __init__(self, part: Step | None = None, gather: Gather | None = None, **given: Any) -> None:
        self.__dict__.update(_part=part, _gather=gather, share=(0, 1))
        for field in fields(part) if part is not None else ():
            if field.name in ("critic", "random", "images_seen"):
                self.__dict__[field.name] = getattr(part, field.name)
        self.__dict__.update(given)

    @cached_property
    def fake_images(self) -> Tensor:
        return self._gather(self._part.fake_images)

    @cached_property
    def fake(self) -> Critique:
        return _critique(self._part.fake, self._gather)

    @cached_property
    def real(self) -> Any:
        return None if self._part.real is None else _critique(self._part.real, self._gather)

    @cached_property
    def real_condition(self) -> Condition:
        return _condition(self._part.real_condition, self._gather)

    @cached_property
    def batch(self) -> Batch:
        return _WholeBatch(self._part.batch, self._gather)


class _WholeCriticStep(_Whole, CriticStep):
    pass


class _WholeGeneratorStep(_Whole, GeneratorStep):
    pass


class _WholeBatch(Batch):
    _part: Batch
    _gather: Gather

    def __init__(self, part: Batch | None = None, gather: Gather | None = None, **given: Any) -> None:
        self.__dict__.update(_part=part, _gather=gather, **given)

    @cached_property
    def images(self) -> Tensor:
        return self._gather(self._part.images)

    @cached_property
    def own_condition(self) -> Condition:
        return _condition(self._part.own_condition, self._gather)

    @cached_property
    def target_condition(self) -> Condition:
        return _condition(self._part.target_condition, self._gather)

    @cached_property
    def weight(self) -> Tensor:
        return self._gather(self._part.weight)


def _critique(part: Critique, gather: Gather) -> Critique:
    return Critique(
        gather(part.score),
        None if part.image_embedding is None else gather(part.image_embedding),
        None if part.condition_embedding is None else gather(part.condition_embedding),
        {name: gather(value) for name, value in part.extras.items()},
    )


def _condition(part: Condition, gather: Gather) -> Condition:
    return Condition(gather(part.values), gather(part.label))
