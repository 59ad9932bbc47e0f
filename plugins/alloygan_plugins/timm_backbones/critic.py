"""Critic on an image network of timm.

Shapes: B images, D pooled features φ(x), E embedding.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from alloygan import Condition, Conditioner, Critic, Critique, Site
from alloygan.errors import DataError, SpecError, nearest
from alloygan_plugins.timm_backbones.specs import TimmBackbone


class BackboneCritic(Critic):
    """ψ(φ(x)) + ⟨V y, φ(x)⟩ on pooled features, and a projection head with its proxies e(y).

    The backbone begins with the state `start`.
    """

    def __init__(
        self,
        backbone: nn.Module,
        width: int,
        condition: Conditioner,
        proxy: Conditioner,
        hidden: int,
        embedding: int,
        start: Mapping[str, Tensor],
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self._start = start
        self.score = nn.Linear(width, 1)
        self.condition = condition
        self.projection = nn.Sequential(nn.Linear(width, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, embedding))
        self.proxy = proxy

    def reset_parameters(self) -> None:
        """Give the backbone its start back, after its layers have been drawn anew one by one."""
        self.backbone.load_state_dict(self._start)

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        """(B, C, H, W) images and a condition to score (B,), l(x) (B, E) and e(y) (B, E)."""
        features = self.backbone(images)
        return Critique(
            score=self.score(features).squeeze(1) + (self.condition(condition) * features).sum(dim=1),
            image_embedding=self.projection(features),
            condition_embedding=self.proxy(condition),
        )


def build(spec: TimmBackbone, site: Site) -> BackboneCritic:
    """Build the critic. Raises SpecError for an unknown model or one that cannot take such images, DataError for
    weights that do not fit it.
    """
    if not timm.is_model(spec.model):
        raise SpecError(f"critic.model: timm {timm.__version__} has no model {spec.model!r}.{_near(spec.model)}")
    backbone, width = _fitted(spec.model, site)
    if spec.weights is None:
        # As the model's authors draw it: the constructor has done so from the run's seed.
        start = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    else:
        start = _read(spec.weights, backbone, spec.model)
    condition, proxy = spec.conditioner.build(site, width), spec.conditioner.build(site, spec.embedding)
    return BackboneCritic(backbone, width, condition, proxy, spec.projection_hidden, spec.embedding, start)


def _fitted(model: str, site: Site) -> tuple[nn.Module, int]:
    """A network for the site's images, and the number D of its features, which a trial tells.

    `num_features` is not always that number: some networks widen their features after pooling.
    """
    # Transformers are made for one image size, which most can be told; other networks do not know the word.
    attempts: list[dict[str, Any]] = [{}, {"img_size": site.size}]
    try:
        if timm.get_pretrained_cfg_value(model, "fixed_input_size"):
            attempts.reverse()
    except RuntimeError as error:
        raise SpecError(
            f"critic.model: {error} What follows the dot names weights to fetch, and nothing is fetched: leave it out."
        ) from None
    reasons = []
    for more in attempts:
        try:
            backbone = timm.create_model(model, pretrained=False, num_classes=0, in_chans=site.channels, **more)
            backbone.eval()
            with torch.no_grad():
                features = backbone(torch.zeros(2, *site.image_shape))
        except Exception as error:  # each of the many networks has its own way of refusing a size
            reasons.append(" ".join(str(error).split())[:120] or type(error).__name__)
            continue
        if not isinstance(features, Tensor) or features.dim() != 2 or len(features) != 2:
            reasons.append("it does not give one row of features for each image")
            continue
        _make_fit_for_critics(backbone)
        return backbone.train(), features.shape[1]
    shape = " × ".join(map(str, site.image_shape))
    raise SpecError(
        f"critic.model: timm's {model!r} cannot judge images of {shape} (channels, height, width in px): "
        f"{'; '.join(dict.fromkeys(reasons))}. Choose another model, such as convnext_atto, test_convnext or "
        "vit_tiny_patch16_224, or other patches."
    )


def _make_fit_for_critics(backbone: nn.Module) -> None:
    """No random numbers of the network's own, which depend on the process; attention that has a second derivative."""
    for layer in backbone.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.p = 0.0
        for name, off in (("drop_prob", 0.0), ("fused_attn", False)):
            if isinstance(getattr(layer, name, None), (bool, float)):
                setattr(layer, name, off)


def _read(path: Path, backbone: nn.Module, model: str) -> dict[str, Tensor]:
    try:
        weights = load_file(path)
        backbone.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: cannot be loaded into timm's {model!r}: {reason}") from None
    return weights


def _near(name: str) -> str:
    # The whole list has over a thousand names; the ones most alike are enough to choose from.
    alike = get_close_matches(name, timm.list_models(), n=10, cutoff=0.5) or timm.list_models("resnet1*")
    return nearest(name, alike, noun="Some")
