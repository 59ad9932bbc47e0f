"""Critic on an image network of timm.

Shapes: B images, D pooled features φ(x), E embedding.
"""

from collections.abc import Mapping
from pathlib import Path

import timm
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from alloygan import Condition, Conditioner, Critic, Critique, Site
from alloygan.errors import DataError, SpecError, nearest
from alloygan_plugins.timm_backbones.specs import TimmBackbone


class BackboneCritic(Critic):
    """ψ(φ(x)) + ⟨V y, φ(x)⟩ on pooled features, and a projection head with its proxies e(y)."""

    def __init__(
        self,
        backbone: nn.Module,
        width: int,
        condition: Conditioner,
        proxy: Conditioner,
        hidden: int,
        embedding: int,
        weights: Mapping[str, Tensor] | None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self._weights = weights
        self.score = nn.Linear(width, 1)
        self.condition = condition
        self.projection = nn.Sequential(nn.Linear(width, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, embedding))
        self.proxy = proxy

    def reset_parameters(self) -> None:
        """Start the backbone as the model's authors do, or from the given weights, after its layers have drawn."""
        if self._weights is not None:
            self.backbone.load_state_dict(self._weights)
        elif callable(initialise := getattr(self.backbone, "init_weights", None)):
            initialise()

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        """(B, C, H, W) images and a condition to score (B,), l(x) (B, E) and e(y) (B, E)."""
        features = self.backbone(images)
        return Critique(
            score=self.score(features).squeeze(1) + (self.condition(condition) * features).sum(dim=1),
            image_embedding=self.projection(features),
            condition_embedding=self.proxy(condition),
        )


def build(spec: TimmBackbone, site: Site) -> BackboneCritic:
    """Build the critic. Raises SpecError for an unknown model, DataError for weights that do not fit it."""
    if not timm.is_model(spec.model):
        raise SpecError(f"timm has no model {spec.model!r}.{_near(spec.model)}")
    backbone = timm.create_model(spec.model, pretrained=False, num_classes=0, in_chans=site.channels)
    weights = None if spec.weights is None else _read(spec.weights, backbone, spec.model)
    width = int(backbone.num_features)
    condition, proxy = spec.conditioner.build(site, width), spec.conditioner.build(site, spec.embedding)
    return BackboneCritic(backbone, width, condition, proxy, spec.projection_hidden, spec.embedding, weights)


def _read(path: Path, backbone: nn.Module, model: str) -> dict[str, Tensor]:
    try:
        weights = load_file(path)
        backbone.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: cannot be loaded into timm's {model!r}: {reason}") from None
    return weights


def _near(name: str) -> str:
    # The whole list has over a thousand names; those that begin alike are enough to choose from.
    alike = timm.list_models(f"{name[:4]}*")[:20] or timm.list_models("resnet1*")
    return nearest(name, alike, noun="Some")
