"""The two steps of one update as the training loop makes them, with every moment of them in the hands of a check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from alloygan.assembler import Gan
from alloygan.data.condition_space import ConditionSpace
from alloygan.interfaces.batch import Batch
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critique
from alloygan.interfaces.loss import Loss, Terms
from alloygan.interfaces.step import CriticStep, ExtraForward, GeneratorStep
from alloygan.interfaces.streams import stream
from alloygan.testing.stand_in_data import ROWS
from alloygan.testing.subject import Shape, Subject
from alloygan.testing.verdicts import require

MIXED = (0, 1, 2, 3, 1, 0)


@dataclass(frozen=True)
class Moment:
    """What one update takes: noise for both steps, their generators of random numbers, and images seen."""

    number: int
    critic_noise: Tensor
    generator_noise: Tensor
    critic_random: torch.Generator
    generator_random: torch.Generator
    images_seen: Tensor


@dataclass
class Bench:
    """A GAN with the loss under test, and batches of real images.

    `device` is cpu or meta; `dtype` and `memory_format` are those of images and weights.
    """

    gan: Gan
    space: ConditionSpace
    wants_real: bool
    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    memory_format: torch.memory_format = torch.contiguous_format
    generate: Callable[[Tensor, Condition], Tensor] | None = None
    judge: Callable[[Tensor, Condition], Critique] | None = None
    """The networks' passes in the steps, where they are not the networks themselves."""

    @classmethod
    def of(
        cls,
        subject: Subject,
        shape: Shape | None = None,
        *,
        table: bool = True,
        seed: int = 0,
        twice: bool = True,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> "Bench":
        """Assemble the stand-ins (or the author's critic) around the loss."""
        gan = subject.assemble(shape, table=table, seed=seed, twice=twice)
        for part in (gan.generator, gan.critic, *gan.losses.values()):
            part.to(device, dtype).train()
        for network in (gan.generator, gan.critic):
            network.to(memory_format=memory_format)
        wants_real = "real_in_generator_step" in subject.spec.needs
        return cls(gan, subject.space(table=table), wants_real, device, dtype, memory_format)

    @property
    def loss(self) -> Loss:
        """The loss under test."""
        return self.gan.losses["subject"]

    @property
    def _passes(self) -> tuple[Callable[[Tensor, Condition], Tensor], Callable[[Tensor, Condition], Critique]]:
        generate = self.gan.generator if self.generate is None else self.generate
        return generate, self.gan.critic if self.judge is None else self.judge

    def batch(self, conditions: Sequence[int] = MIXED, moment: int = 0) -> Batch:
        """Real images of noise under these of the six conditions."""
        shape = (len(conditions), *self.gan.site.image_shape)
        images = 2 * torch.rand(shape, generator=stream(0, "bench images", moment)) - 1
        condition = self.space.condition([self.space.row(ROWS[i]) for i in conditions])
        batch = Batch(images, condition, condition, torch.ones(len(conditions)))
        return self.moved(batch)

    def moved(self, batch: Batch) -> Batch:
        """A batch on the device of the bench, in its arithmetic and memory format."""
        return Batch(
            batch.images.to(self.device, self.dtype, memory_format=self.memory_format),
            self._condition(batch.own_condition),
            self._condition(batch.target_condition),
            batch.weight.to(self.device, self.dtype),
        )

    def _condition(self, condition: Condition) -> Condition:
        return Condition(condition.values.to(self.device, self.dtype), condition.label.to(self.device))

    def _made(self, noise: Tensor, condition: Condition) -> Tensor:
        """Generated images; a stand-in has no convolution that would bring them into the memory format."""
        return self._passes[0](noise, condition).contiguous(memory_format=self.memory_format)

    def noise(self, count: int, name: str, moment: int) -> Tensor:
        """Noise (B, Z)."""
        random = stream(0, name, moment)
        return torch.randn(count, self.gan.generator.noise_width, generator=random).to(self.device, self.dtype)

    def at(self, moment: int, count: int) -> Moment:
        """A moment of the training, for a batch of `count`; the same one each time."""
        return Moment(
            moment,
            self.noise(count, "critic noise", moment),
            self.noise(count, "generator noise", moment),
            stream(0, "critic loss", moment),
            stream(0, "generator loss", moment),
            torch.full((), moment, dtype=torch.int64, device=self.device),
        )

    def critic_step(self, batch: Batch, moment: int | Moment = 0) -> CriticStep:
        """A critic step; fake images carry no gradient, as in the loop."""
        critic, target = self._passes[1], batch.target_condition
        at = moment if isinstance(moment, Moment) else self.at(moment, len(target))
        with torch.no_grad():
            fake_images = self._made(at.critic_noise, target)
        return CriticStep(
            batch=batch,
            fake_images=fake_images,
            real=critic(batch.images, batch.own_condition),
            fake=critic(fake_images, target),
            real_condition=batch.own_condition,
            critic=ExtraForward(self.gan.critic),
            random=at.critic_random,
            images_seen=at.images_seen,
        )

    def generator_step(self, batch: Batch, moment: int | Moment = 0) -> GeneratorStep:
        """A generator step; `real` is there only for a loss that asks. The caller freezes the judges."""
        critic, target = self._passes[1], batch.target_condition
        at = moment if isinstance(moment, Moment) else self.at(moment, len(target))
        fake_images = self._made(at.generator_noise, target)
        return GeneratorStep(
            batch=batch,
            fake_images=fake_images,
            real=critic(batch.images, batch.own_condition) if self.wants_real else None,
            fake=critic(fake_images, target),
            real_condition=batch.own_condition,
            critic=ExtraForward(self.gan.critic),
            random=at.generator_random,
            images_seen=at.images_seen,
        )

    def freeze(self, frozen: bool) -> None:
        """What the loop does before and after a generator step."""
        for judge in (self.gan.critic, self.loss):
            judge.requires_grad_(not frozen)

    def forget_gradients(self) -> None:
        """As the optimisers' zero_grad."""
        for part in (self.gan.generator, self.gan.critic, self.loss):
            part.zero_grad(set_to_none=True)

    def update(self, moment: int) -> dict[str, Tensor]:
        """One critic and one generator update with plain gradient steps; returns every term, detached."""
        batch = self.batch(moment=moment)
        return self.update_with(batch, self.at(moment, len(batch.images)))

    def update_with(self, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        """The same from a batch and a moment that are already there."""
        terms = self.loss.critic(self.critic_step(batch, moment))
        self._descend(terms, (self.gan.critic, self.loss))
        self.loss.after_critic_update(self.gan.critic)
        said = _named("critic step", terms)
        self.freeze(True)
        terms = self.loss.generator(self.generator_step(batch, moment))
        self._descend(terms, (self.gan.generator,))
        self.freeze(False)
        return said | _named("generator step", terms)

    def _descend(self, terms: Terms, parts: Sequence[torch.nn.Module]) -> None:
        self.forget_gradients()
        total = objective(terms)
        if total is None:
            return
        total.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            for part in parts:
                for parameter in part.parameters():
                    if parameter.grad is not None:
                        parameter.sub_(0.01 * parameter.grad)


def objective(terms: Terms) -> Tensor | None:
    """The sum of the objective's terms, or None if there are none or none has a gradient."""
    values = [value for value in terms.objective.values() if value.requires_grad]
    return torch.stack(values).sum() if values else None


def all_terms(terms: Terms) -> dict[str, Tensor]:
    """Objective and observed terms by name, after looking at their form."""
    require(isinstance(terms, Terms), f"returns a {type(terms).__name__}, not Terms")
    named = dict(terms.observed) | dict(terms.objective)
    for name, value in named.items():
        require(isinstance(name, str) and bool(name), f"the term name {name!r} is not a text")
        require(isinstance(value, Tensor), f"the term {name} is a {type(value).__name__}, not a 0-d tensor")
        require(value.shape == (), f"the term {name} has shape {tuple(value.shape)}, expected a 0-d tensor")
        require(value.is_floating_point(), f"the term {name} is {value.dtype}, not a floating-point number")
    return named


def scaled(critique: Critique, factor: float) -> Critique:
    """The same critique with all outputs times a factor, still attached to the critic."""
    return replace(
        critique,
        score=critique.score * factor,
        image_embedding=None if critique.image_embedding is None else critique.image_embedding * factor,
        condition_embedding=None if critique.condition_embedding is None else critique.condition_embedding * factor,
        extras={name: extra * factor for name, extra in critique.extras.items()},
    )


def _named(step: str, terms: Terms) -> dict[str, Tensor]:
    return {f"{name} of the {step}": value.detach().clone() for name, value in all_terms(terms).items()}
