"""What a file for `alloygan tune` adds to a spec: the fields to search, their ranges, and what is sought."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from alloygan.specs.components import LauncherSpec
from alloygan.specs.from_registry import From
from alloygan.specs.spec import Spec

Number = float | int


class ParameterSpec(Spec):
    """One hyperparameter: a range, or a list of choices."""

    fields: tuple[str, ...] = Field(
        (), description="The dotted fields that get the value; by default the one that the parameter is named after."
    )
    low: Number | None = Field(None, description="Smallest value. Two whole numbers make a whole-number range.")
    high: Number | None = Field(None, description="Largest value.")
    log: bool = Field(False, description="Search the logarithm of the value.")
    choices: tuple[Any, ...] | None = Field(None, min_length=2, description="The values to choose from.")

    @model_validator(mode="after")
    def _range_or_choices(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log:
                raise ValueError("give either low and high, or choices")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give low and high, or choices")
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g}) must be less than high ({self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError("a logarithm needs low above 0")
        return self


class SearchSpec(Spec):
    """The part of a file for `alloygan tune` that is not the spec which is varied."""

    objective: str = Field(
        "mean_deviation",
        description="The score that is optimised, by the name that `alloygan ablate` and summary.csv give it: "
        "mean_deviation (of all descriptors), two_point.distance, fidelity.accuracy, lite0_features.kid_lite0 …",
    )
    parameters: dict[str, ParameterSpec] | None = Field(
        None,
        min_length=1,
        description="Hyperparameters by dotted field or by name; by default those of the paper's appendix A.3: "
        "learning rate, clipping range, critic updates, slope of the leaky ReLU.",
    )
    trials: int = Field(40, ge=1, description="So many trainings in all, hopeless ones included.")
    random_trials: int = Field(
        10, ge=1, description="So many are drawn at random before the Gaussian process chooses the next ones."
    )
    looks: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.25, 0.5),
        description="Shares of the training after which a trial is measured, and ended if it is hopeless: worse than "
        "the median of the others at that share. [] for never.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the search.")
    launcher: Annotated[LauncherSpec, From("launcher")] = Field(
        "local",  # type: ignore[assignment]
        description="Where the trials are worked on.",
    )

    @model_validator(mode="after")
    def _looks_rise(self) -> Self:
        if list(self.looks) != sorted(set(self.looks)):
            raise ValueError("looks: shares of the training must rise")
        return self
