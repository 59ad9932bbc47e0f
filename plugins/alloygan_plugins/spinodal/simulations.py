"""The simulations that a spec asks for, and their fields: computed in batches, or taken from the cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from alloygan.errors import DataError
from alloygan_plugins.spinodal.field_cache import FieldCache
from alloygan_plugins.spinodal.initial_fields import initial_composition
from alloygan_plugins.spinodal.solver import evolve, evolve_each, fields_at_a_time
from alloygan_plugins.spinodal.specs import Node, Spinodal


@dataclass(frozen=True)
class Simulation:
    """One simulation: its number in the data set, from which its noise is drawn, and its nodes in order of time."""

    number: int
    nodes: tuple[Node, ...]
    training: bool


def simulations(spec: Spinodal) -> list[Simulation]:
    """On a grid, each gives all times of its other parameters, and the runs of a node come together, training first.

    In a random design each has one time of its own.
    """
    if spec.design == "random":
        return [Simulation(i, (node,), i < spec.runs) for i, node in enumerate(spec.nodes())]
    runs, times = spec.runs + spec.evaluation_runs, sorted(spec.time)
    asked: list[Simulation] = []
    for c, kappa, misfit in product(spec.composition, spec.gradient_energy, spec.misfit):
        rest = {"composition": c, "gradient_energy": kappa, "misfit": misfit}
        nodes = tuple({**rest, "time": time} for time in times)
        asked += [Simulation(len(asked) + run, nodes, run < spec.runs) for run in range(runs)]
    return asked


def fields_of(spec: Spinodal) -> Iterator[tuple[list[Simulation], Tensor]]:
    """Batches of simulations with their composition (T, B, H, W) float32, in the order of `simulations`.

    A batch is what is computed together and what is cached, so fields from the cache are those that would be computed,
    to the last bit.
    """
    asked, at_a_time = simulations(spec), fields_at_a_time(spec.size)
    cache = None if spec.cache is None else FieldCache(spec.cache)
    for first in range(0, len(asked), at_a_time):
        batch = asked[first : first + at_a_time]
        if cache is None:
            yield batch, _computed(spec, batch)
            continue
        law = _law(spec, batch)
        fields = cache.read(law, (len(batch[0].nodes), len(batch), *spec.size))
        if fields is None:
            fields = _computed(spec, batch)
            cache.write(law, fields)
        yield batch, fields


def _law(spec: Spinodal, batch: list[Simulation]) -> dict[str, Any]:
    """All that decides the fields of a batch."""
    law: dict[str, Any] = {
        "size": list(spec.size),
        "seed": spec.seed,
        "noise": spec.noise,
        "simulations": [{"number": one.number, "nodes": list(one.nodes)} for one in batch],
    }
    if any(node["misfit"] for one in batch for node in one.nodes):
        law["moduli"] = list(spec.moduli)
    return law


def _computed(spec: Spinodal, batch: list[Simulation]) -> Tensor:
    def of_each(name: str) -> Tensor:
        return torch.tensor([one.nodes[0][name] for one in batch])

    start = initial_composition(
        of_each("composition"), spec.size, spec.seed, first_index=batch[0].number, noise=spec.noise
    )
    kappa, misfit = of_each("gradient_energy"), of_each("misfit")
    try:
        if spec.design == "random":
            times = [one.nodes[0]["time"] for one in batch]
            return evolve_each(start, kappa, times, misfit=misfit, moduli=spec.moduli)[None]
        times = [node["time"] for node in batch[0].nodes]
        return evolve(start, kappa, times, misfit=misfit, moduli=spec.moduli)
    except FloatingPointError:
        raise DataError(
            f"spinodal: a simulation left the range of numbers; a noise of {spec.noise:g} puts compositions too far "
            "outside [0, 1], lower it"
        ) from None
