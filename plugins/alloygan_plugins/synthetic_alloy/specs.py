"""Spec of the synthetic alloy. Imports no torch."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from alloygan import DatasetSpec
from alloygan.errors import DataError, nearest
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.spec import SizePair
from alloygan_plugins.synthetic_alloy.law import STRAIN_RATES, TEMPERATURES

if TYPE_CHECKING:
    from alloygan import Data
    from alloygan.data.condition_space import ConditionSpace
    from alloygan.data.simulated import SimulatedMicrograph

Part = Literal["training", "evaluation"]
Node = dict[str, float]

COLUMNS = {
    "temperature": ColumnSpec(name="temperature", unit="°C"),
    "strain_rate": ColumnSpec(name="strain_rate", unit="1/s", scale="log"),
}


def _one_or_several(value: Any) -> Any:
    return (value,) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


Temperature = Annotated[float, Field(ge=TEMPERATURES[0], le=TEMPERATURES[1])]
StrainRate = Annotated[float, Field(ge=STRAIN_RATES[0], le=STRAIN_RATES[1])]
Length = Annotated[float, Field(gt=0, le=2)]  # coarser, the smallest grains are no more than a few px
Magnifications = Annotated[
    tuple[Length, ...], BeforeValidator(_one_or_several, json_schema_input_type=Length | tuple[Length, ...])
]


class SyntheticAlloy(DatasetSpec):
    """A stand-in for the alloy of Jain et al. with known truth: primary grains in a lamellar eutectic, compressed.

    Sizes, shapes and numbers of the grains, and the spacing and order of the lamellae, follow a documented law of
    temperature and strain rate; the law is made up. Grains are dark: use `evaluation: {phase: dark, smooth: 1}`.
    """

    kind: Literal["synthetic_alloy"] = "synthetic_alloy"
    temperature: tuple[Temperature, ...] = Field(
        (800.0, 900.0, 1000.0, 1100.0),
        min_length=1,
        description="Temperatures of the compression in °C, 600 to 1200. Of the paper's four, only 900 is named in it.",
    )
    strain_rate: tuple[StrainRate, ...] = Field(
        (0.001, 0.1), min_length=1, description="Strain rates of the compression in 1/s, 0.00001 to 10."
    )
    design: Literal["grid", "random"] = Field(
        "grid",
        description="grid: every combination of the values is a condition of the table; random: every micrograph has a "
        "condition of its own, drawn uniformly (strain rates on a log scale) between the smallest and largest values, "
        "and there is no table.",
    )
    training_micrographs: int = Field(
        3, ge=1, description="Training micrographs of a condition; in all for design: random."
    )
    evaluation_micrographs: int = Field(
        2, ge=0, description="Further micrographs of a condition for evaluation; 0: those of training."
    )
    size: SizePair = Field((512, 512), description="Micrograph in px, one number or [height, width].")
    um_per_px: Magnifications = Field(
        (0.5,),
        min_length=1,
        description="Side of a pixel in µm. Several: the micrographs of a condition take them in turn, as those of a "
        "real alloy come at several magnifications; they then have to go through `alloygan prepare`.",
    )
    patch: SizePair = Field((128, 128), description="Side of a patch in px, or [height, width].")
    stride: SizePair | None = Field(
        None,
        description="Distance of training patches in px, one number or [down, across]; by default half the patch.",
    )
    noise: float = Field(4.0, ge=0, le=64, description="Standard deviation of the noise of each pixel, in grey levels.")
    contrast_drift: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Uneven brightness: the contrast of a micrograph is up to this fraction higher or lower, and its "
        "brightness changes from side to side by up to this fraction of 128 grey levels, up or down.",
    )
    cracks: Annotated[int, Field(ge=0, le=100)] | Literal["law"] = Field(
        0, description="Cracks in each micrograph; law: as many as the law has, at random."
    )
    roughness: float = Field(
        0.1, ge=0, le=0.2, description="Largest amplitude of a lobe of a grain's outline, as a fraction of its radius."
    )
    compression: Literal["vertical", "horizontal"] = Field(
        "vertical", description="Direction of the compression in the image; grains are elongated perpendicular to it."
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the micrographs.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in COLUMNS:
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name}: a value stands twice")
        if min(self.size) < 16:
            raise ValueError("size: at least 16 px a side")
        if self.patch[0] > self.size[0] or self.patch[1] > self.size[1]:
            raise ValueError(f"patch: larger than the micrograph of {self.size[0]} × {self.size[1]} px; enlarge size")
        return self

    @property
    def gives(self) -> frozenset[str]:
        """`label` on a grid; random conditions form no table."""
        return frozenset({"label"}) if self.design == "grid" else frozenset()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """One channel, and the patch."""
        return (1, *self.patch)

    def columns(self, asked: Sequence[ColumnSpec]) -> tuple[ColumnSpec, ...]:
        """Those asked for, which must hold all that vary; by default those that vary."""
        varying = [name for name in COLUMNS if len(getattr(self, name)) > 1]
        if not asked:
            return tuple(COLUMNS[name] for name in varying or ["temperature"])
        for column in asked:
            if column.name not in COLUMNS:
                raise ValueError(f"the synthetic alloy has no {column.name!r}.{nearest(column.name, COLUMNS)}")
            if column.scale == "category":
                raise ValueError(f"{column.name}: a number; use scale: linear or log")
        missing = [name for name in varying if name not in {column.name for column in asked}]
        if missing:
            raise ValueError(f"{', '.join(missing)} varies in the data set and must be a condition too")
        return tuple(asked)

    def nodes(self, part: Part = "training") -> list[Node]:
        """The conditions: the grid, or one a micrograph of this part for a random design."""
        if self.design == "grid":
            return [dict(zip(COLUMNS, pair, strict=True)) for pair in product(self.temperature, self.strain_rate)]
        draw = Random(f"alloygan synthetic_alloy {self.seed} {part}")
        count = self.training_micrographs if part == "training" else self.evaluation_micrographs
        slowest, fastest = (math.log(pick(self.strain_rate)) for pick in (min, max))
        nodes = []
        for _ in range(count):
            temperature = draw.uniform(min(self.temperature), max(self.temperature))
            rate = math.exp(draw.uniform(slowest, fastest))
            # exp and log may leave the range by a rounding.
            rate = min(max(rate, min(self.strain_rate)), max(self.strain_rate))
            nodes.append({"temperature": temperature, "strain_rate": rate})
        return nodes

    def check_inputs(self, asked: Sequence[ColumnSpec]) -> None:
        """Refuse several magnifications, which patches of one scale cannot be cut from. Raises DataError."""
        if len(set(self.um_per_px)) > 1:
            raise DataError(
                "um_per_px: micrographs of several magnifications have to be brought to one scale before they are cut "
                "to patches: write them with `alloygan simulate`, prepare them with `alloygan prepare`, and use "
                "kind: micrographs; or give one um_per_px"
            )

    def condition_space(self, asked: Sequence[ColumnSpec]) -> "ConditionSpace":
        """Bounds and table from the nodes."""
        from alloygan.data.condition_space import ConditionSpace

        nodes = self.nodes()
        if self.design == "random":
            nodes = nodes + self.nodes("evaluation")
        return ConditionSpace.from_rows(self.columns(asked), nodes, tabulate=self.design == "grid")

    def micrographs(self, asked: Sequence[ColumnSpec]) -> "Iterator[SimulatedMicrograph]":
        """Draw one micrograph after another: those of training by condition, then those of evaluation.

        Raises DataError if the grains of one have no room.
        """
        from alloygan_plugins.synthetic_alloy.dataset import micrographs

        self.columns(asked)
        return micrographs(self)

    def build(self, asked: Sequence[ColumnSpec]) -> "Data":
        """Draw the micrographs and cut them to patches. Raises DataError as `check_inputs` and `micrographs`."""
        from alloygan_plugins.synthetic_alloy.dataset import build

        return build(self, asked)
