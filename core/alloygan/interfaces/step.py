"""What a loss sees of one update: everything, frozen."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from alloygan.interfaces.batch import Batch
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critic, Critique

Judge = Callable[[Tensor, Condition], Critique]


class ExtraForward:
    """The critic, to be called again inside a loss; its running statistics stay as they were.

    Buffers (batch-norm statistics, power-iteration vectors) are replaced by copies for the call; parameters are the
    critic's own, so gradients reach them. `through` is what the loop does around each pass, such as lower precision.
    """

    def __init__(self, critic: Critic, through: Callable[[Judge], Judge] | None = None) -> None:
        self._critic = critic
        self._through = through

    @property
    def module(self) -> nn.Module:
        """The critic itself, for its parameters; do not call it."""
        return self._critic

    def __call__(self, images: Tensor, condition: Condition) -> Critique:
        """Judge images once more, with copies of the critic's buffers."""
        buffers = {name: buffer.clone() for name, buffer in self._critic.named_buffers()}

        def judge(images: Tensor, condition: Condition) -> Critique:
            return functional_call(self._critic, buffers, (images, condition))  # type: ignore[no-any-return]

        return (judge if self._through is None else self._through(judge))(images, condition)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One update. Images are as the critic saw them (augmented), in float32 (B, C, H, W).

    `images_seen` is a 0-d int64 tensor on the device; `random` is a generator on the device, fresh for this update.
    `share` is (i, n) where these are the i-th of n equal parts of the batch, which several processes share.
    """

    batch: Batch
    fake_images: Tensor
    fake: Critique
    critic: ExtraForward
    random: torch.Generator
    images_seen: Tensor
    share: tuple[int, int] = (0, 1)

    def uniform(self, *shape: int) -> Tensor:
        """Random numbers in [0, 1), of this shape for each image: (B, *shape).

        An image gets the same ones however many processes share the batch, which numbers drawn with `random` for the
        images that are here do not.
        """
        part, parts = self.share
        here = self.fake_images
        drawn = torch.rand(parts * len(here), *shape, generator=self.random, device=here.device, dtype=here.dtype)
        return drawn.tensor_split(parts)[part]

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
