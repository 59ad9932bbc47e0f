"""Fourier features of a condition: what they are, what they depend on, and what they can learn."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from alloygan import Condition, Site, Zoo
from alloygan.testing import conformance_tests

test_the_conditioner_keeps_its_contract = conformance_tests("conditioner", "fourier_mlp")


def conditioner(zoo: Zoo, site: Site, width: int = 5, **fields: object) -> Any:
    spec: Any = zoo.spec_from_values({"kind": "fourier_mlp", **fields}, "conditioner")
    torch.manual_seed(0)
    return spec.build(site, width)


def condition(values: Tensor) -> Condition:
    return Condition(values, torch.full((len(values),), -1))


def test_it_is_a_perceptron_of_cosines_and_sines(zoo: Zoo) -> None:
    built = conditioner(zoo, Site((1, 16, 16), 2, 0), features=3, layers=0)
    values = torch.tensor([[0.2, 0.9], [1.4, -0.3]])
    given = []
    for row in values:
        angles = [2 * math.pi * float(row @ built.frequencies[:, k]) for k in range(3)]
        given.append([*map(math.cos, angles), *map(math.sin, angles)])
    linear = built.perceptron[0]
    expected = torch.tensor(given) @ linear.weight.T + linear.bias
    assert torch.allclose(built(condition(values)), expected, atol=1e-5)


def test_classes_go_on_as_they_are(zoo: Zoo) -> None:
    site = Site((1, 16, 16), 3, 4, classes=frozenset({0, 1}))
    built = conditioner(zoo, site, features=4, layers=0)
    assert built.frequencies.shape == (1, 4)
    weight: Tensor = built.perceptron[0].weight
    change = built(condition(torch.tensor([[1.0, 0.0, 0.3]]))) - built(condition(torch.tensor([[0.0, 1.0, 0.3]])))
    assert torch.allclose(change[0], weight[:, 8] - weight[:, 9], atol=1e-6)
    only_classes = conditioner(zoo, Site((1, 16, 16), 2, 2, classes=frozenset({0, 1})))
    assert only_classes(condition(torch.eye(2))).shape == (2, 5)


def test_frequencies_are_kept_with_the_weights_and_not_trained(zoo: Zoo) -> None:
    built = conditioner(zoo, Site((1, 16, 16), 1, 0), features=2000, sigma=3.0)
    assert "frequencies" in built.state_dict()
    assert "frequencies" not in dict(built.named_parameters())
    assert float(built.frequencies.std()) == pytest.approx(3.0, rel=0.1)


def test_fast_changes_are_learned_where_a_plain_perceptron_is_slow(zoo: Zoo) -> None:
    """The paper's claim, on three periods over the range."""
    values = torch.linspace(0, 1, 64)[:, None]
    target = torch.sin(2 * math.pi * 3 * values)

    def error(kind: str, **fields: object) -> float:
        spec: Any = zoo.spec_from_values({"kind": kind, "hidden": 64, "layers": 1, **fields}, "conditioner")
        torch.manual_seed(0)
        network: nn.Module = spec.build(Site((1, 16, 16), 1, 0), 1)
        optimizer = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(200):
            optimizer.zero_grad()
            loss = (network(condition(values)) - target).square().mean()
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    assert error("fourier_mlp", sigma=3.0) < 0.1 * error("continuous_mlp")
