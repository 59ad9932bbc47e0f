"""The critic on timm networks: by name, any channels, local weights only."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from alloygan import Condition, Site, Zoo
from alloygan.cli import main
from alloygan.errors import AlloyganError, SpecError
from alloygan.layers.initialisation import build_seeded

SITE = Site((3, 32, 48), 1, 2)


@pytest.mark.parametrize("model", ["resnet10t", "efficientnet_lite0"])
def test_any_model_by_name(zoo: Zoo, model: str) -> None:
    critic = zoo.spec_from_values({"kind": "timm_backbone", "model": model, "embedding": 7}, "critic").build(SITE)
    critique = critic(torch.randn(2, 3, 32, 48), Condition(torch.zeros(2, 1), torch.tensor([0, 1])))
    assert critique.score.shape == (2,)
    assert critique.image_embedding.shape == critique.condition_embedding.shape == (2, 7)


@pytest.mark.parametrize("model", ["hf_hub:timm/resnet18", "hf-hub:x/y", "local-dir:weights", "timm/resnet18"])
def test_names_that_would_fetch_are_refused(zoo: Zoo, model: str) -> None:
    with pytest.raises(SpecError, match=r"fetch are refused.*safetensors"):
        zoo.spec_from_values({"kind": "timm_backbone", "model": model}, "critic")


@pytest.mark.parametrize("model", ["hf_hub:timm/resnet18", "https://x.org/model.safetensors"])
def test_they_are_refused_on_the_command_line_too(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["check", "zoo:timm-critic", "--set", f"critic.model={model}"])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "critic.model" in said
    assert "fetch are refused" in said


# Networks with a classifier's hidden layer (mobilenetv3), made for one size only (vit, swin), or neither.
FAMILIES = [
    "resnet10t",
    "convnext_atto",
    "efficientnet_lite0",
    "mobilenetv3_small_050",
    "vit_tiny_patch16_224",
    "swin_tiny_patch4_window7_224",
    "levit_128s",
]
WITHOUT_SECOND_DERIVATIVE = {"mobilenetv3_small_050", "levit_128s"}  # hardsigmoid and hardswish have none in torch
GREY = Site((1, 64, 64), 1, 2)
CONDITION = Condition(torch.zeros(3, 1), torch.tensor([0, 1, 0]))


def backbone(zoo: Zoo, model: str, site: Site = GREY, seed: int = 0) -> torch.nn.Module:
    spec = zoo.spec_from_values({"kind": "timm_backbone", "model": model, "embedding": 7}, "critic")
    built = build_seeded(seed, "critic", lambda: spec.build(site))
    assert isinstance(built, torch.nn.Module)
    return built


@pytest.mark.parametrize("model", FAMILIES)
def test_families_of_networks_judge_and_learn(zoo: Zoo, model: str) -> None:
    critic = backbone(zoo, model)
    images = torch.rand(3, 1, 64, 64, requires_grad=True)
    before = torch.get_rng_state()
    critique = critic(images, CONDITION)
    assert torch.equal(torch.get_rng_state(), before)  # no dropout: a resumed run could not repeat it
    assert critique.score.shape == (3,)
    assert critique.image_embedding.shape == critique.condition_embedding.shape == (3, 7)
    penalised = model not in WITHOUT_SECOND_DERIVATIVE
    (gradient,) = torch.autograd.grad(critique.score.sum(), images, create_graph=penalised)
    assert bool(gradient.any())
    if penalised:
        gradient.square().sum().backward()  # type: ignore[no-untyped-call]
        assert any(p.grad is not None and bool(p.grad.any()) for p in critic.backbone.parameters())  # type: ignore[union-attr]


@pytest.mark.parametrize("model", ["resnet10t", "convnext_atto", "vit_tiny_patch16_224"])
def test_the_network_starts_as_its_authors_draw_it_and_from_the_seed(zoo: Zoo, model: str) -> None:
    one, again, other = (backbone(zoo, model, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], again[name]) for name in one)
    drawn = [name for name in one if name.startswith("backbone.") and not torch.equal(one[name], other[name])]
    assert drawn
    theirs = timm.create_model(model, num_classes=0, in_chans=1).state_dict()
    for name in drawn:
        if one[name].numel() > 1000 and "pos_embed" not in name:
            expected = theirs[name.removeprefix("backbone.")].std().item()
            assert one[name].std().item() == pytest.approx(expected, rel=0.15), name


@pytest.mark.parametrize("model", ["efficientformer_l1", "inception_v3"])
def test_a_network_that_cannot_take_the_size_says_so(zoo: Zoo, model: str) -> None:
    with pytest.raises(SpecError, match=f"{model}.*1 × 64 × 64.*Choose another model, such as convnext_atto"):
        backbone(zoo, model)


def test_a_tag_that_names_weights_to_fetch_is_told_off(zoo: Zoo) -> None:
    assert backbone(zoo, "resnet10t.c3_in1k").backbone is not None
    with pytest.raises(SpecError, match=r"bogus.*leave it out"):
        backbone(zoo, "resnet10t.bogus")


def test_an_unknown_name_has_a_near_one(zoo: Zoo) -> None:
    for wrong, near in (("resnet10x", "resnet10t"), ("rsnet18", "resnet18"), ("convnxt_atto", "convnext_atto")):
        spec = zoo.spec_from_values({"kind": "timm_backbone", "model": wrong}, "critic")
        with pytest.raises(SpecError, match=f"no model '{wrong}'. Did you mean '{near}'"):
            spec.build(SITE)


def test_weights_come_from_a_local_file(zoo: Zoo, tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = timm.create_model("resnet10t", num_classes=0, in_chans=3)
    save_file(source.state_dict(), tmp_path / "weights.safetensors")
    values = {"kind": "timm_backbone", "model": "resnet10t", "weights": str(tmp_path / "weights.safetensors")}
    critic = build_seeded(0, "critic", lambda: zoo.spec_from_values(values, "critic").build(SITE))
    for name, tensor in source.state_dict().items():
        assert torch.equal(critic.backbone.state_dict()[name], tensor), name
    (tmp_path / "weights.safetensors").write_bytes(b"no")
    with pytest.raises(AlloyganError, match="cannot be loaded"):
        zoo.spec_from_values(values, "critic").build(SITE)
