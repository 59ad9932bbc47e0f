"""Rules for losses: what they may move, read, draw and remember."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from alloygan.interfaces.batch import Batch
from alloygan.interfaces.critic import Critique
from alloygan.interfaces.step import CriticStep, GeneratorStep
from alloygan.sharing import needs_label
from alloygan.testing.loss_mode_checks import DISTINCT, LOSS_MODE_CHECKS
from alloygan.testing.modules import (
    changed,
    copy_of_state,
    load,
    require_finite,
    require_no_plain_tensors,
    with_gradient,
)
from alloygan.testing.randomness import global_random_left_alone
from alloygan.testing.steps import Bench, all_terms, objective, scaled
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import ConformanceError, NotApplicable, require


def says_something(subject: Subject) -> None:
    """Terms of 0-d floating-point tensors, and an objective with a gradient in at least one of the steps."""
    bench = Bench.of(subject)
    batch = bench.batch()
    critic_terms = bench.loss.critic(bench.critic_step(batch))
    generator_terms = bench.loss.generator(bench.generator_step(batch))
    all_terms(critic_terms)
    all_terms(generator_terms)
    # A loss may say nothing in its first update, such as a regulariser whose averages have yet to start.
    for moment in (1, 2):
        bench.update(moment)
    later = [
        bench.loss.critic(bench.critic_step(batch, 3)),
        bench.loss.generator(bench.generator_step(batch, 3)),
    ]
    spoken = [objective(terms) is not None for terms in (critic_terms, generator_terms, *later)]
    require(any(spoken), "no objective term has a gradient, in either step")


def moves_only_the_critic_in_its_step(subject: Subject) -> None:
    """A critic step gives gradients to the critic and the loss's own parameters: none to the generator."""
    bench = Bench.of(subject)
    bench.update(0)  # what a loss keeps from a generator step must not reach the generator later
    bench.forget_gradients()
    terms = bench.loss.critic(bench.critic_step(bench.batch(moment=1), 1))
    _require_no_gradients(bench, "critic(step) calls backward itself; the loop alone does that")
    total = objective(terms)
    if total is None:
        raise NotApplicable("it says nothing in the critic's step")
    try:
        total.backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ConformanceError(
            f"its critic step cannot be differentiated: {error}. If it kept a tensor from an earlier step, detach it."
        ) from error
    reached = with_gradient(bench.gan.generator)
    require(
        not reached,
        f"a critic step reaches the generator ({', '.join(reached[:3])}); detach what is kept from a generator step",
    )
    own = with_gradient(bench.loss)
    require(bool(with_gradient(bench.gan.critic) or own), "a critic step reaches no parameter of critic or loss")


def moves_only_the_generator_in_its_step(subject: Subject) -> None:
    """A generator step gives gradients to the generator: none to the critic or the loss's own parameters."""
    bench = Bench.of(subject)
    bench.update(0)
    bench.forget_gradients()
    bench.freeze(True)
    terms = bench.loss.generator(bench.generator_step(bench.batch(moment=1), 1))
    _require_no_gradients(bench, "generator(step) calls backward itself; the loop alone does that")
    total = objective(terms)
    if total is None:
        raise NotApplicable("it says nothing in the generator's step")
    total.backward()  # type: ignore[no-untyped-call]
    reached = with_gradient(bench.gan.critic) + with_gradient(bench.loss)
    require(not reached, f"a generator step gives gradients to critic or loss parameters: {', '.join(reached[:3])}")
    require(bool(with_gradient(bench.gan.generator)), "a generator step does not reach the generator")


def trains_all_its_own_parameters(subject: Subject) -> None:
    """Every parameter of the loss takes part in the critic's step, with which it trains."""
    bench = Bench.of(subject)
    if not list(bench.loss.parameters()):
        raise NotApplicable("it has no parameters of its own")
    for moment in (0, 1):
        bench.update(moment)
    bench.forget_gradients()
    total = objective(bench.loss.critic(bench.critic_step(bench.batch(moment=2), 2)))
    if total is not None:
        total.backward()  # type: ignore[no-untyped-call]
    still = [name for name, parameter in bench.loss.named_parameters() if parameter.grad is None]
    require(not still, f"the critic's step gives no gradient to {', '.join(still)}; it would never train")


def leaves_the_critic_as_it_was(subject: Subject) -> None:
    """Neither step changes parameters, running statistics, training mode or requires_grad of the critic."""
    bench = Bench.of(subject)
    for role, frozen in (("critic", False), ("generator", True)):
        bench.freeze(frozen)
        step: Any = bench.critic_step(bench.batch()) if role == "critic" else bench.generator_step(bench.batch())
        before, flags = copy_of_state(bench.gan.critic), _flags(bench.gan.critic)
        getattr(bench.loss, role)(step)
        different = changed(before, copy_of_state(bench.gan.critic))
        require(
            not different,
            f"{role}(step) changes the critic's {', '.join(different[:4])}; for an extra forward call step.critic, "
            "which leaves running statistics alone",
        )
        require(flags == _flags(bench.gan.critic), f"{role}(step) changes training mode or requires_grad of the critic")


def leaves_the_weight_to_the_loop(subject: Subject) -> None:
    """The spec's `weight` is applied by the loop, once."""
    heavier = subject.spec.model_copy(update={"weight": 3.0 * getattr(subject.spec, "weight", 1.0) + 1.0})
    one = Bench.of(subject).update(0)
    other = Bench.of(replace(subject, spec=heavier)).update(0)
    # After the critic's update the two differ by rounding at most, as the bench applies no weight either.
    different = changed(one, other)
    require(not different, f"{', '.join(different)} change with `weight`; the loop multiplies by it")


def uses_only_the_random_numbers_of_the_step(subject: Subject) -> None:
    """The same step gives the same terms, and the global random numbers stay where they were."""
    with global_random_left_alone("building"):
        bench = Bench.of(subject)
    batch = bench.batch()
    critic_step, generator_step = bench.critic_step(batch), bench.generator_step(batch)
    with global_random_left_alone("critic(step)"):
        bench.loss.critic(critic_step)
    with global_random_left_alone("generator(step)"):
        bench.loss.generator(generator_step)
    different = changed(Bench.of(subject).update(0), Bench.of(subject).update(0))
    require(not different, f"the same step gives another {', '.join(different)}; draw from step.random only")


def keeps_its_tensors_in_buffers(subject: Subject) -> None:
    """A plain tensor attribute stays behind when the module moves to a GPU, and is in no checkpoint."""
    bench = Bench.of(subject)
    bench.update(0)
    require_no_plain_tensors(bench.loss)


def survives_a_state_round_trip(subject: Subject) -> None:
    """After two updates its state, loaded into a fresh build, gives the same next update, bit for bit."""
    bench = Bench.of(subject)
    for moment in (0, 1):
        bench.update(moment)
    again = Bench.of(subject, seed=1)
    for one, other in (
        (bench.gan.generator, again.gan.generator),
        (bench.gan.critic, again.gan.critic),
        (bench.loss, again.loss),
    ):
        load(other, one.state_dict())
    different = changed(bench.update(2), again.update(2))
    require(
        not different,
        f"after a state_dict round trip the next update has another {', '.join(different)}; a resumed run would not go "
        "on alike. Keep all state in parameters and buffers, changed in place.",
    )


def stays_finite(subject: Subject) -> None:
    """Terms and gradients are finite for a batch of one, equal and distinct conditions, and coinciding images."""
    cases: dict[str, Callable[[Bench], Batch]] = {
        "for a batch of one": lambda bench: bench.batch((0,)),
        "where all conditions are equal": lambda bench: bench.batch((2,) * 6),
        "where all conditions are distinct": lambda bench: bench.batch(DISTINCT),
        "where all real images are the same": _same_images,
    }
    for when, make in cases.items():
        bench = Bench.of(subject)
        batch = make(bench)
        # An update before, so that what is averaged over updates has started.
        for moment in (0, 1):
            _require_finite_update(bench, bench.critic_step(batch, moment), when)
            bench.freeze(True)
            _require_finite_update(bench, bench.generator_step(batch, moment), when)
            bench.freeze(False)


def stays_finite_for_large_and_small_outputs(subject: Subject) -> None:
    """Terms and gradients are finite where the critic's outputs are ±100 times as large, or all zero."""
    for factor in (100.0, -100.0, 0.0):
        bench = Bench.of(subject)
        batch = bench.batch(DISTINCT)
        when = f"where the critic's outputs are multiplied by {factor:g}"
        for moment in (0, 1):
            step: Any = bench.critic_step(batch, moment)
            critiques = {"real": _spread(step.real, factor), "fake": _spread(step.fake, -factor)}
            _require_finite_update(bench, replace(step, **critiques), when)
            bench.freeze(True)
            step = bench.generator_step(batch, moment)
            critiques = {"fake": _spread(step.fake, -factor)}
            if step.real is not None:
                critiques["real"] = _spread(step.real, factor)
            _require_finite_update(bench, replace(step, **critiques), when)
            bench.freeze(False)


def asks_for_an_id_if_it_needs_one(subject: Subject) -> None:
    """A loss that does not declare `label` in its needs works where conditions have no ids."""
    if subject.needs_label:
        raise NotApplicable("it declares that it needs ids")
    if subject.partner is not None and needs_label(subject.partner):
        raise NotApplicable("the critic that it is tried with needs ids")
    try:
        terms = Bench.of(subject, table=False).update(0)
    except ConformanceError:
        raise
    except Exception as error:
        raise ConformanceError(
            f"fails where conditions have no table (label −1): {type(error).__name__}: {error}. If it needs an id, "
            'declare it: needs = frozenset({"label"}).'
        ) from error
    require_finite(terms, "where conditions have no table")


def asks_for_second_order_gradients_if_it_takes_them(subject: Subject) -> None:
    """A loss that differentiates a gradient of the critic declares `second_order`."""
    if "second_order" in subject.spec.needs:
        raise NotApplicable("it declares second_order")
    if subject.partner is not None:
        raise NotApplicable("only the stand-in critic can refuse second derivatives")
    try:
        Bench.of(subject, twice=False).update(0)
    except RuntimeError as error:
        if "once_differentiable" not in str(error):
            raise
        raise ConformanceError(
            'differentiates a gradient of the critic without declaring it: needs = frozenset({"second_order"})'
        ) from error


def _same_images(bench: Bench) -> Batch:
    batch = bench.batch(DISTINCT)
    return replace(batch, images=torch.zeros_like(batch.images))


def _spread(critique: Critique, factor: float) -> Critique:
    """Outputs of about `factor`, each image's a little different."""
    level = scaled(critique, factor)
    return replace(level, score=level.score + factor * torch.linspace(0.9, 1.1, len(level.score)))


def _require_finite_update(bench: Bench, step: CriticStep | GeneratorStep, when: str) -> None:
    bench.forget_gradients()
    terms = bench.loss.critic(step) if isinstance(step, CriticStep) else bench.loss.generator(step)
    role = "critic" if isinstance(step, CriticStep) else "generator"
    require_finite({f"the {role} step's term {n}": value for n, value in all_terms(terms).items()}, when)
    total = objective(terms)
    if total is None:
        return
    total.backward()  # type: ignore[no-untyped-call]
    for name, part in (
        ("generator", bench.gan.generator),
        ("critic", bench.gan.critic),
        ("loss", bench.loss),
    ):
        require_finite(_gradients(name, part), f"in the {role}'s step {when}")


def _gradients(name: str, part: nn.Module) -> dict[str, Tensor]:
    return {
        f"the gradient of {name}.{key}": parameter.grad
        for key, parameter in part.named_parameters()
        if parameter.grad is not None
    }


def _require_no_gradients(bench: Bench, message: str) -> None:
    parts = (bench.gan.generator, bench.gan.critic, bench.loss)
    require(not any(with_gradient(part) for part in parts), message)


def _flags(critic: nn.Module) -> list[tuple[bool, ...]]:
    modes = tuple(module.training for module in critic.modules())
    return [modes, tuple(parameter.requires_grad for parameter in critic.parameters())]


LOSS_CHECKS = (
    says_something,
    moves_only_the_critic_in_its_step,
    moves_only_the_generator_in_its_step,
    trains_all_its_own_parameters,
    leaves_the_critic_as_it_was,
    leaves_the_weight_to_the_loop,
    uses_only_the_random_numbers_of_the_step,
    *LOSS_MODE_CHECKS,
    keeps_its_tensors_in_buffers,
    survives_a_state_round_trip,
    stays_finite,
    stays_finite_for_large_and_small_outputs,
    asks_for_an_id_if_it_needs_one,
    asks_for_second_order_gradients_if_it_takes_them,
)
