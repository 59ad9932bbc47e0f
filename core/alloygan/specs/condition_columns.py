"""Columns of the condition space: the processing parameters that images are conditioned on."""

from typing import Literal, Self

from pydantic import Field, model_validator

from alloygan.specs.spec import Spec


class ColumnSpec(Spec):
    """One processing parameter. Continuous columns are scaled so that their bounds become 0 and 1."""

    name: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Column of the manifest or parameter of the simulation.",
    )
    unit: str = Field("", description="Unit of the values, for tables and figures, such as h or 1/s.")
    scale: Literal["linear", "log", "category"] = Field(
        "linear",
        description="How values are scaled: linearly, by their logarithm, or not at all (names of classes).",
    )
    levels: tuple[str, ...] | None = Field(
        None, description="Names of the classes, in order (category only); by default those found, sorted."
    )
    low: float | None = Field(None, description="Value that is scaled to 0; by default the smallest found.")
    high: float | None = Field(None, description="Value that is scaled to 1; by default the largest found.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.scale == "category":
            if self.low is not None or self.high is not None:
                raise ValueError("a category has levels, not low and high")
            if self.levels is not None and len(set(self.levels)) != len(self.levels):
                raise ValueError("levels: a name stands twice")
        elif self.levels is not None:
            raise ValueError(f"levels need scale: category, not {self.scale}")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError("low must be below high")
        if self.scale == "log" and any(bound is not None and bound <= 0 for bound in (self.low, self.high)):
            raise ValueError("scale: log needs bounds above 0")
        return self
