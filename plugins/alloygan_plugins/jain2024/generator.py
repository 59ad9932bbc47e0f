"""The paper's generator, Table 1.

Shapes: B images, Z noise, C channels. Kernels are 4 × 4 with stride 2 and padding 1; every batch norm is followed by a
leaky ReLU, the last one by tanh.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from alloygan import Condition, Conditioner, Generator, Site
from alloygan.layers.self_attention import SelfAttention2d
from alloygan_plugins.jain2024.conditioners import film
from alloygan_plugins.jain2024.specs import DcganAttention


class AttentionGenerator(Generator):
    """Noise and condition, a linear layer, transposed convolutions with self-attention after one of them."""

    def __init__(
        self,
        spec: DcganAttention,
        conditioner: Conditioner,
        embedding: int,
        channels: tuple[int, ...],
        site: Site,
    ) -> None:
        super().__init__()
        self.noise_width = spec.noise
        self.injection = spec.injection
        self.conditioner = conditioner
        stages = len(channels)
        self.start = (channels[0], site.size[0] // 2**stages, site.size[1] // 2**stages)
        width = spec.noise + (embedding if spec.injection == "concat" else 0)
        self.linear = nn.Linear(width, self.start[0] * self.start[1] * self.start[2])
        attention_after = spec.attention_after or max(1, stages - 2)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise(channels), start=1):
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(spec.leaky_slope),
            ]
            if spec.attention and number == attention_after:
                attention = SelfAttention2d(after, fused=True)
                attention.table_name = "Self-attention"  # type: ignore[assignment]
                layers.append(attention)
        layers.append(nn.ConvTranspose2d(channels[-1], site.channels, 4, stride=2, padding=1))
        if spec.output_norm:
            norm = nn.BatchNorm2d(site.channels)
            norm.table_name = "Batch Norm(Output)"  # type: ignore[assignment]
            layers.append(norm)
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.init_std = spec.init_std

    def reset_parameters(self) -> None:
        """Draw the convolutions' weights as the spec says, after each layer has drawn its own."""
        if self.init_std is not None:
            for layer in self.layers:
                if isinstance(layer, nn.ConvTranspose2d):
                    nn.init.normal_(layer.weight, std=self.init_std)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """(B, Z) noise and a condition to (B, C, H, W) in [−1, 1]."""
        embedding = self.conditioner(condition)
        if self.injection == "multiply":
            noise = noise * embedding
        elif self.injection == "concat":
            noise = torch.cat([noise, embedding], dim=1)
        else:
            noise = film(noise, embedding)
        return self.layers(self.linear(noise).unflatten(1, self.start))


def paper_channels(width: int, stages: int) -> tuple[int, ...]:
    """Input channels of the transposed convolutions: 8w, 4w, 2w, w, w at five stages.

    Counted from the output, so that a smaller image has the paper's channels at the paper's distance from the output.
    """
    return tuple(width * max(1, min(8, 2 ** (stages - 2 - i))) for i in range(stages))


def build(spec: DcganAttention, site: Site) -> AttentionGenerator:
    """Build the generator of a spec for the site's image shape."""
    channels = spec.channels or paper_channels(spec.width, spec.stages(site.image_shape))
    width = {
        "multiply": spec.noise,
        "concat": spec.embedding or spec.noise,
        "film": 2 * spec.noise,
    }[spec.injection]
    return AttentionGenerator(spec, spec.conditioner.build(site, width), width, channels, site)
