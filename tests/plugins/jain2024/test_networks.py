"""The networks against the paper's Tables 1 and 2, and in other sizes."""

import pytest
import torch

from alloygan import Condition, Site, Zoo
from alloygan.assembler import example_condition
from alloygan.errors import SpecError
from alloygan.layer_table import layer_rows
from alloygan.layers.initialisation import build_seeded

TABLE_1 = [
    ("Embedding", "8", "128"),
    ("Linear", "128", "8192"),
    ("Convolution Transpose I", "512 x (4 x 4)", "256 x (8 x 8)"),
    ("Batch Norm", "256 x (8 x 8)", "256 x (8 x 8)"),
    ("Convolution Transpose II", "256 x (8 x 8)", "128 x (16 x 16)"),
    ("Batch Norm", "128 x (16 x 16)", "128 x (16 x 16)"),
    ("Convolution Transpose III", "128 x (16 x 16)", "64 x (32 x 32)"),
    ("Batch Norm", "64 x (32 x 32)", "64 x (32 x 32)"),
    ("Self-attention", "64 x (32 x 32)", "64 x (32 x 32)"),
    ("Convolution Transpose IV", "64 x (32 x 32)", "64 x (64 x 64)"),
    ("Batch Norm", "64 x (64 x 64)", "64 x (64 x 64)"),
    ("Convolution Transpose V", "64 x (64 x 64)", "1 x (128 x 128)"),
    ("Batch Norm(Output)", "1 x (128 x 128)", "1 x (128 x 128)"),
]
TABLE_2 = [
    ("Embedding", "8", "64"),
    ("Convolution I", "1 x (128 x 128)", "64 x (64 x 64)"),
    ("Convolution II", "64 x (64 x 64)", "64 x (32 x 32)"),
    ("Batch Norm", "64 x (32 x 32)", "64 x (32 x 32)"),
    ("Convolution III", "64 x (32 x 32)", "128 x (16 x 16)"),
    ("Batch Norm", "128 x (16 x 16)", "128 x (16 x 16)"),
    ("Convolution IV", "128 x (16 x 16)", "256 x (8 x 8)"),
    ("Batch Norm", "256 x (8 x 8)", "256 x (8 x 8)"),
    ("Convolution V", "257 x (8 x 8)", "128 x (4 x 4)"),
    ("Batch Norm", "128 x (4 x 4)", "128 x (4 x 4)"),
    ("Linear(Output)", "2048", "1"),
    ("Projection Layer I", "2048", "1024"),
    ("Projection Layer II(Output)", "1024", "64"),
]
PAPER = Site(image_shape=(1, 128, 128), condition_width=2, condition_count=8)


def build(zoo: Zoo, sort: str, site: Site, **fields: object) -> torch.nn.Module:
    kind = {"generator": "dcgan_attention", "critic": "dcgan_contrastive"}[sort]
    spec = zoo.spec_from_values({"kind": kind, **fields}, sort)
    assert spec.size_problem(site.image_shape) is None
    built = spec.build(site)
    assert isinstance(built, torch.nn.Module)
    return built


def test_generator_is_table_1(zoo: Zoo) -> None:
    generator = build(zoo, "generator", PAPER)
    rows = layer_rows(generator, torch.zeros(2, 128), example_condition(PAPER, 2))
    assert [(row.layer, row.input, row.output) for row in rows] == TABLE_1
    # Every parameter is in a row, so that the total can be held against the paper's about 3.88 M.
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in generator.parameters()) == 3_883_604
    assert sum(row.multiply_adds for row in rows) == 253_756_416


def test_critic_is_table_2(zoo: Zoo) -> None:
    critic = build(zoo, "critic", PAPER)
    rows = layer_rows(critic, torch.zeros(2, 1, 128, 128), example_condition(PAPER, 2))
    assert [(row.layer, row.input, row.output) for row in rows] == TABLE_2
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in critic.parameters()) == 3_416_385


def test_kernels_slopes_and_activations_are_the_paper_s(zoo: Zoo) -> None:
    for sort in ("generator", "critic"):
        network = build(zoo, sort, PAPER)
        for layer in network.modules():
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)) and layer.kernel_size != (1, 1):
                assert (layer.kernel_size, layer.stride, layer.padding) == ((4, 4), (2, 2), (1, 1))
            if isinstance(layer, torch.nn.LeakyReLU):
                assert layer.negative_slope == 0.2
    generator = build(zoo, "generator", PAPER)
    assert isinstance(list(generator.modules())[-1], torch.nn.Tanh)


def test_the_condition_multiplies_the_noise(zoo: Zoo) -> None:
    """With zero noise the paper's generator cannot tell the classes apart; with `concat` it can."""
    site = Site((1, 32, 32), 1, 3)
    classes = Condition(torch.zeros(3, 1), torch.arange(3))
    for injection, alike in (("multiply", True), ("concat", False), ("film", False)):
        generator = build(zoo, "generator", site, width=8, noise=16, injection=injection).eval()
        images = generator(torch.zeros(3, 16), classes)
        assert torch.allclose(images[0], images[1]) is alike, injection


@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 32, 32), (3, 64, 64), (1, 64, 128), (5, 48, 32), (1, 96, 96)])
@pytest.mark.parametrize("conditioner", ["one_hot", "continuous_mlp"])
def test_other_sizes_channels_and_conditioners(zoo: Zoo, shape: tuple[int, int, int], conditioner: str) -> None:
    site = Site(shape, 3, 4)
    condition = Condition(torch.rand(2, 3), torch.tensor([0, 3]))
    generator = build(zoo, "generator", site, width=4, noise=6, conditioner=conditioner)
    critic = build(zoo, "critic", site, width=4, embedding=7, conditioner=conditioner)
    images = generator(torch.randn(2, 6), condition)
    assert images.shape == (2, *shape)
    assert images.abs().max() <= 1
    critique = critic(images, condition)
    assert critique.score.shape == (2,)
    assert critique.image_embedding.shape == critique.condition_embedding.shape == (2, 7)


def test_the_proxy_is_shared_where_the_map_has_room(zoo: Zoo) -> None:
    shared = build(zoo, "critic", PAPER)
    own = build(zoo, "critic", PAPER, proxy="own")
    condition = example_condition(PAPER, 2)
    images = torch.zeros(2, 1, 128, 128)
    assert torch.equal(shared(images, condition).condition_embedding, shared.condition_map(condition))  # type: ignore[operator]
    assert not torch.equal(own(images, condition).condition_embedding, own.condition_map(condition))  # type: ignore[operator]
    small = zoo.spec_from_values({"kind": "dcgan_contrastive", "proxy": "shared"}, "critic")
    assert "8 × 16 = 128 against 64" in small.size_problem((1, 64, 128))


@pytest.mark.parametrize(
    ("fields", "shape", "word"),
    [
        ({}, (1, 100, 100), "multiples of 16"),
        ({}, (1, 8, 8), "at least 16"),
        ({"attention_after": 3}, (1, 32, 32), "2 layers"),
        ({"channels": [8, 8, 8, 8, 8, 8]}, (1, 32, 32), "multiples of 64"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_in_words(
    zoo: Zoo, fields: dict[str, object], shape: tuple[int, int, int], word: str
) -> None:
    spec = zoo.spec_from_values({"kind": "dcgan_attention", **fields}, "generator")
    assert word in spec.size_problem(shape)


def test_trunk_leaves_batch_norm_projection_and_conditioner_alone(zoo: Zoo) -> None:
    critic = build(zoo, "critic", PAPER)
    trunk = {id(p) for p in critic.trunk_parameters()}  # type: ignore[operator]
    names = {name for name, p in critic.named_parameters() if id(p) in trunk}
    assert names == {
        *(f"features.{i}.0.{kind}" for i in range(4) for kind in ("weight", "bias")),
        "last.0.weight",
        "last.0.bias",
        "score.weight",
        "score.bias",
    }


WAYS = ["map", "input", "projection", "none"]


@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 32, 48)])
def test_the_score_takes_the_condition_in_the_way_asked_for(
    zoo: Zoo, way: str, norm: str, shape: tuple[int, int, int]
) -> None:
    critic = build(zoo, "critic", Site(shape, 1, 3), width=4, condition=way, norm=norm, proxy="own").eval()
    images = torch.rand(1, *shape).expand(3, *shape)
    critique = critic(images, Condition(torch.zeros(3, 1), torch.arange(3)))
    score, image_embedding = critique.score, critique.image_embedding
    assert torch.allclose(score[0], score[1], atol=1e-7) is (way == "none")
    # l(x) sees the condition where the convolutions do.
    assert torch.allclose(image_embedding[0], image_embedding[1], atol=1e-7) is (way in ("none", "projection"))
    assert not torch.allclose(critique.condition_embedding[0], critique.condition_embedding[1])


def test_projection_is_miyato_and_koyama_s_equation_8(zoo: Zoo) -> None:
    critic = build(zoo, "critic", PAPER, condition="projection").eval()
    condition, images = example_condition(PAPER, 2), torch.rand(2, 1, 128, 128)
    features = critic.last(critic.features(images)).flatten(1)  # type: ignore[operator]
    expected = critic.score(features)[:, 0] + (critic.condition_map(condition) * features).sum(dim=1)  # type: ignore[operator]
    assert torch.allclose(critic(images, condition).score, expected)


@pytest.mark.parametrize(
    ("way", "convolution", "input_size"),
    [("map", "Convolution V", "257 x (8 x 8)"), ("input", "Convolution I", "2 x (128 x 128)")],
)
def test_the_map_is_one_more_channel(zoo: Zoo, way: str, convolution: str, input_size: str) -> None:
    critic = build(zoo, "critic", PAPER, condition=way)
    rows = layer_rows(critic, torch.zeros(2, 1, 128, 128), example_condition(PAPER, 2))
    assert (convolution, input_size) in [(row.layer, row.input) for row in rows]


@pytest.mark.parametrize("way", WAYS)
def test_spectral_norm_is_on_the_whole_way_to_the_score_and_batch_norm_gone(zoo: Zoo, way: str) -> None:
    critic = build(zoo, "critic", Site((1, 32, 32), 1, 3), width=4, condition=way, norm="spectral")
    normalised = {name.split(".parametrizations")[0] for name, _ in critic.named_parameters() if "original" in name}
    seen = set() if way == "none" else {"condition_map.projection"}
    assert normalised == {"features.0.0", "features.1.0", "last.0", "score"} | seen
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in critic.modules())
    trunk = {id(p) for p in critic.trunk_parameters()}  # type: ignore[operator]
    names = {name for name, p in critic.named_parameters() if id(p) in trunk}
    assert {name.split(".parametrizations")[0].removesuffix(".bias") for name in names} == normalised - seen
    assert "last.0.parametrizations.weight.original" in names


def test_a_part_left_out_does_not_move_the_others_start(zoo: Zoo) -> None:
    site = Site((1, 32, 32), 1, 3)

    def start(**fields: object) -> dict[str, torch.Tensor]:
        return build_seeded(0, "critic", lambda: build(zoo, "critic", site, width=4, **fields)).state_dict()

    paper, other = start(proxy="own"), start(condition="none", norm="none")
    for name in ("features.0.0.weight", "features.1.0.weight", "score.weight", "proxy.projection.weight"):
        assert torch.equal(paper[name], other[name]), name


@pytest.mark.parametrize("way", ["input", "projection", "none"])
def test_without_the_map_of_table_2_nothing_can_be_shared(zoo: Zoo, way: str) -> None:
    with pytest.raises(SpecError, match="there is no map to share; use own"):
        zoo.spec_from_values({"kind": "dcgan_contrastive", "condition": way, "proxy": "shared"}, "critic")
    critic = build(zoo, "critic", PAPER, condition=way)
    assert critic.proxy is not None
