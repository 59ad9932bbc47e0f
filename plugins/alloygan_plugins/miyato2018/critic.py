"""Projection critic with spectral normalisation.

Shapes: B images, D features φ(x) after flattening, E embedding.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from alloygan import Condition, Conditioner, Critic, Critique, Site
from alloygan_plugins.miyato2018.specs import Projection


class ProjectionCritic(Critic):
    """ψ(φ(x)) + ⟨V y, φ(x)⟩, and a projection head with its proxies e(y) for contrastive losses."""

    def __init__(
        self,
        spec: Projection,
        condition: Conditioner,
        proxy: Conditioner,
        channels: tuple[int, ...],
        width: int,
        site: Site,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((site.channels, *channels[:-1]), channels, strict=True):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(spec.leaky_slope)]
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.score = nn.Linear(width, 1)
        self.condition = condition
        if spec.spectral_norm:
            for part in (self.features, self.score, self.condition):
                for layer in part.modules():
                    if isinstance(layer, (nn.Conv2d, nn.Linear)):
                        spectral_norm(layer)
        self.projection = nn.Sequential(
            nn.Linear(width, spec.projection_hidden),
            nn.LeakyReLU(spec.leaky_slope),
            nn.Linear(spec.projection_hidden, spec.embedding),
        )
        self.proxy = proxy

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        """(B, C, H, W) images and a condition to score (B,), l(x) (B, E) and e(y) (B, E)."""
        features = self.features(images)
        projected = (self.condition(condition) * features).sum(dim=1)
        return Critique(
            score=self.score(features).squeeze(1) + projected,
            image_embedding=self.projection(features),
            condition_embedding=self.proxy(condition),
        )

    def trunk_parameters(self) -> Iterator[nn.Parameter]:
        """Weights on the way from image and condition to the score."""
        for part in (self.features, self.score, self.condition):
            yield from part.parameters()


def build(spec: Projection, site: Site) -> ProjectionCritic:
    """Build the critic of a spec for the site's image shape."""
    channels = spec.channels(site.image_shape)
    factor = 2 ** len(channels)
    width = channels[-1] * (site.size[0] // factor) * (site.size[1] // factor)
    condition, proxy = spec.conditioner.build(site, width), spec.conditioner.build(site, spec.embedding)
    return ProjectionCritic(spec, condition, proxy, channels, width, site)
