"""The projection critic and the hinge loss against their definitions."""

import pytest
import torch

from alloygan import Condition, Site, Zoo
from alloygan.layers.initialisation import build_seeded

SITE = Site((1, 16, 32), 2, 3)
CONDITION = Condition(torch.rand(4, 2), torch.tensor([0, 1, 2, 1]))


def critic(zoo: Zoo, **fields: object) -> torch.nn.Module:
    spec = zoo.spec_from_values({"kind": "projection", "width": 4, "embedding": 5, **fields}, "critic")
    built = build_seeded(0, "critic", lambda: spec.build(SITE))
    assert isinstance(built, torch.nn.Module)
    return built


def test_score_is_psi_of_phi_plus_the_projection(zoo: Zoo) -> None:
    network = critic(zoo).eval()
    images = torch.randn(4, 1, 16, 32)
    features = network.features(images)  # type: ignore[operator]
    expected = network.score(features)[:, 0] + (network.condition(CONDITION) * features).sum(1)  # type: ignore[operator]
    assert torch.allclose(network(images, CONDITION).score, expected)


def test_every_layer_on_the_way_to_the_score_has_spectral_norm_one(zoo: Zoo) -> None:
    network = critic(zoo, conditioner="one_hot").eval()
    for part in (network.features, network.score, network.condition):
        for layer in part.modules():  # type: ignore[union-attr]
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
                largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
                # Power iteration estimates from below, so the norm may exceed 1 a little.
                assert largest.item() == pytest.approx(1, abs=0.15)
    plain = critic(zoo, spectral_norm=False)
    assert not any("parametrizations" in name for name, _ in plain.named_parameters())


def test_normalised_layers_start_from_seed_and_path(zoo: Zoo) -> None:
    one, other = critic(zoo), critic(zoo, conditioner="continuous_mlp")
    name = "parametrizations.weight.original"
    assert torch.equal(one.features[0].get_parameter(name), other.features[0].get_parameter(name))  # type: ignore[index]


def test_initial_spread_of_a_normalised_conditioner_is_what_was_asked_for(zoo: Zoo) -> None:
    network = critic(zoo, conditioner={"kind": "one_hot", "init_std": 0.3})
    original = network.condition.projection.parametrizations.weight.original  # type: ignore[union-attr]
    assert original.std().item() == pytest.approx(0.3, rel=0.2)  # type: ignore[union-attr, operator]


def test_hinge(zoo: Zoo) -> None:
    from types import SimpleNamespace

    loss = zoo.spec_from_values({"kind": "hinge"}, "loss").build(SITE)
    step = SimpleNamespace(
        real=SimpleNamespace(score=torch.tensor([2.0, 0.5])), fake=SimpleNamespace(score=torch.tensor([-3.0, 0.0]))
    )
    assert loss.critic(step).objective["critic"].item() == pytest.approx(0.25 + 0.5)
    assert loss.generator(step).objective["generator"].item() == pytest.approx(1.5)
