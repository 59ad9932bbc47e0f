"""The arithmetic of a training: IEEE float32, TF32, bfloat16 where it is safe, or float64 to check against."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from alloygan.errors import SpecError
from alloygan.interfaces.batch import Batch
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critique
from alloygan.specs.training import Precision


@dataclass(frozen=True)
class Arithmetic:
    """How networks compute on a device. What losses see is never less exact than float32."""

    precision: Precision
    device: torch.device

    @property
    def dtype(self) -> torch.dtype:
        """What weights, images and losses are in: float64 for fp64, else float32."""
        return torch.float64 if self.precision == "fp64" else torch.float32

    @property
    def tf32(self) -> bool:
        """Whether products of float32 matrices may be rounded to 10 bits of mantissa on the way in."""
        return self.precision == "tf32"

    @property
    def exact(self) -> bool:
        """Whether the same run gives the same bits: with IEEE float32 and float64."""
        return self.precision in ("fp32", "fp64")

    def check(self) -> None:
        """Raise SpecError where the device cannot compute so."""
        if not self.tf32:
            return
        if self.device.type != "cuda":
            raise SpecError("training.precision: tf32: torch finds no CUDA device here; use fp32 or bf16")
        if torch.cuda.get_device_capability(self.device) < (8, 0):
            name = torch.cuda.get_device_name(self.device)
            raise SpecError(f"training.precision: tf32: {name} has none (from compute capability 8.0 on); use fp32")

    def passes(self) -> AbstractContextManager[object]:
        """Around a pass through a network: products and convolutions in bfloat16 for bf16."""
        if self.precision == "bf16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    def batch(self, batch: Batch) -> Batch:
        """A batch in this arithmetic."""
        if self.dtype == torch.float32:
            return batch
        own, target = (self.condition(one) for one in (batch.own_condition, batch.target_condition))
        return Batch(batch.images.to(self.dtype), own, target, batch.weight.to(self.dtype))

    def condition(self, condition: Condition) -> Condition:
        """Conditions in this arithmetic."""
        return replace(condition, values=condition.values.to(self.dtype))

    def generate(self, generator: Callable[[Tensor, Condition], Tensor]) -> Callable[[Tensor, Condition], Tensor]:
        """The generator's pass; its images are what losses and the critic see."""

        def pass_(noise: Tensor, condition: Condition) -> Tensor:
            with self.passes():
                return generator(noise, condition).to(self.dtype)

        return pass_

    def judge(self, critic: Callable[[Tensor, Condition], Critique]) -> Callable[[Tensor, Condition], Critique]:
        """The critic's pass, or that of an extra forward."""

        def pass_(images: Tensor, condition: Condition) -> Critique:
            with self.passes():
                found = critic(images, condition)
            return in_dtype(found, self.dtype)

        return pass_


def in_dtype(critique: Critique, dtype: torch.dtype) -> Critique:
    """All outputs in one floating-point type."""
    return Critique(
        critique.score.to(dtype),
        None if critique.image_embedding is None else critique.image_embedding.to(dtype),
        None if critique.condition_embedding is None else critique.condition_embedding.to(dtype),
        {name: value.to(dtype) if value.is_floating_point() else value for name, value in critique.extras.items()},
    )
