"""Planted bad specs: the kit fails each by the rule that it breaks."""

from typing import Any

import pytest
from pydantic import ConfigDict, Field

from alloygan import (
    LossSpec,
)
from alloygan.testing.stand_in_networks import (
    StandInLossSpec,
)

from .planting import failures


class UndescribedField(StandInLossSpec):
    """A field without a description."""

    strength: float = 1.0


class Inner(LossSpec):
    """Not registered; a part of another."""

    kind: str = "inner"
    strength: float = 1.0


class UndescribedInside(StandInLossSpec):
    """A part whose field has no description."""

    inner: tuple[Inner, ...] = Field((), description="Parts.")


class NullMeansOff(StandInLossSpec):
    """None is not the default of a field that allows it."""

    limit: float | None = Field(1.0, description="Limit; None for none.")


class Lossy(StandInLossSpec):
    """A field that is not written."""

    strength: float = Field(1.0, description="Strength.", exclude=True)


class Mutable(StandInLossSpec):
    """Not frozen."""

    model_config = ConfigDict(frozen=False, extra="allow")


class NeedsTheUnknown(StandInLossSpec):
    """Needs a name that nothing gives."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"image_embeding"})


class GivesAsALoss(StandInLossSpec):
    """Gives what only a critic gives."""

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({"image_embedding"})


@pytest.mark.parametrize(
    ("spec", "spec_values", "expected"),
    [
        (UndescribedField, {}, "describes_every_field"),
        (UndescribedInside, {}, "describes_every_field"),
        (NullMeansOff, {}, "takes_null_as_the_default"),
        (Lossy, {"strength": 2.0}, "survives_a_yaml_round_trip"),
        (Mutable, {}, "is_frozen_and_refuses_unknown_fields"),
        (NeedsTheUnknown, {}, "needs_and_gives_known_names"),
        (GivesAsALoss, {}, "needs_and_gives_known_names"),
    ],
)
def test_a_bad_spec_fails(spec: type[LossSpec], spec_values: dict[str, Any], expected: str) -> None:
    assert expected in failures("loss", spec, spec=spec_values)
