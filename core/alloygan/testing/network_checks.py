"""Rules for everything that is a network: generators, critics and conditioners."""

import random
from dataclasses import replace

import numpy as np
import torch

from alloygan.interfaces.condition import Condition
from alloygan.testing.modules import (
    changed,
    copy_of_state,
    load,
    nudge,
    on_meta,
    require_finite,
    require_no_plain_tensors,
    sum_of_all,
)
from alloygan.testing.network import Network
from alloygan.testing.network_mode_checks import NETWORK_MODE_CHECKS
from alloygan.testing.randomness import global_random_left_alone
from alloygan.testing.subject import Subject
from alloygan.testing.synchronisation import readback_refused
from alloygan.testing.verdicts import ConformanceError, NotApplicable, require


def starts_from_its_seed(subject: Subject) -> None:
    """Initial parameters depend on (seed, path) alone, and building leaves the global random numbers alone."""
    with global_random_left_alone("building"):
        one = copy_of_state(Network.build(subject).module)
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        torch.manual_seed(1234)
        np.random.seed(1234)
        random.seed(1234)
        two = copy_of_state(Network.build(subject).module)
    finally:
        torch.set_rng_state(before[0])
        np.random.set_state(before[1])
        random.setstate(before[2])
    different = changed(one, two)
    require(
        not different,
        f"two builds from one seed differ in {', '.join(different)}; draw initial values with torch only",
    )
    if one:
        other = copy_of_state(Network.build(subject, seed=1).module)
        require(bool(changed(one, other)), "another seed gives the same initial parameters")


def leaves_global_random_numbers_alone(subject: Subject) -> None:
    """A forward in training mode draws nothing: noise is an input of the generator, and what dropout draws depends on
    the number of processes."""
    network = Network.build(subject)
    with global_random_left_alone("forward"):
        network(network.condition(4))


def keeps_its_tensors_in_buffers(subject: Subject) -> None:
    """A plain tensor attribute stays behind when the module moves to a GPU, and is in no checkpoint."""
    require_no_plain_tensors(Network.build(subject).module)


def makes_tensors_where_its_inputs_are(subject: Subject) -> None:
    """Nothing stays on the CPU when parameters and inputs are elsewhere (tried on the meta device)."""
    network = Network.build(subject)
    condition = network.condition(4).to("meta")
    inputs = network.inputs(4)
    network.module.to("meta")
    there = None if inputs is None else inputs.to("meta")
    on_meta("forward", lambda: network(condition, there))


def does_not_read_back_to_the_host(subject: Subject) -> None:
    """Forward and backward never make the host wait for the device."""
    network = Network.build(subject)
    condition, inputs = network.condition(4), network.inputs(4)
    with readback_refused("forward", on_device=True):
        outputs = network(condition, inputs)
    with readback_refused("backward", on_device=True):
        sum_of_all(outputs).backward()  # type: ignore[no-untyped-call]


def survives_a_state_round_trip(subject: Subject) -> None:
    """After loading its state, a fresh build from another seed gives the same outputs, bit for bit."""
    network = Network.build(subject)
    nudge(network.module)
    condition = network.condition(4)
    with torch.no_grad():
        network(condition)  # moves running statistics
    again = Network.build(subject, seed=1)
    load(again.module, network.module.state_dict())
    for part in (network, again):
        part.module.eval()
    with torch.no_grad():
        different = changed(dict(network(condition)), dict(again(condition)))
    require(
        not different,
        f"after a state_dict round trip {', '.join(different)} differ; keep all state in parameters and buffers",
    )


def gradients_reach_every_parameter(subject: Subject) -> None:
    """Every parameter takes part in some output, and the gradients are finite."""
    network = Network.build(subject)
    nudge(network.module)
    sum_of_all(network(network.condition(5))).backward()  # type: ignore[no-untyped-call]
    without = [name for name, p in network.module.named_parameters() if p.requires_grad and p.grad is None]
    require(not without, f"no gradient reaches {', '.join(without)}; remove what takes no part")
    gradients = {f"the gradient of {n}": p.grad for n, p in network.module.named_parameters() if p.grad is not None}
    require_finite(gradients, "in a batch of 5")


def uses_the_condition(subject: Subject) -> None:
    """With everything else alike, each of six conditions gives outputs of its own."""
    network = Network.build(subject)
    nudge(network.module)
    network.module.eval()
    inputs = network.inputs(1)
    alike = None if inputs is None else inputs.expand(6, *inputs.shape[1:]).contiguous()
    with torch.no_grad():
        outputs = network(network.condition(6), alike)
    flat = torch.cat([output.reshape(6, -1) for output in outputs.values()], dim=1)
    same = [f"{i} and {j}" for i in range(6) for j in range(i) if torch.allclose(flat[i], flat[j], rtol=0, atol=1e-7)]
    require(not same, f"the outputs do not change with the condition (conditions {', '.join(same)} of six)")


def asks_for_an_id_if_it_needs_one(subject: Subject) -> None:
    """A component that does not declare `label` in its needs works where conditions have no ids, and ignores them."""
    if subject.needs_label:
        raise NotApplicable("it declares that it needs ids")
    try:
        network = Network.build(subject, table=False)
        network.module.eval()
        with torch.no_grad():
            off_table = dict(network(network.condition(6)))
    except Exception as error:
        raise ConformanceError(
            f"fails where conditions have no table (label −1): {type(error).__name__}: {error}. If it needs an id, "
            'declare it: needs = frozenset({"label"}).'
        ) from error
    require_finite(off_table, "where conditions have no table")
    condition = network.condition(6)
    with torch.no_grad():
        with_ids = dict(network(replace(condition, label=torch.arange(6))))
    require(not changed(off_table, with_ids), 'looks at ids without "label" in its needs')


def stays_finite(subject: Subject) -> None:
    """For a batch of one, equal conditions, distinct ones, and values outside the bounds."""
    network = Network.build(subject)
    network.module.eval()
    distinct = network.condition(6)
    outside = Condition(distinct.values * 3 - 1, distinct.label)
    cases = {
        "for a batch of one": distinct[:1],
        "where all conditions are equal": distinct[torch.zeros(6, dtype=torch.int64)],
        "where all conditions are distinct": distinct,
        "where values lie outside the bounds": outside,
    }
    with torch.no_grad():
        for when, condition in cases.items():
            require_finite(network(condition), when)
        network.module.train()
        require_finite(network(distinct[:2]), "for a batch of two in training mode")


NETWORK_CHECKS = (
    starts_from_its_seed,
    leaves_global_random_numbers_alone,
    keeps_its_tensors_in_buffers,
    makes_tensors_where_its_inputs_are,
    does_not_read_back_to_the_host,
    survives_a_state_round_trip,
    gradients_reach_every_parameter,
    uses_the_condition,
    asks_for_an_id_if_it_needs_one,
    stays_finite,
    *NETWORK_MODE_CHECKS,
)
