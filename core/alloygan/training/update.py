"""One update of a training: what the device computes, from inputs that the host has drawn before.

An update is `critic_updates` updates of the critic and one of the generator. Nothing in it is read back to the host,
and nothing that changes from update to update is a number of Python's: it can be captured and replayed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from alloygan.errors import PluginError, SpecError, TrainingError
from alloygan.interfaces.augmenter import Augmenter
from alloygan.interfaces.batch import Batch
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critique
from alloygan.interfaces.loss import Loss, Terms
from alloygan.interfaces.step import CriticStep, ExtraForward, GeneratorStep
from alloygan.specs.components import LossSpec
from alloygan.training.compiled import (
    compiled_pass,
    of_a_second_gradient,
    of_the_compiler,
    of_too_many_variants,
)
from alloygan.training.ledger import objective
from alloygan.training.parts import part
from alloygan.training.precision import Arithmetic
from alloygan.training.processes import Processes
from alloygan.training.state import TrainingState
from alloygan.training.whole_batch import whole_critic_step, whole_generator_step


@dataclass(frozen=True)
class CriticInputs:
    """A fresh batch, this process's part of it, with its noise (B, Z); `images_seen` is a 0-d tensor."""

    batch: Batch
    noise: Tensor
    images_seen: Tensor
    augment: torch.Generator
    random: torch.Generator


@dataclass(frozen=True)
class GeneratorInputs:
    """Fresh noise (B, Z); the conditions are those of the last critic update."""

    noise: Tensor
    augment: torch.Generator
    random: torch.Generator


@dataclass(frozen=True)
class UpdateInputs:
    """All that one update takes."""

    critic: Sequence[CriticInputs]
    generator: GeneratorInputs


Due = tuple[frozenset[str], ...]
"""Names of the losses that take part (each has its `every`): in each critic update, then in the generator's."""


Said = list[dict[str, Terms]]
"""What the losses said: in each critic update, then in the generator's."""


def due(losses: Mapping[str, LossSpec], number: int, critic_updates: int) -> Due:
    """Which losses take part in the update after `number` others."""

    def at(update: int) -> frozenset[str]:
        return frozenset(name for name, loss in losses.items() if update % loss.every == 0)

    return (*(at(number * critic_updates + i) for i in range(critic_updates)), at(number))


def _differentiates_twice(loss: LossSpec) -> bool:
    return "second_order" in loss.needs


class Update(Protocol):
    """Makes one update."""

    def __call__(self, inputs: UpdateInputs, due: Due) -> Said:
        """Change the weights; what is returned is on the device, and holds until the next call."""


class EagerUpdate:
    """The update, operation by operation."""

    def __init__(
        self, state: TrainingState, group: Processes, arithmetic: Arithmetic, augment: Augmenter, *, judges_target: bool
    ) -> None:
        spec = state.gan.spec
        self._state = state
        self._group = group
        self._augment = augment
        self._judges_target = judges_target
        generate: Callable[[Tensor, Condition], Tensor] = state.gan.generator
        judge: Callable[[Tensor, Condition], Critique] = state.gan.critic
        if spec.training.compile != "off":
            # Torch counts the variants that it compiles over the whole process, and stops after eight without an error.
            torch.compiler.reset()
            generate, judge = compiled_pass(generate), compiled_pass(judge)
        self._generate = arithmetic.generate(generate)
        self._judge = arithmetic.judge(judge)
        self._extra = ExtraForward(state.gan.critic, arithmetic.judge)
        self._weights = {name: loss.weight for name, loss in spec.losses.items()}
        self._over_batch = {name for name, loss in spec.losses.items() if loss.over == "batch"}
        self.doing = "the networks"
        """What was being computed last, by its key in the spec."""
        if spec.training.compile == "step":
            if group.count > 1:
                raise SpecError(
                    f"training.compile: step: {group.count} processes share the batch, and messages between them are "
                    "not compiled; use nets, or one process"
                )
            self._critic_terms = torch.compile(self._critic_terms, dynamic=False)  # type: ignore[method-assign]
            self._generator_terms = torch.compile(self._generator_terms, dynamic=False)  # type: ignore[method-assign]
        self._wants_real = any("real_in_generator_step" in loss.needs for loss in spec.losses.values())

    def __call__(self, inputs: UpdateInputs, due: Due) -> Said:
        """Update the critic on each batch, then the generator. Raises TrainingError where something cannot be
        compiled that the spec wants to be.
        """
        try:
            said = [self._update_critic(one, names) for one, names in zip(inputs.critic, due[:-1], strict=True)]
            return [*said, self._update_generator(inputs.generator, inputs.critic[-1], due[-1])]
        except Exception as error:
            self._hint(error)
            how = self._state.gan.spec.training.compile
            if how == "off" or not of_the_compiler(error):
                raise
            reason = " ".join(str(error).split())[:300]
            instead = "off, or nets" if how == "step" else "off"
            if of_a_second_gradient(error):
                losses = self._state.gan.spec.losses
                some = [f"losses.{name}" for name, loss in losses.items() if _differentiates_twice(loss)]
                whose = ", ".join(some) or "of a loss that has no second_order in its `needs`"
                reason = (
                    f"a gradient of a gradient ({whose}). A loss can judge images anew with step.critic, which is not "
                    "compiled"
                )
            elif of_too_many_variants(error):
                reason = (
                    "it would have to be compiled anew again and again. A number of Python's that changes from update "
                    "to update, such as a count that a loss keeps, is part of what is compiled; keep it in a buffer"
                )
            raise TrainingError(
                f"training.compile: {how}: torch cannot compile {self.doing}: {reason}. Use training.compile: {instead}"
            ) from error

    def _hint(self, error: Exception) -> None:
        """Say beside an error of a part what it may be due to: a mode of computing that the part does not know."""
        said = str(error)
        if self._state.gan.spec.training.channels_last and "view size is not compatible" in said:
            error.add_note(
                "with `training.channels_last: true`, images and features lie in memory in another order, which view() "
                "does not take; call reshape() or flatten(), or use training.channels_last: false"
            )
        if self._group.count > 1 and "not have been used in the graph" in said:
            error.add_note(
                f"{self._group.count} processes gather the images and what the critic said of them apart; judge the "
                "images anew with step.critic, or use one process"
            )

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor that an update may change in place, with its name."""
        return self._state.tensors()

    def _update_critic(self, inputs: CriticInputs, due: frozenset[str]) -> dict[str, Terms]:
        state = self._state
        said, total = self._critic_terms(inputs, due)
        if total is not None:
            self._descend(total, state.critic_optimizer, state.judging)
            with part("optimiser"):
                for loss in state.gan.losses.values():
                    loss.after_critic_update(state.gan.critic)
        return _let_go(said)

    def _critic_terms(self, inputs: CriticInputs, due: frozenset[str]) -> tuple[dict[str, Terms], Tensor | None]:
        batch = inputs.batch
        target, real_condition = batch.target_condition, self._real_condition(batch)
        with torch.no_grad():
            fake_images = self._made(inputs.noise, target, inputs.augment)
        step = CriticStep(
            batch=batch,
            fake_images=fake_images,
            real=self._judged(batch.images, real_condition),
            fake=self._judged(fake_images, target),
            real_condition=real_condition,
            critic=self._extra,
            random=inputs.random,
            images_seen=inputs.images_seen,
            share=(self._group.rank, self._group.count),
        )
        whole = whole_critic_step(step, self._group)
        said = {}
        for name, loss in self._due(due):
            said[name] = _terms_of(name, loss.critic(whole if name in self._over_batch else step))
        return said, objective(said, self._weights)

    def _update_generator(self, inputs: GeneratorInputs, last: CriticInputs, due: frozenset[str]) -> dict[str, Terms]:
        state = self._state
        state.let_judges_learn(False)
        said, total = self._generator_terms(inputs, last, due)
        if total is not None:
            self._descend(total, state.generator_optimizer, state.making)
        state.let_judges_learn(True)
        return _let_go(said)

    def _generator_terms(
        self, inputs: GeneratorInputs, last: CriticInputs, due: frozenset[str]
    ) -> tuple[dict[str, Terms], Tensor | None]:
        batch = last.batch
        target, real_condition = batch.target_condition, self._real_condition(batch)
        fake_images = self._made(inputs.noise, target, inputs.augment)
        step = GeneratorStep(
            batch=batch,
            fake_images=fake_images,
            real=self._judged(batch.images, real_condition) if self._wants_real else None,
            fake=self._judged(fake_images, target),
            real_condition=real_condition,
            critic=self._extra,
            random=inputs.random,
            images_seen=last.images_seen,
            share=(self._group.rank, self._group.count),
        )
        whole = whole_generator_step(step, self._group)
        said = {}
        for name, loss in self._due(due):
            said[name] = _terms_of(name, loss.generator(whole if name in self._over_batch else step))
        return said, objective(said, self._weights)

    def _due(self, names: frozenset[str]) -> Iterator[tuple[str, Loss]]:
        for name, loss in self._state.gan.losses.items():
            if name in names:
                self.doing = f"losses.{name}"
                with part(f"loss {name}"):
                    yield name, loss
        self.doing = "the networks"

    def _real_condition(self, batch: Batch) -> Condition:
        return batch.target_condition if self._judges_target else batch.own_condition

    def _made(self, noise: Tensor, condition: Condition, random: torch.Generator) -> Tensor:
        with part("generator"):
            images = self._generate(noise, condition)
        with part("augmentation"):
            return self._augmented(images, random)

    def _judged(self, images: Tensor, condition: Condition) -> Critique:
        with part("critic"):
            return self._judge(images, condition)

    def _augmented(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Generated images as the critic sees them: each changed as it would be in one process with the whole batch."""
        if not self._augment.acts_on_fake:
            return images
        if self._group.count == 1:
            return self._augment(images, real=False, random=random)
        size = len(images) * self._group.count
        mine = self._group.part(size)
        before, after = (images.new_zeros(n, *images.shape[1:]) for n in (mine.start, size - mine.stop))
        return self._augment(torch.cat([before, images, after]), real=False, random=random)[mine]

    def _descend(self, total: Tensor, optimizer: torch.optim.Optimizer, parameters: Sequence[nn.Parameter]) -> None:
        with part("optimiser"):
            optimizer.zero_grad(set_to_none=True)
        with part(f"gradient of the {'critic' if optimizer is self._state.critic_optimizer else 'generator'}"):
            total.backward()  # type: ignore[no-untyped-call]
            self._group.average_gradients(parameters)
        with part("optimiser"):
            optimizer.step()


def _terms_of(name: str, found: object) -> Terms:
    """What a loss returned. Raises PluginError for anything but Terms, and for observed terms that are no numbers."""
    if not isinstance(found, Terms):
        raise PluginError(f"the loss {name!r} returns {type(found).__name__}; critic() and generator() return Terms")
    for term, value in found.observed.items():
        if value.ndim != 0:
            raise PluginError(
                f"the loss {name!r} observes {term!r} with shape {tuple(value.shape)}; a term is one number, such as a "
                "mean over the batch"
            )
    return found


def _let_go(said: dict[str, Terms]) -> dict[str, Terms]:
    """The terms without what they were computed from, which would otherwise be kept until the next update."""
    return {
        name: Terms(*({key: value.detach() for key, value in one.items()} for one in (terms.objective, terms.observed)))
        for name, terms in said.items()
    }
