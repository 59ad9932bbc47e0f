"""The critic on timm networks: by name, any channels, local weights only."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from alloygan import Condition, Site, Zoo, load_zoo
from alloygan.errors import AlloyganError, SpecError

SITE = Site((3, 32, 48), 1, 2)


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return load_zoo()


@pytest.mark.parametrize("model", ["resnet10t", "efficientnet_lite0"])
def test_any_model_by_name(zoo: Zoo, model: str) -> None:
    critic = zoo.spec_from_values({"kind": "timm_backbone", "model": model, "embedding": 7}, "critic").build(SITE)
    critique = critic(torch.randn(2, 3, 32, 48), Condition(torch.zeros(2, 1), torch.tensor([0, 1])))
    assert critique.score.shape == (2,)
    assert critique.image_embedding.shape == critique.condition_embedding.shape == (2, 7)


@pytest.mark.parametrize("model", ["hf_hub:timm/resnet18", "hf-hub:x/y", "local-dir:weights", "timm/resnet18"])
def test_names_that_would_fetch_are_refused(zoo: Zoo, model: str) -> None:
    with pytest.raises(SpecError, match="fetch are refused"):
        zoo.spec_from_values({"kind": "timm_backbone", "model": model}, "critic")


def test_an_unknown_name_has_a_near_one(zoo: Zoo) -> None:
    spec = zoo.spec_from_values({"kind": "timm_backbone", "model": "resnet10x"}, "critic")
    with pytest.raises(SpecError, match="resnet10"):
        spec.build(SITE)


def test_weights_come_from_a_local_file(zoo: Zoo, tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = timm.create_model("resnet10t", num_classes=0, in_chans=3)
    save_file(source.state_dict(), tmp_path / "weights.safetensors")
    values = {"kind": "timm_backbone", "weights": str(tmp_path / "weights.safetensors")}
    from alloygan.layers.initialisation import build_seeded

    critic = build_seeded(0, "critic", lambda: zoo.spec_from_values(values, "critic").build(SITE))
    for name, tensor in source.state_dict().items():
        assert torch.equal(critic.backbone.state_dict()[name], tensor), name
    (tmp_path / "weights.safetensors").write_bytes(b"no")
    with pytest.raises(AlloyganError, match="cannot be loaded"):
        zoo.spec_from_values(values, "critic").build(SITE)
