"""The paper's critic, Table 2.

Shapes: B images, E embedding. Kernels are 4 × 4 with stride 2 and padding 1; the first convolution has no batch norm;
no activation on the outputs.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from alloygan import Condition, Conditioner, Critic, Critique, Site
from alloygan_plugins.jain2024.specs import DcganContrastive


class ContrastiveCritic(Critic):
    """Convolutions with the condition appended as a map before the last one; a score and a projection head on top."""

    def __init__(
        self,
        spec: DcganContrastive,
        condition_map: Conditioner,
        proxy: Conditioner | None,
        channels: tuple[int, ...],
        site: Site,
    ) -> None:
        super().__init__()
        self.condition_map = condition_map
        self.proxy = proxy
        self.positions = spec.positions(site.image_shape)
        inputs = (site.channels, *channels[:-1])
        blocks: list[nn.Module] = []
        for number, (before, after) in enumerate(zip(inputs, channels, strict=True)):
            last = number == len(channels) - 1
            layers: list[nn.Module] = [nn.Conv2d(before + last, after, 4, stride=2, padding=1)]
            if number > 0:
                layers.append(nn.BatchNorm2d(after))
            blocks.append(nn.Sequential(*layers, nn.LeakyReLU(spec.leaky_slope)))
        self.features = nn.Sequential(*blocks[:-1])
        self.last = blocks[-1]
        flat = channels[-1] * (self.positions[0] // 2) * (self.positions[1] // 2)
        hidden = spec.projection_hidden or 16 * spec.width
        self.score = nn.Linear(flat, 1)
        self.score.table_name = "Linear(Output)"  # type: ignore[assignment]
        self.projection = nn.Sequential(
            nn.Linear(flat, hidden), nn.LeakyReLU(spec.leaky_slope), nn.Linear(hidden, spec.embedding)
        )
        self.projection[0].table_name = "Projection Layer I"  # type: ignore[assignment]
        self.projection[2].table_name = "Projection Layer II(Output)"  # type: ignore[assignment]

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        """(B, C, H, W) images and a condition to score (B,), l(x) (B, E) and e(y) (B, E)."""
        appended = self.condition_map(condition)
        features = self.features(images)
        condition_map = appended.unflatten(1, (1, *self.positions))
        flat = self.last(torch.cat([features, condition_map], dim=1)).flatten(1)
        return Critique(
            score=self.score(flat).squeeze(1),
            image_embedding=self.projection(flat),
            condition_embedding=appended if self.proxy is None else self.proxy(condition),
        )

    def trunk_parameters(self) -> Iterator[nn.Parameter]:
        """Weights and biases of the convolutions and of the score."""
        for part in (self.features, self.last, self.score):
            for layer in part.modules():
                if isinstance(layer, (nn.Conv2d, nn.Linear)):
                    yield from layer.parameters(recurse=False)


def paper_channels(width: int, stages: int) -> tuple[int, ...]:
    """Output channels of the convolutions: w, w, 2w, 4w, 2w at five stages."""
    rising = [1, *(min(8, 2**i) for i in range(stages - 2))]
    return tuple(width * factor for factor in [*rising, max(1, rising[-1] // 2)])


def build(spec: DcganContrastive, site: Site) -> ContrastiveCritic:
    """Build the critic of a spec for the site's image shape."""
    channels = spec.channels or paper_channels(spec.width, spec.stages(site.image_shape))
    height, width = spec.positions(site.image_shape)
    shared = spec.proxy == "shared" or (spec.proxy is None and height * width == spec.embedding)
    proxy = None if shared else spec.conditioner.build(site, spec.embedding)
    return ContrastiveCritic(spec, spec.conditioner.build(site, height * width), proxy, channels, site)
