"""A component that a test plants in the zoo, and the rules of the kit that it breaks."""

from typing import Any

from alloygan import (
    Zoo,
    load_zoo,
)
from alloygan.specs.components import ComponentSpec
from alloygan.testing import run_checks
from alloygan.testing.stand_in_networks import (
    StandInConditionerSpec,
)


def zoo_with(sort: str, *specs: type[ComponentSpec]) -> Zoo:
    zoo = load_zoo()
    for spec in specs:
        zoo.registries[sort].register(spec, origin="test:planted")
    if sort != "conditioner":
        zoo.registries["conditioner"].register(StandInConditionerSpec, origin="test:stand-in")
    return zoo


def failures(sort: str, planted: type[ComponentSpec], **arguments: Any) -> dict[str, str]:
    kind = planted.model_fields["kind"].default
    found = run_checks(sort, kind, zoo=zoo_with(sort, planted), **arguments)
    return {result.check: result.message for result in found if result.status == "failed"}
