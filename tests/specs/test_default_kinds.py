"""A field of a component that is there by default can be set without the component's name."""

import pytest

from alloygan import load_zoo
from alloygan.errors import SpecError

ZOO = load_zoo()


def test_a_field_of_a_default_component() -> None:
    spec = ZOO.read_spec("zoo:demo", ["training.optimizer=null", "training.optimizer.lr=1e-5"])
    assert (spec.training.optimizer.kind, spec.training.optimizer.lr) == ("rmsprop", 1e-5)
    spec = ZOO.read_spec("zoo:demo", ["training.augment=null", "training.augment.brightness=0.1"])
    assert spec.training.augment.model_dump()["kind"] == "flips"
    assert spec.training.augment.model_dump()["brightness"] == 0.1


def test_another_kind_than_the_default_one() -> None:
    spec = ZOO.read_spec("zoo:demo", ["training.optimizer={kind: adam, lr: 1e-5}"])
    assert spec.training.optimizer.kind == "adam"


def test_where_nothing_is_there_by_default_the_kind_is_asked_for() -> None:
    with pytest.raises(SpecError, match="needs a kind"):
        ZOO.read_spec("zoo:jain2024-simulated", ["training.critic_optimizer.lr=1e-5"])
