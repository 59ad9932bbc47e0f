"""Planted bad samplers, augmenters and descriptors: the kit fails each by the rule that it breaks."""

from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from alloygan import (
    Augmenter,
    AugmenterSpec,
    Batch,
    Patches,
    Sampler,
    SamplerSpec,
    Site,
)
from alloygan.data.patches import to_unit_range
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan.specs.components import DescriptorSpec
from alloygan.testing.stand_in_data import (
    StandInDescriptor,
    StandInSampler,
)

from .planting import failures


class Drifts(StandInSampler):
    drawn = 0

    def draw(self, count: int, images_seen: int) -> Batch:
        self.drawn += count
        return super().draw(count, self.drawn)


class DrawsFromTorch(StandInSampler):
    def draw(self, count: int, images_seen: int) -> Batch:
        return super().draw(count, int(torch.randint(0, 12, ())))


class ForgetsHalf(StandInSampler):
    def draw(self, count: int, images_seen: int) -> Batch:
        index = torch.arange(count) % 6
        condition = self.patches.condition[index]
        return Batch(to_unit_range(self.patches.images[index]), condition, condition, torch.ones(count))


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (Drifts, {"draws_the_same_batch_at_the_same_moment", "trains_and_resumes"}),
        (DrawsFromTorch, {"draws_the_same_batch_at_the_same_moment"}),
        (ForgetsHalf, {"draws_all_patches"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_sampler_fails(sampler: type[StandInSampler], expected: set[str]) -> None:
    class Planted(SamplerSpec):
        """A sampler for the test of the kit."""

        kind: Literal["planted"] = "planted"

        def build(self, patches: Patches, site: Site, seed: int) -> Sampler:
            return sampler(patches)

    found = failures("sampler", Planted)
    assert expected <= set(found), found


class AddsNoiseOfItsOwn(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return images + 0.1 * torch.randn_like(images) if real else images


class FlipsInPlace(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return images.mul_(-1) if real else images


class Quantises(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return images.round() if real else images


class ActsOnAll(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        return -images


class ChoosesOnTheHost(Augmenter):
    def __call__(self, images: Tensor, *, real: bool, random: torch.Generator) -> Tensor:
        flip = torch.rand((), generator=random, device=images.device) < 0.5
        return images.flip(3) if real and flip else images


@pytest.mark.parametrize(
    ("augmenter", "expected"),
    [
        (AddsNoiseOfItsOwn, {"draws_from_what_it_is_handed"}),
        (FlipsInPlace, {"leaves_its_input_alone"}),
        (Quantises, {"is_differentiable"}),
        (ActsOnAll, {"leaves_generated_images_alone_if_it_says_so"}),
        (ChoosesOnTheHost, {"does_not_read_back_to_the_host"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_augmenter_fails(augmenter: type[Augmenter], expected: set[str]) -> None:
    class Planted(AugmenterSpec):
        """An augmenter for the test of the kit."""

        kind: Literal["planted"] = "planted"

        def build(self, site: Site) -> Augmenter:
            return augmenter()

    found = failures("augmenter", Planted)
    assert expected <= set(found), found


def test_a_bad_descriptor_fails() -> None:
    class MeanSize(Descriptor):
        def measure(self, specimens: Specimens) -> Measurement:
            area = specimens.masks.sum(axis=(1, 2)).astype(np.float64)
            return Measurement(np.where(area > 0, area, np.nan))

        def distance(self, one: Measurement, other: Measurement) -> float | None:
            return float(one.values.mean() - other.values.mean())

    class Planted(DescriptorSpec):
        """A descriptor for the test of the kit."""

        kind: Literal["planted"] = "planted"

        def build(self) -> Descriptor:
            return MeanSize()

    found = failures("descriptor", Planted)
    assert {"measures_images_with_nothing_in_them", "has_a_distance"} <= set(found), found


def planted(descriptor: type[Descriptor]) -> type[DescriptorSpec]:
    class Planted(DescriptorSpec):
        """A descriptor for the test of the kit."""

        kind: Literal["planted"] = "planted"

        def build(self) -> Descriptor:
            return descriptor()

    return Planted


class BelowGrey(StandInDescriptor):
    def measure(self, specimens: Specimens) -> Measurement:
        return Measurement(specimens.images.mean(axis=(1, 2, 3), dtype=np.float64) - 200)


class BelowGreyWithoutRatios(BelowGrey):
    ratio_scale = False


class DrawsOthers(StandInDescriptor):
    def redrawn(self, specimens: Specimens, weights: np.ndarray) -> list[Measurement]:
        return [Measurement(np.array([float(row.sum())])) for row in weights]


def test_values_below_zero_are_on_no_ratio_scale() -> None:
    found = failures("descriptor", planted(BelowGrey))
    assert "set ratio_scale = False" in found["has_percentages_only_on_a_ratio_scale"]
    assert failures("descriptor", planted(BelowGreyWithoutRatios)) == {}


def test_a_set_that_is_drawn_again_must_be_the_one_that_was_asked() -> None:
    assert set(failures("descriptor", planted(DrawsOthers))) == {"draws_a_set_again_as_it_measures_it"}
