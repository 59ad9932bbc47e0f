"""Projection critic: Miyato and Koyama, cGANs with projection discriminator, ICLR 2018, eq. (3).

Its conditioner is any registered kind, and spectral norm keeps vectors that an extra forward must not move.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from alloygan import Condition, Conditioner, ConditionerSpec, Critic, CriticSpec, Critique, Site, hookimpl
from alloygan.specs.from_registry import From


class Projection(CriticSpec):
    """Score ψ(φ(x)) + ⟨e(y), φ(x)⟩ on spectrally normalised convolutions (Miyato and Koyama 2018)."""

    kind: Literal["sn_projection"] = "sn_projection"
    conditioner: Annotated[ConditionerSpec, From("conditioner")] = Field(
        description="How the condition becomes the embedding e(y)."
    )
    width: int = Field(32, ge=1, description="Channels of the first convolution; each of the next has twice as many.")

    @property
    def gives(self) -> frozenset[str]:
        """φ(x) and e(y)."""
        return frozenset({"image_embedding", "condition_embedding"})

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """Three halvings must leave a pixel."""
        if min(shape[1:]) < 8:
            return f"images of {shape[1]} × {shape[2]} px are too small; the shorter side needs at least 8 px"
        return None

    def build(self, site: Site) -> Critic:
        """Build the critic for any image size."""
        return ProjectionCritic(site.channels, self.width, self.conditioner.build(site, 4 * self.width))


class ProjectionCritic(Critic):
    """φ is the sum over all positions of the last feature map."""

    def __init__(self, channels: int, width: int, conditioner: Conditioner) -> None:
        super().__init__()
        widths = (channels, width, 2 * width, 4 * width)
        self.convolutions = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1)) for before, after in pairwise(widths)
        )
        self.score = spectral_norm(nn.Linear(widths[-1], 1))
        self.conditioner = conditioner

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        """(B, C, H, W) images and a condition to score (B,), φ(x) (B, E) and e(y) (B, E)."""
        features = images
        for convolution in self.convolutions:
            features = F.leaky_relu(convolution(features), 0.2)
        embedding = features.sum(dim=(2, 3))
        projected = self.conditioner(condition)
        score = self.score(embedding).squeeze(1) + (embedding * projected).sum(dim=1)
        return Critique(score, embedding, projected)


@hookimpl
def alloygan_register_critics(register: Callable[[type], None]) -> None:
    """Register the critic."""
    register(Projection)
