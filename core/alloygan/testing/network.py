"""A generator, a critic or a conditioner under test, built and called in the same way whichever it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from alloygan.assembler import site_of
from alloygan.data.condition_space import ConditionSpace
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.site import Site
from alloygan.interfaces.streams import stream
from alloygan.layers.initialisation import build_seeded
from alloygan.testing.stand_in_data import ROWS
from alloygan.testing.subject import Shape, Subject
from alloygan.testing.verdicts import require

WIDTH = 8


@dataclass(frozen=True)
class Network:
    """One build of a subject for an image shape and a condition space."""

    sort: str
    site: Site
    space: ConditionSpace
    module: nn.Module

    @classmethod
    def build(
        cls, subject: Subject, shape: Shape | None = None, *, table: bool = True, seed: int = 0, width: int = WIDTH
    ) -> "Network":
        """Build a subject on the CPU, in training mode; `width` is that of a conditioner's embedding."""
        space = subject.space(table=table)
        site = site_of(shape or subject.shapes[0], space)
        spec: Any = subject.spec
        module = build_seeded(
            seed,
            subject.sort,
            lambda: spec.build(site, width) if subject.sort == "conditioner" else spec.build(site),
        )
        return cls(subject.sort, site, space, module)

    def condition(self, count: int) -> Condition:
        """`count` conditions, the six in turn."""
        return self.space.condition([self.space.row(ROWS[i % len(ROWS)]) for i in range(count)])

    def inputs(self, count: int, *, scale: float = 1.0) -> Tensor | None:
        """What the network takes beside the condition, always alike: noise (B, Z), images (B, C, H, W), or nothing."""
        random = stream(0, "inputs")
        if self.sort == "generator":
            module: Any = self.module
            return scale * torch.randn(count, module.noise_width, generator=random)
        if self.sort == "critic":
            return scale * (2 * torch.rand(count, *self.site.image_shape, generator=random) - 1)
        return None

    def __call__(self, condition: Condition, inputs: Tensor | None = None) -> Mapping[str, Tensor]:
        """Outputs by name, for one image each along the first dimension."""
        inputs = self.inputs(len(condition)) if inputs is None else inputs
        if self.sort == "generator":
            return {"images": self.module(inputs, condition)}
        if self.sort == "critic":
            outputs: Mapping[str, Tensor] = self.module(inputs, condition).named()
            for name, output in outputs.items():
                require(
                    output.dim() >= 1 and len(output) == len(condition),
                    f"{name} has shape {tuple(output.shape)} for {len(condition)} images; the first dimension of every "
                    "output of a critic, extras too, is the batch",
                )
            return outputs
        return {"embedding": self.module(condition)}
