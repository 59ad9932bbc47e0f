"""A step over the images of all processes is a step like any other, and batch norm over them as exact as torch's."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from alloygan.errors import SpecError
from alloygan.interfaces.batch import Batch
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critique
from alloygan.interfaces.step import CriticStep
from alloygan.training import batch_statistics
from alloygan.training.batch_statistics import synchronise
from alloygan.training.processes import Processes
from alloygan.training.whole_batch import whole_critic_step


class Twins(Processes):
    """Two processes with the same part each, in one."""

    asked: int = 0

    def gather(self, mine: Tensor) -> Tensor:
        object.__setattr__(self, "asked", self.asked + 1)
        return torch.cat([mine, mine])


def part_of_a_step() -> CriticStep:
    condition = Condition(torch.rand(3, 1), torch.arange(3))
    batch = Batch(torch.rand(3, 1, 4, 4), condition, condition, torch.ones(3))
    critique = Critique(torch.rand(3), torch.rand(3, 2), torch.rand(3, 2), {})
    nothing: Any = None
    return CriticStep(
        batch=batch, fake_images=torch.rand(3, 1, 4, 4), real=critique, fake=critique, real_condition=condition,
        critic=nothing, random=torch.Generator(), images_seen=torch.zeros(()), share=(1, 2),
    )  # fmt: skip


def test_what_no_loss_looks_at_is_not_gathered() -> None:
    twins = Twins(0, 2)
    step = whole_critic_step(part_of_a_step(), twins)
    assert twins.asked == 0
    assert step.fake_images.shape == (6, 1, 4, 4)
    assert twins.asked == 1
    assert step.share == (0, 1)


def test_a_whole_step_can_be_copied_with_other_fields() -> None:
    step = whole_critic_step(part_of_a_step(), Twins(0, 2))
    negative = replace(step, fake=replace(step.fake, score=-step.fake.score))
    assert isinstance(negative, CriticStep)
    torch.testing.assert_close(negative.fake.score, -step.fake.score)
    torch.testing.assert_close(negative.real.score, step.real.score)
    torch.testing.assert_close(negative.batch.images, step.batch.images)
    inverted = replace(step.batch, images=-step.batch.images)
    torch.testing.assert_close(inverted.images, -step.batch.images)
    torch.testing.assert_close(inverted.target_condition.label, step.batch.target_condition.label)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_synchronised_batch_norm_is_as_exact_as_torch_s(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_statistics, "summed", lambda value: 2 * value)
    images = (torch.randn(8, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 3 + 40).to(dtype)
    plain, shared = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    synchronise(shared, Processes(0, 2))
    expected, found = plain(images), shared(images)
    assert found.dtype == expected.dtype
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(shared.running_mean, plain.running_mean)


class _Named(nn.BatchNorm2d):
    """Torch's batch norm under another name."""


class _WithActivation(nn.BatchNorm2d):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        return super().forward(input).relu()


def test_batch_norms_of_other_classes_are_synchronised_or_refused_by_name() -> None:
    both = Processes(0, 2)
    named = nn.Sequential(_Named(3))
    synchronise(named, both)
    assert type(named[0]).__name__ == "_Synchronised"
    with pytest.raises(SpecError, match=r"synchronise_batch_norm: 1 of Sequential is a _WithActivation"):
        synchronise(nn.Sequential(nn.Identity(), _WithActivation(3)), both)
    synchronise(nn.Sequential(_WithActivation(3)), Processes())
