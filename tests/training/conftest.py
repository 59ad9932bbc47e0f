"""A data set and a spec small enough to train in a second."""

from collections.abc import Callable
from typing import Any

import pytest

from alloygan import Zoo
from alloygan.data.patches import Data
from alloygan.specs.gan import GanSpec

TINY: dict[str, Any] = {
    "name": "tiny",
    "data": {
        "kind": "spinodal",
        "composition": [0.4, 0.6],
        "time": [50, 200],
        "size": 32,
        "patch": 16,
        "runs": 2,
        "evaluation_runs": 1,
    },
    "generator": {"kind": "dcgan_attention", "width": 4, "noise": 6},
    "critic": {"kind": "dcgan_contrastive", "width": 4, "embedding": 8, "projection_hidden": 16},
    "losses": {"adversarial": {"kind": "wgan"}, "contrastive": {"kind": "contragan_2c"}},
    "training": {
        "images": 96,
        "batch_size": 4,
        "critic_updates": 2,
        "log_every": 16,
        "checkpoint_every": 32,
        "device": "cpu",
    },
}


@pytest.fixture(scope="session")
def tiny(zoo: Zoo) -> Callable[..., GanSpec]:
    """Make the tiny spec, with fields of `training` or whole sections replaced."""

    def make(training: dict[str, Any] | None = None, **sections: Any) -> GanSpec:
        values = TINY | sections | {"training": TINY["training"] | (training or {})}
        spec = zoo.spec_from_values(values)
        assert isinstance(spec, GanSpec)
        return spec

    return make


@pytest.fixture(scope="session")
def tiny_data(tiny: Callable[..., GanSpec]) -> Data:
    spec = tiny()
    return spec.data.build(spec.conditions)
