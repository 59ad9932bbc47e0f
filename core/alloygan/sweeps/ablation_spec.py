"""What an ablation file adds to a spec: named levels of overrides, seeds, and what they are compared with."""

from collections import Counter
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from alloygan.specs.components import LauncherSpec
from alloygan.specs.from_registry import From
from alloygan.specs.spec import Spec

_MOST_SEEDS = 10_000


def _counted(value: Any) -> Any:
    """`seeds: 3` is short for [0, 1, 2]."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= _MOST_SEEDS:
            raise ValueError(f"a number means so many seeds, 1 to {_MOST_SEEDS:,}; one seed of this value is [{value}]")
        return tuple(range(value))
    if not isinstance(value, list | tuple):
        raise ValueError("expected a number of seeds, or a list of them such as [0, 1, 2]")
    return value


Seed = Annotated[int, Field(ge=0, lt=2**31)]
Overrides = dict[str, Any]


class AblationSpec(Spec):
    """The part of an ablation file that is not the spec which is varied."""

    vary: dict[str, dict[str, Overrides]] = Field(
        default_factory=dict,
        description="Factors; each has named levels; a level is a mapping of dotted overrides such as "
        "`losses.contrastive: null`, and {} is the spec as it is. The grid is the product of all factors.",
    )
    product: bool = Field(True, description="Run the product of all factors; false runs what `cells` lists, alone.")
    cells: tuple[dict[str, Any], ...] = Field(
        (),
        description="Further cells that are no part of the product: levels by factor (`contrastive: without`), own "
        "overrides under `set`, and a `name`.",
    )
    exclude: tuple[dict[str, str], ...] = Field(
        (), description="Levels by factor; cells of the product that have all of them are left out."
    )
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_counted, json_schema_input_type=int | tuple[Seed, ...])] = (
        Field(
            (0, 1, 2),
            min_length=1,
            description="Each cell runs once for each seed; a number n means the seeds 0 to n − 1.",
        )
    )
    baseline: str | dict[str, str] | None = Field(
        None,
        description="The cell that the others are compared with: its name, or its levels by factor; by default the "
        "first one. Where it names some of the factors, each cell is compared with the one that has these levels and "
        "the cell's own of the other factors.",
    )
    launcher: Annotated[LauncherSpec, From("launcher")] = Field(
        "local",  # type: ignore[assignment]
        description="Where the runs are worked on.",
    )
    max_runs: int = Field(200, ge=1, description="More runs (cells times seeds) are refused before anything is done.")

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        doubled = [seed for seed, times in Counter(seeds).items() if times > 1]
        if doubled:
            raise ValueError(f"the seed {doubled[0]} stands twice; name each seed once")
        return seeds

    @field_validator("vary")
    @classmethod
    def _levels_there(cls, vary: dict[str, dict[str, Overrides]]) -> dict[str, dict[str, Overrides]]:
        for factor, levels in vary.items():
            if not levels:
                raise ValueError(f"the factor {factor!r} has no levels; give it two or more")
            if factor in OF_A_CELL:
                raise ValueError(f"a factor cannot be called {factor!r}, which has a meaning in `cells`")
        return vary


OF_A_CELL = ("name", "set")
KEYS = tuple(AblationSpec.model_fields)
"""The top-level keys of an ablation file that are not keys of a spec."""
