"""The component under test, and the whole spec it is put into."""

from dataclasses import dataclass
from typing import Any

from alloygan.assembler import Gan, assemble
from alloygan.data.condition_space import ConditionSpace
from alloygan.registry import Entry
from alloygan.sharing import needs_label
from alloygan.specs.components import ComponentSpec, CriticSpec
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.evaluation import EvaluationSpec
from alloygan.specs.gan import GanSpec
from alloygan.specs.training import TrainingSpec
from alloygan.specs.wiring import ASKED_OF_THE_LOOP
from alloygan.testing.stand_in_data import (
    StandInAugmenterSpec,
    StandInDatasetSpec,
    StandInDescriptorSpec,
    StandInSamplerSpec,
)
from alloygan.testing.stand_in_networks import (
    StandInCriticSpec,
    StandInGeneratorSpec,
    StandInLossSpec,
)
from alloygan.testing.verdicts import ConformanceError
from alloygan.zoo import Zoo

Shape = tuple[int, int, int]

# Smallest first: square, rectangular, colour; up to the paper's 128 × 128 for networks that start there.
SHAPES: tuple[Shape, ...] = (
    (1, 16, 16),
    (1, 32, 32),
    (1, 32, 64),
    (1, 48, 32),
    (3, 32, 32),
    (1, 64, 64),
    (1, 128, 128),
)
MOST_SHAPES = 5


@dataclass(frozen=True)
class Subject:
    """A component under test: the registry's singular name, its entry and spec, and the zoo it is registered in.

    `partner` is a critic to judge images for a loss; by default a stand-in that gives just what the loss needs.
    `columns` are the condition columns asked of a data set.
    """

    sort: str
    entry: Entry[Any]
    spec: ComponentSpec
    zoo: Zoo
    partner: CriticSpec | None = None
    columns: tuple[ColumnSpec, ...] = ()

    @property
    def kind(self) -> str:
        """The registered name."""
        return self.entry.kind

    @property
    def needs_label(self) -> bool:
        """Whether the component or a part of it needs ids."""
        return needs_label(self.spec)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Image shapes (C, H, W) that the component accepts, at most five. Raises ConformanceError if it takes none."""
        sized = self.partner if self.sort == "loss" else self.spec
        problem = getattr(sized, "size_problem", lambda shape: None)
        accepted = tuple(shape for shape in SHAPES if problem(shape) is None)[:MOST_SHAPES]
        if not accepted:
            tried = ", ".join(f"{c} × {h} × {w}" for c, h, w in SHAPES)
            raise ConformanceError(
                f"size_problem refuses every image shape that was tried: {tried}. Pass a `spec` that takes one of them."
            )
        return accepted

    @property
    def coloured(self) -> Shape | None:
        """The smallest image shape of three channels that the component accepts, if there is one.

        With one channel, memory with channels last is the same as with channels first.
        """
        sized = self.partner if self.sort == "loss" else self.spec
        problem = getattr(sized, "size_problem", lambda shape: None)
        return next((shape for _, h, w in SHAPES if problem(shape := (3, h, w)) is None), None)

    def compose(self, shape: Shape | None = None, *, table: bool = True, seed: int = 0, twice: bool = True) -> GanSpec:
        """A whole spec with this component in its place and stand-ins elsewhere.

        `table`: whether conditions have ids. `twice`: whether the stand-in critic can be differentiated twice.
        Trains two updates of 4 images each.
        """
        spec: Any = self.spec
        conditioner = {"conditioner": spec} if self.sort == "conditioner" else {}
        critic: CriticSpec | None = spec if self.sort == "critic" else self.partner
        if critic is None:
            outputs = (
                spec.needs - ASKED_OF_THE_LOOP - {"label"} if self.sort == "loss" else frozenset({"image_embedding"})
            )
            critic = StandInCriticSpec(outputs=outputs, twice=twice, **conditioner)
        return GanSpec(
            name="conformance",
            data=spec if self.sort == "dataset" else StandInDatasetSpec(shape=shape or self.shapes[0], table=table),
            conditions=self.columns if self.sort == "dataset" else (),
            generator=spec if self.sort == "generator" else StandInGeneratorSpec(**conditioner),
            critic=critic,
            losses={"subject": spec if self.sort == "loss" else StandInLossSpec()},
            training=TrainingSpec(
                images=8,
                batch_size=4,
                critic_updates=1,
                log_every=4,
                checkpoint_every=4,
                device="cpu",
                seed=seed,
                sampler=spec if self.sort == "sampler" else StandInSamplerSpec(),
                augment=spec if self.sort == "augmenter" else StandInAugmenterSpec(),
            ),
            evaluation=EvaluationSpec(
                descriptors=(spec if self.sort == "descriptor" else StandInDescriptorSpec(),),
                comparisons=(spec,) if self.sort == "comparison" else (),
            ),
        )

    def space(self, *, table: bool = True) -> ConditionSpace:
        """Six conditions over three columns, with ids or without."""
        return StandInDatasetSpec(table=table).condition_space(())

    def assemble(self, shape: Shape | None = None, *, table: bool = True, seed: int = 0, twice: bool = True) -> Gan:
        """The GAN of `compose`."""
        return assemble(self.compose(shape, table=table, seed=seed, twice=twice), self.space(table=table))
