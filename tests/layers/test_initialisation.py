"""Initial parameters depend on (seed, dotted path) alone."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from alloygan.interfaces.streams import seed_of, stream
from alloygan.layers.initialisation import build_seeded


def network(*, attention: bool) -> nn.Module:
    layers = {"first": nn.Linear(3, 4), "last": spectral_norm(nn.Linear(4, 5))}
    if attention:
        layers = {"extra": nn.Conv2d(1, 2, 3), **layers}
    return nn.ModuleDict(layers)


def test_a_further_layer_moves_no_other() -> None:
    one = build_seeded(0, "net", lambda: network(attention=False))
    other = build_seeded(0, "net", lambda: network(attention=True))
    for name, parameter in one.named_parameters():
        assert torch.equal(parameter, other.get_parameter(name)), name


def test_seed_and_path_matter() -> None:
    weights = {
        (seed, path): build_seeded(seed, path, lambda: nn.Linear(2, 2)).weight for seed in (0, 1) for path in ("a", "b")
    }
    assert len({tuple(weight.flatten().tolist()) for weight in weights.values()}) == 4


def test_the_global_state_stays_as_it_was() -> None:
    before = torch.random.get_rng_state()
    build_seeded(0, "net", lambda: network(attention=True))
    assert torch.equal(before, torch.random.get_rng_state())


def test_streams_are_stable_and_apart() -> None:
    # Frozen: another value here means that old seeds no longer give old results.
    assert seed_of(0, "sample", 0) == 6921715799247034306
    draws = {
        torch.randn(1, generator=stream(seed, name, images)).item()
        for seed in (0, 1)
        for name in ("a", "b")
        for images in (0, 1)
    }
    assert len(draws) == 8
