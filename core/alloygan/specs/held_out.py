"""Conditions that are kept out of training: named, a band, a corner of the grid, or drawn at random."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from alloygan.specs.spec import Spec


def _level(value: Any) -> Any:
    """A number, or the name of a class; names may look like whole numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("expected a number, or the name of a class")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no value of a condition")
    return value


def _several(value: Any) -> Any:
    if isinstance(value, int):
        raise ValueError(f"expected fields, such as {{count: {value}, seed: 0}}")
    return value


Level = Annotated[int | float | str, BeforeValidator(_level)]


class BandSpec(Spec):
    """Neighbouring values of one column, all of whose conditions are held out: a gap to interpolate across."""

    column: str = Field(description="A continuous column.")
    width: int = Field(1, ge=1, description="Width of the band in grid nodes, which are the column's distinct values.")
    start: int | None = Field(
        None, ge=0, description="Number of the first node that is held out, from 0; by default the band is central."
    )


class RandomSpec(Spec):
    """Conditions drawn at random, of those that are not held out in another way."""

    count: int = Field(ge=1, description="So many conditions.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the draw.")
    interior: bool = Field(
        True,
        description="Draw only conditions that are at no end of a continuous column (among those of the same classes) "
        "and lie between others that are trained on when all are held out, so that none has to be extrapolated to.",
    )


class HeldOutSpec(Spec):
    """Conditions without training images; several ways add up."""

    conditions: tuple[dict[str, Level], ...] = Field(
        (),
        description="Conditions by column: {composition: 0.5, time: 300}. Columns that are not named are free: "
        "{exposure: 300} holds out all conditions with it.",
    )
    bands: tuple[BandSpec, ...] = Field(
        (),
        description="Neighbouring values of a column, with all their conditions: {column: time, width: 2}, in the "
        "middle, or from node `start` (counted from 0) on.",
    )
    corners: tuple[Annotated[dict[str, Literal["low", "high"]], Field(min_length=1)], ...] = Field(
        (),
        description="Corners of the grid, by the end of each column: {composition: high, time: low} holds out the "
        "condition at both ends. A column that is not named is free: of three columns, two hold out an edge. What is "
        "held out there has to be extrapolated to.",
    )
    random: Annotated[RandomSpec | None, BeforeValidator(_several)] = Field(
        None,
        description="Conditions drawn at random: {count: 4, seed: 0}; with `interior: false` also at the ends of "
        "columns.",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.conditions or self.bands or self.corners or self.random):
            raise ValueError("name conditions, bands, corners or random; to hold nothing out, leave held_out away")
        if any(not one for one in self.conditions):
            raise ValueError("conditions: {} would hold out everything; name a column")
        return self
