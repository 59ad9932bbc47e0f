"""A whole spec: what a user writes in a YAML file, resolved and frozen."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from alloygan.specs.components import CriticSpec, DatasetSpec, GeneratorSpec, LossSpec
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.evaluation import EvaluationSpec
from alloygan.specs.from_registry import From
from alloygan.specs.spec import Spec
from alloygan.specs.training import TrainingSpec

NOT_TRAINED_BY = ("name", "evaluation")
"""Parts of a spec that do not change what is trained."""


class GanSpec(Spec):
    """A conditional GAN, the data it learns from, and how it is trained and measured."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Name of the run, for tables and titles.")
    data: Annotated[DatasetSpec, From("dataset")] = Field(description="Where the real images come from.")
    conditions: tuple[ColumnSpec, ...] = Field(
        (), description="The condition columns; by default those that a simulated data set has."
    )
    generator: Annotated[GeneratorSpec, From("generator")] = Field(description="Noise and condition to images.")
    critic: Annotated[CriticSpec, From("critic")] = Field(description="Images and condition to a score.")
    losses: dict[str, Annotated[LossSpec, From("loss")]] = Field(
        min_length=1, description="The terms of the objective by name, so that an ablation can name a term."
    )
    training: TrainingSpec = Field(description="How it is trained.")
    evaluation: EvaluationSpec = Field(
        default_factory=dict,
        validate_default=True,
        description="How it is measured.",
    )

    @field_validator("losses")
    @classmethod
    def _plain_names(cls, losses: dict[str, LossSpec]) -> dict[str, LossSpec]:
        for name in losses:
            if not name.isidentifier():
                raise ValueError(f"{name!r}: name a term with letters, digits and _, so that overrides can reach it")
        return losses

    @model_validator(mode="after")
    def _columns_once(self) -> Self:
        names = [column.name for column in self.conditions]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"conditions: {', '.join(doubled)} stands twice")
        return self
