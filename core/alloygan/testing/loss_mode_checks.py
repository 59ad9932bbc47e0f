"""Rules for losses in every way of computing: on a device, captured in a graph, shared by several processes."""

import warnings
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from alloygan.interfaces.batch import Batch
from alloygan.interfaces.critic import Critique
from alloygan.testing.modules import (
    changed,
    copy_of_state,
    in_float64,
    load,
    on_meta,
    with_channels_last,
)
from alloygan.testing.recorded_graphs import ReadsBackError, RecordedGraphs
from alloygan.testing.steps import MIXED, Bench, objective
from alloygan.testing.subject import Subject
from alloygan.testing.synchronisation import readback_refused
from alloygan.testing.verdicts import ConformanceError, NotApplicable, require

DISTINCT = (0, 1, 2, 3, 4, 5)


def does_not_read_back_to_the_host(subject: Subject) -> None:
    """No part of an update makes the host wait for the device."""
    bench = Bench.of(subject)
    for moment in (0, 1):
        batch = bench.batch(moment=moment)
        critic_step = bench.critic_step(batch, moment)
        with readback_refused("critic(step)", on_device=True):
            critic_terms = bench.loss.critic(critic_step)
        total = objective(critic_terms)
        if total is not None:
            with readback_refused("the backward of critic(step)", on_device=True):
                total.backward()  # type: ignore[no-untyped-call]
        with readback_refused("after_critic_update", on_device=True):
            bench.loss.after_critic_update(bench.gan.critic)
        bench.freeze(True)
        generator_step = bench.generator_step(batch, moment)
        with readback_refused("generator(step)", on_device=True):
            generator_terms = bench.loss.generator(generator_step)
        total = objective(generator_terms)
        if total is not None:
            with readback_refused("the backward of generator(step)", on_device=True):
                total.backward()  # type: ignore[no-untyped-call]
        bench.freeze(False)


def computes_the_same_when_captured(subject: Subject) -> None:
    """What changes from update to update is in tensors: an update recorded once and run again goes on alike
    (`training.cuda_graph`).
    """
    eager, captured = Bench.of(subject), Bench.of(subject)
    moments = range(3)
    # One update before, so that what a loss makes in its first is there, as in a training.
    said = [eager.update(moment) for moment in moments]
    captured.update(0)
    batch, at = captured.batch(moment=1), captured.at(1, len(MIXED))
    graphs = RecordedGraphs()
    randoms = (at.critic_random, at.generator_random)
    try:
        run, again = graphs.capture(lambda: captured.update_with(batch, at), randoms)
    except ReadsBackError:
        raise NotApplicable("it reads a value back to the host, as another rule says") from None
    for moment in moments[1:]:
        _write(batch, captured.batch(moment=moment))
        _write(at, captured.at(moment, len(MIXED)))
        run()
        different = changed(said[moment], {name: value.clone() for name, value in again.items()})
        require(
            not different,
            f"an update that is captured once and replayed has another {', '.join(different)}; a count or an average "
            "kept as a number of Python's stays as it was captured. Keep it in a buffer, changed in place",
        )


def computes_the_same_with_compiled_networks(subject: Subject) -> None:
    """A loss that takes gradients of gradients judges images anew for them (`training.compile`)."""
    if "second_order" not in subject.spec.needs:
        raise NotApplicable("it takes no gradients of gradients, which alone cannot go through a compiled network")
    eager, compiled = Bench.of(subject), Bench.of(subject)
    compiled.generate = torch.compile(compiled.gan.generator, backend="aot_eager", dynamic=False)
    compiled.judge = torch.compile(compiled.gan.critic, backend="aot_eager", dynamic=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's compiler looks at gradients, and warns itself of it
            found = compiled.update(0)
    except RuntimeError as error:
        if "double backward" not in str(error) and "create_graph" not in str(error):
            raise
        raise ConformanceError(
            "takes a gradient of a gradient through a pass of the step, which training.compile cannot have. Judge the "
            "images anew with step.critic"
        ) from error
    different = [name for name, value in eager.update(0).items() if not torch.allclose(found[name], value, rtol=1e-3)]
    require(not different, f"has another {', '.join(different)} with compiled networks")


def computes_the_same_with_channels_last(subject: Subject) -> None:
    """Images may have their channels last in memory (`training.channels_last`), and gradients with them."""
    shape = subject.coloured
    if shape is None:
        raise NotApplicable("the critic that it is tried with takes no image of several channels")
    first = Bench.of(subject, shape)
    last = Bench.of(subject, shape, memory_format=torch.channels_last)
    for moment in (0, 1):
        try:
            expected = first.update(moment)
        except Exception as error:
            raise NotApplicable(f"it takes no image of several channels: {type(error).__name__}: {error}") from error
        found = with_channels_last("an update", lambda moment=moment: last.update(moment))  # type: ignore[misc]
        different = [n for n, value in expected.items() if not torch.allclose(found[n], value, rtol=1e-3, atol=1e-5)]
        require(
            not different,
            f"has another {', '.join(different)} where images have their channels last in memory, as "
            "training.channels_last: true keeps them; go by dimensions, not by the order in memory (rand_like and "
            "uniform_ of an empty_like fill in that order)",
        )


def computes_in_float64(subject: Subject) -> None:
    """With weights and images in float64 all is computed in it (`training.precision: fp64`)."""
    bench = Bench.of(subject, dtype=torch.float64)
    for moment in (0, 1):
        in_float64("an update", lambda moment=moment: bench.update(moment))  # type: ignore[misc]
    batch = bench.batch(moment=2)
    for role, terms in (
        ("critic", in_float64("critic(step)", lambda: bench.loss.critic(bench.critic_step(batch, 2)))),
        ("generator", in_float64("generator(step)", lambda: bench.loss.generator(bench.generator_step(batch, 2)))),
    ):
        for name, value in terms.objective.items():
            require(
                value.dtype == torch.float64 or not value.requires_grad,
                f"{role}(step)'s term {name} is {value.dtype} where weights and images are float64, as with "
                "training.precision: fp64; leave .float() out, and make tensors with `dtype=` of an input",
            )


def is_a_mean_over_images_if_it_says_so(subject: Subject) -> None:
    """A loss whose spec says `over` is "images" has terms that are means over images, none looking at another."""
    spec: Any = subject.spec
    if spec.over != "images":
        raise NotApplicable("it does not say so, and is given the whole batch")
    for role in ("critic", "generator"):
        bench = Bench.of(subject)
        bench.update(0)
        bench.freeze(role == "generator")
        bench.gan.critic.eval()  # so that batch norm in it does not look at other images either
        batch = bench.batch(DISTINCT, moment=1)

        def step(bench: Bench = bench, batch: Batch = batch, role: str = role) -> Any:
            return bench.critic_step(batch, 1) if role == "critic" else bench.generator_step(batch, 1)

        state = copy_of_state(bench.loss)
        whole = getattr(bench.loss, role)(step()).objective
        parts = []
        for number, some in enumerate((slice(0, 3), slice(3, 6))):
            load(bench.loss, state)
            parts.append(getattr(bench.loss, role)(_part(step(), some, (number, 2))).objective)
        for name, value in whole.items():
            mean = (parts[0][name] + parts[1][name]) / 2
            require(
                torch.allclose(mean, value, rtol=1e-4, atol=1e-6),
                f"over: images, but {role}(step)'s term {name} of all images is no mean of those of two parts of them; "
                "where several processes share a batch each would train on something else. Leave `over` as it is",
            )


def makes_tensors_where_its_inputs_are(subject: Subject) -> None:
    """Nothing stays on the CPU when the step is elsewhere (tried on the meta device)."""
    bench = Bench.of(subject, device="meta")
    batch = bench.batch()
    critic_step = bench.critic_step(batch)
    on_meta("critic(step)", lambda: bench.loss.critic(critic_step))
    on_meta("after_critic_update", lambda: bench.loss.after_critic_update(bench.gan.critic))
    generator_step = bench.generator_step(batch)
    on_meta("generator(step)", lambda: bench.loss.generator(generator_step))


def _write(place: Any, value: Any) -> None:
    """Copy tensors into those of the same fields, and seeds into generators of random numbers."""
    for field in fields(place):
        mine, other = getattr(place, field.name), getattr(value, field.name)
        if isinstance(mine, Tensor):
            mine.copy_(other)
        elif isinstance(mine, torch.Generator):
            mine.set_state(other.get_state())
        elif is_dataclass(mine):
            _write(mine, other)


def _part(step: Any, some: slice, share: tuple[int, int]) -> Any:
    """A step over some of its images, as one of several processes has it."""
    critiques = {name: _of_critique(getattr(step, name), some) for name in ("real", "fake")}
    return replace(
        step,
        batch=step.batch.part(some),
        fake_images=step.fake_images[some],
        real_condition=step.real_condition[some],
        share=share,
        **critiques,
    )


def _of_critique(critique: Critique | None, some: slice) -> Critique | None:
    if critique is None:
        return None
    return Critique(
        critique.score[some],
        None if critique.image_embedding is None else critique.image_embedding[some],
        None if critique.condition_embedding is None else critique.condition_embedding[some],
        {name: extra[some] for name, extra in critique.extras.items()},
    )


LOSS_MODE_CHECKS = (
    does_not_read_back_to_the_host,
    computes_the_same_when_captured,
    computes_the_same_with_compiled_networks,
    computes_the_same_with_channels_last,
    computes_in_float64,
    is_a_mean_over_images_if_it_says_so,
    makes_tensors_where_its_inputs_are,
)
