"""The smallest data set, sampler, augmenter and descriptor that a component can be tested among; not registered."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import Field

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data, Patches, to_unit_range
from alloygan.interfaces.augmenter import Augmenter
from alloygan.interfaces.batch import Batch
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan.interfaces.sampler import Sampler
from alloygan.interfaces.streams import stream
from alloygan.specs.components import AugmenterSpec, DatasetSpec, DescriptorSpec, SamplerSpec
from alloygan.specs.condition_columns import ColumnSpec

if TYPE_CHECKING:
    from alloygan.interfaces.site import Site

# Two continuous columns, one of them on a log scale, together with a category.
COLUMNS = (
    ColumnSpec(name="temperature", unit="°C"),
    ColumnSpec(name="strain_rate", unit="1/s", scale="log"),
    ColumnSpec(name="atmosphere", scale="category"),
)
ROWS: tuple[dict[str, float | str], ...] = tuple(
    {"temperature": temperature, "strain_rate": strain_rate, "atmosphere": atmosphere}
    for temperature, strain_rate in ((900.0, 0.01), (1000.0, 0.1), (1100.0, 10.0))
    for atmosphere in ("air", "argon")
)


class StandInDatasetSpec(DatasetSpec):
    """Images of noise under six conditions of three columns."""

    kind: Literal["stand_in"] = "stand_in"
    shape: tuple[int, int, int] = Field((1, 16, 16), description="Channels, height and width in px.")
    table: bool = Field(True, description="Whether the conditions form a table with an id each.")

    @property
    def gives(self) -> frozenset[str]:
        """`label`, unless there is no table."""
        return frozenset({"label"}) if self.table else frozenset()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """As asked for."""
        return self.shape

    def columns(self, asked: Sequence[ColumnSpec]) -> tuple[ColumnSpec, ...]:
        """The three columns."""
        return COLUMNS

    def condition_space(self, asked: Sequence[ColumnSpec]) -> ConditionSpace:
        """Six conditions."""
        return ConditionSpace.from_rows(COLUMNS, ROWS, tabulate=self.table)

    def build(self, asked: Sequence[ColumnSpec]) -> Data:
        """Two images of each condition; those of evaluation are the same."""
        space = self.condition_space(asked)
        rows = [space.row(row) for row in ROWS] * 2
        images = torch.randint(0, 256, (len(rows), *self.shape), generator=stream(0, "stand-in images"))
        patches = Patches(images.to(torch.uint8), space.condition(rows), torch.arange(len(rows)))
        return Data(space, patches, patches)


class StandInSamplerSpec(SamplerSpec):
    """Patches one after another."""

    kind: Literal["stand_in"] = "stand_in"

    def build(self, patches: Patches, site: "Site", seed: int) -> Sampler:
        """Build the sampler."""
        return StandInSampler(patches)


class StandInSampler(Sampler):
    """The patches in their order, from the start again after the last."""

    def __init__(self, patches: Patches) -> None:
        self.patches = patches

    def draw(self, count: int, images_seen: int) -> Batch:
        """The next `count` patches."""
        index = torch.arange(images_seen, images_seen + count) % len(self.patches)
        condition = self.patches.condition[index]
        return Batch(to_unit_range(self.patches.images[index]), condition, condition, torch.ones(count))


class StandInAugmenterSpec(AugmenterSpec):
    """No augmentation."""

    kind: Literal["stand_in"] = "stand_in"

    def build(self, site: "Site") -> Augmenter:
        """Build the augmenter."""
        return StandInAugmenter()


class StandInAugmenter(Augmenter):
    """Leaves images as they are."""

    def __call__(self, images: torch.Tensor, *, real: bool, random: torch.Generator) -> torch.Tensor:
        """The images themselves."""
        return images


class StandInDescriptorSpec(DescriptorSpec):
    """The mean grey level."""

    kind: Literal["stand_in"] = "stand_in"

    def build(self) -> Descriptor:
        """Build the descriptor."""
        return StandInDescriptor()


class StandInDescriptor(Descriptor):
    """Mean grey level of each image."""

    def measure(self, specimens: Specimens) -> Measurement:
        """One value an image."""
        return Measurement(specimens.images.mean(axis=(1, 2, 3), dtype=np.float64))

    def distance(self, one: Measurement, other: Measurement) -> float | None:
        """Difference of the means."""
        return float(abs(one.values.mean() - other.values.mean()))
