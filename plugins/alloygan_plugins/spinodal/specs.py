"""Spec of the simulated data set. Imports no torch."""

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from alloygan import DatasetSpec
from alloygan.errors import DataError, nearest
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.spec import SizePair, SpecPath
from alloygan_plugins.spinodal.elasticity import MODULI, Moduli, moduli_problem

if TYPE_CHECKING:
    from alloygan import Data
    from alloygan.data.condition_space import ConditionSpace
    from alloygan.data.simulated import SimulatedMicrograph

Composition = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Node = dict[str, float]

COLUMNS = ("composition", "gradient_energy", "time", "misfit")


class Spinodal(DatasetSpec):
    """Spinodal decomposition of a binary alloy (Cahn-Hilliard) over composition, gradient energy, time and misfit.

    Grey levels are compositions, linearly over `grey_range`. Units are dimensionless: W = M = 1, and a simulated pixel
    has side 1.
    """

    kind: Literal["spinodal"] = "spinodal"
    composition: tuple[Composition, ...] = Field(
        (0.35, 0.5, 0.65),
        min_length=1,
        description="Mean compositions; a mixture separates between 0.211 and 0.789 (a misfit narrows that).",
    )
    gradient_energy: tuple[Positive, ...] = Field(
        (1.0,),
        min_length=1,
        description="Gradient energy coefficients κ; lengths grow with their square root.",
    )
    time: tuple[Positive, ...] = Field((100.0, 1000.0), min_length=1, description="Times of the snapshots.")
    misfit: tuple[NotNegative, ...] = Field(
        (0.0,),
        min_length=1,
        description="Coherent misfit strains for each unit of composition, in the scale of the moduli (strain times "
        "sqrt(C11 / W) for C11 = 1). With the default moduli nothing separates from 0.667 on.",
    )
    moduli: Moduli = Field(
        MODULI,
        description="C11, C12 and C44 of the cubic crystal, whose axes are those of the box, in units of W; they count "
        "only with a misfit. By default those of Mg2Si and Mg2Sn over C11: nearly isotropic.",
    )
    design: Literal["grid", "random"] = Field(
        "grid",
        description="grid: every combination of the values is a condition of the table; random: every run has a "
        "condition of its own, drawn uniformly between the smallest and largest values, and there is no table.",
    )
    runs: int = Field(16, ge=1, description="Training simulations a node; in all for design: random.")
    evaluation_runs: int = Field(
        4, ge=0, description="Further simulations a node for evaluation; 0: those of training."
    )
    size: SizePair = Field((128, 128), description="Simulated box in px, one number or [height, width]; periodic.")
    pool: int = Field(1, ge=1, description="So many simulated px along each side are averaged to one.")
    patch: SizePair | None = Field(
        None, description="Side of a patch in px after pooling, or [height, width]; by default the whole box."
    )
    stride: SizePair | None = Field(
        None,
        description="Distance of training patches in px after pooling, one number or [down, across]; patches wrap "
        "around the periodic box. By default the patch: no overlap.",
    )
    grey_range: tuple[float, float] = Field(
        (-0.1, 1.1), description="Compositions shown as grey level 0 and 255; phases pass 0 and 1 by a few hundredths."
    )
    noise: float = Field(0.02, ge=0, description="Standard deviation of the composition at time 0.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the simulations.")
    cache: SpecPath | None = Field(
        None,
        description="Folder that keeps the simulated compositions, so that none is computed twice; "
        "relative to the file that names it. By default nothing is kept.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in COLUMNS:
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name}: a value stands twice")
        problem = moduli_problem(self.moduli)
        if problem is not None:
            raise ValueError(f"moduli: {problem}")
        height, width = self.size
        if min(height, width) < 8:
            raise ValueError("size: at least 8 px a side")
        if not self.grey_range[0] < self.grey_range[1]:
            raise ValueError("grey_range: the first must be below the second")
        if height % self.pool or width % self.pool:
            raise ValueError(f"pool: {self.pool} does not divide the size {height} × {width}")
        if self.image_shape[1] > height // self.pool or self.image_shape[2] > width // self.pool:
            raise ValueError(
                f"patch: larger than the pooled box of {height // self.pool} × {width // self.pool} px; enlarge size"
            )
        return self

    @property
    def gives(self) -> frozenset[str]:
        """`label` on a grid; random conditions form no table."""
        return frozenset({"label"}) if self.design == "grid" else frozenset()

    @property
    def leaves_files(self) -> bool:
        """Where fields are cached."""
        return self.cache is not None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """One channel, and the patch."""
        if self.patch is not None:
            return (1, *self.patch)
        return (1, self.size[0] // self.pool, self.size[1] // self.pool)

    def columns(self, asked: Sequence[ColumnSpec]) -> tuple[ColumnSpec, ...]:
        """Those asked for, which must hold all that vary; by default those that vary, time on a log scale."""
        varying = [name for name in COLUMNS if len(getattr(self, name)) > 1]
        if not asked:
            names = varying or ["composition"]
            return tuple(ColumnSpec(name=name, scale="log" if name == "time" else "linear") for name in names)
        for column in asked:
            if column.name not in COLUMNS:
                raise ValueError(f"a spinodal simulation has no {column.name!r}.{nearest(column.name, COLUMNS)}")
            if column.scale == "category":
                raise ValueError(f"{column.name}: a number; use scale: linear or log")
        missing = [name for name in varying if name not in {column.name for column in asked}]
        if missing:
            raise ValueError(f"{', '.join(missing)} varies in the data set and must be a condition too")
        return tuple(asked)

    def nodes(self) -> list[Node]:
        """The conditions that are simulated: the grid, or one a run (training runs first) for a random design."""
        if self.design == "grid":
            return [dict(zip(COLUMNS, values, strict=True)) for values in product(*self._values())]
        # A stream of its own for the misfit, so that it does not move what the others draw.
        draw, draw_misfit = Random(self.seed), Random(f"misfit {self.seed}")
        streams = [draw_misfit if name == "misfit" else draw for name in COLUMNS]
        return [
            {
                name: stream.uniform(min(values), max(values))
                for name, stream, values in zip(COLUMNS, streams, self._values(), strict=True)
            }
            for _ in range(self.runs + self.evaluation_runs)
        ]

    def _values(self) -> Iterator[tuple[float, ...]]:
        return (getattr(self, name) for name in COLUMNS)

    def check_inputs(self, asked: Sequence[ColumnSpec]) -> None:
        """Raises DataError where the cache is not a folder."""
        if self.cache is not None and self.cache.exists() and not self.cache.is_dir():
            raise DataError(f"{self.cache}: not a folder; `cache` names a folder, which may not exist yet")

    def condition_space(self, asked: Sequence[ColumnSpec]) -> "ConditionSpace":
        """Bounds and table from the nodes."""
        from alloygan.data.condition_space import ConditionSpace

        return ConditionSpace.from_rows(self.columns(asked), self.nodes(), tabulate=self.design == "grid")

    def training_patches(self, asked: Sequence[ColumnSpec]) -> int:
        """Boxes times the patches that each gives."""
        each = 1
        for box, patch, stride in zip(self.size, self.image_shape[1:], self.stride or (None, None), strict=True):
            side = box // self.pool
            # With a stride, patches wrap around the box.
            each *= (side - patch) // patch + 1 if stride is None else (side - 1) // stride + 1
        boxes = self.runs * (len(self.nodes()) if self.design == "grid" else 1)
        return boxes * each

    def build(self, asked: Sequence[ColumnSpec]) -> "Data":
        """Simulate."""
        from alloygan_plugins.spinodal.dataset import build

        return build(self, asked)

    def micrographs(self, asked: Sequence[ColumnSpec]) -> Iterator["SimulatedMicrograph"]:
        """The simulated boxes, one by one."""
        from alloygan_plugins.spinodal.dataset import micrographs

        return micrographs(self, asked)
