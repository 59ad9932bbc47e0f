"""What a loss sees of one update: everything, frozen."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from alloygan.interfaces.batch import Batch
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critic, Critique


class ExtraForward:
    """The critic, to be called again inside a loss; its running statistics stay as they were.

    Buffers (batch-norm statistics, power-iteration vectors) are replaced by copies for the call; parameters are the
    critic's own, so gradients reach them.
    """

    def __init__(self, critic: Critic) -> None:
        self._critic = critic

    @property
    def module(self) -> nn.Module:
        """The critic itself, for its parameters; do not call it."""
        return self._critic

    def __call__(self, images: Tensor, condition: Condition) -> Critique:
        """Judge images once more, with copies of the critic's buffers."""
        buffers = {name: buffer.clone() for name, buffer in self._critic.named_buffers()}
        return functional_call(self._critic, buffers, (images, condition))  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One update. Images are as the critic saw them (augmented), in float32 (B, C, H, W).

    `images_seen` is a 0-d int64 tensor on the device; `random` is a generator on the device, fresh for this update.
    """

    batch: Batch
    fake_images: Tensor
    fake: Critique
    critic: ExtraForward
    random: torch.Generator
    images_seen: Tensor

    @property
    def real_images(self) -> Tensor:
        """The batch's real images, as the critic saw them."""
        return self.batch.images


@dataclass(frozen=True, kw_only=True)
class CriticStep(Step):
    """A critic update. Fake images carry no gradient to the generator; `real` was judged under `real_condition`."""

    real: Critique
    real_condition: Condition


@dataclass(frozen=True, kw_only=True)
class GeneratorStep(Step):
    """A generator update. Gradients pass through the critic to the fake images; the critic's parameters take none.

    `real` is there only if a loss of the spec needs `real_in_generator_step`.
    """

    real: Critique | None
    real_condition: Condition
