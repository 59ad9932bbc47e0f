"""The paper's critic, Table 2, and other ways for its score to take the condition.

Shapes: B images, E embedding, D features before the score. Kernels are 4 × 4 with stride 2 and padding 1; the first
convolution has no batch norm; no activation on the outputs.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from alloygan import Condition, Conditioner, Critic, Critique, Site
from alloygan_plugins.jain2024.specs import DcganContrastive


class ContrastiveCritic(Critic):
    """Convolutions with a score and a projection head on top.

    `condition_map` is what the score sees of the condition: a map before the last convolution or beside the image, or
    the vector (B, D) of an inner product; None where it sees nothing. `proxy` gives e(y); None where the map is e(y).
    """

    def __init__(
        self,
        spec: DcganContrastive,
        condition_map: Conditioner | None,
        proxy: Conditioner | None,
        channels: tuple[int, ...],
        site: Site,
    ) -> None:
        super().__init__()
        self.way = spec.condition
        self.condition_map = condition_map
        self.proxy = proxy
        self.positions = map_size(spec, site)
        inputs = (site.channels, *channels[:-1])
        appended_to = {"input": 0, "map": len(channels) - 1}.get(spec.condition)
        blocks: list[nn.Module] = []
        for number, (before, after) in enumerate(zip(inputs, channels, strict=True)):
            layers: list[nn.Module] = [nn.Conv2d(before + (number == appended_to), after, 4, stride=2, padding=1)]
            if number > 0 and spec.norm == "batch":
                layers.append(nn.BatchNorm2d(after))
            blocks.append(nn.Sequential(*layers, nn.LeakyReLU(spec.leaky_slope)))
        self.features = nn.Sequential(*blocks[:-1])
        self.last = blocks[-1]
        flat = flat_width(spec, channels, site)
        hidden = spec.projection_hidden or 16 * spec.width
        self.score = nn.Linear(flat, 1)
        self.score.table_name = "Linear(Output)"  # type: ignore[assignment]
        self.projection = nn.Sequential(
            nn.Linear(flat, hidden), nn.LeakyReLU(spec.leaky_slope), nn.Linear(hidden, spec.embedding)
        )
        self.projection[0].table_name = "Projection Layer I"  # type: ignore[assignment]
        self.projection[2].table_name = "Projection Layer II(Output)"  # type: ignore[assignment]
        if spec.norm == "spectral":
            for part in (self.features, self.last, self.score, self.condition_map):
                for layer in () if part is None else list(part.modules()):
                    if isinstance(layer, (nn.Conv2d, nn.Linear)):
                        spectral_norm(layer)

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        """(B, C, H, W) images and a condition to score (B,), l(x) (B, E) and e(y) (B, E)."""
        seen = None if self.condition_map is None else self.condition_map(condition)
        features = self.features(self._with_map(images, seen, "input"))
        flat = self.last(self._with_map(features, seen, "map")).flatten(1)
        score = self.score(flat).squeeze(1)
        if seen is not None and self.way == "projection":
            score = score + (seen * flat).sum(dim=1)
        return Critique(
            score=score,
            image_embedding=self.projection(flat),
            condition_embedding=seen if self.proxy is None else self.proxy(condition),
        )

    def _with_map(self, features: Tensor, seen: Tensor | None, here: str) -> Tensor:
        """Features (B, K, h, w) with the condition appended as channel K + 1, if this is the place for it."""
        if seen is None or self.way != here:
            return features
        return torch.cat([features, seen.reshape(len(seen), 1, *self.positions)], dim=1)

    def trunk_parameters(self) -> Iterator[nn.Parameter]:
        """Weights and biases of the convolutions and of the score."""
        for part in (self.features, self.last, self.score):
            for layer in part.modules():
                if isinstance(layer, (nn.Conv2d, nn.Linear)):
                    yield from layer.parameters()  # with those behind a spectral norm


def map_size(spec: DcganContrastive, site: Site) -> tuple[int, int]:
    """Height and width of the condition map: of the image, or of the last but one feature map."""
    return site.size if spec.condition == "input" else spec.positions(site.image_shape)


def flat_width(spec: DcganContrastive, channels: tuple[int, ...], site: Site) -> int:
    """Number D of features before the score."""
    height, width = spec.positions(site.image_shape)
    return channels[-1] * (height // 2) * (width // 2)


def paper_channels(width: int, stages: int) -> tuple[int, ...]:
    """Output channels of the convolutions: w, w, 2w, 4w, 2w at five stages."""
    rising = [1, *(min(8, 2**i) for i in range(stages - 2))]
    return tuple(width * factor for factor in [*rising, max(1, rising[-1] // 2)])


def build(spec: DcganContrastive, site: Site) -> ContrastiveCritic:
    """Build the critic of a spec for the site's image shape."""
    channels = spec.channels or paper_channels(spec.width, spec.stages(site.image_shape))
    height, width = map_size(spec, site)
    seen = flat_width(spec, channels, site) if spec.condition == "projection" else height * width
    condition_map = None if spec.condition == "none" else spec.conditioner.build(site, seen)
    fits = spec.condition == "map" and seen == spec.embedding
    shared = spec.proxy == "shared" or (spec.proxy is None and fits)
    proxy = None if shared else spec.conditioner.build(site, spec.embedding)
    return ContrastiveCritic(spec, condition_map, proxy, channels, site)
