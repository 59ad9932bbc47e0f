"""Ablations that are only fields: each override of a shipped spec resolves, assembles, and trains two updates."""

from pathlib import Path

import pytest

from alloygan import Zoo, train
from alloygan.data.patches import Data
from alloygan.specs.gan import GanSpec

# A data set with eight conditions for the specs that name micrographs.
SIMULATED = ["data={kind: spinodal, composition: [0.35, 0.45, 0.55, 0.65], time: [5, 10]}", "conditions=null"]
SMALL = ["data.size=32", "data.patch=32", "data.stride=null", "data.runs=1", "data.evaluation_runs=1"]
SHORT = [
    "training.batch_size=8",
    "training.critic_updates=1",
    "training.images=16",
    "training.log_every=8",
    "training.device=cpu",
]
BASES = {
    "jain2024-small": [*SIMULATED, *SMALL, "training.epochs=null", *SHORT],
    "demo": ["data.time=[5]", *SMALL, *SHORT, "generator.channels=[16, 8, 4]", "critic.width=4"],
}
ONE_HOT = ["generator.conditioner=one_hot", "critic.conditioner=one_hot"]
MLP = ["generator.conditioner=continuous_mlp", "critic.conditioner=continuous_mlp"]
PAPER_CRITIC = "critic={{kind: dcgan_contrastive, width: 4, {}}}"
ABLATIONS = {
    "no contrastive term": ["losses.contrastive=null"],
    "no attention": ["generator.attention=false"],
    "attention": ["generator.attention=true"],
    "one-hot": ONE_HOT,
    "perceptron": MLP,
    "perceptron and eq. 1": [*MLP, "losses.contrastive={kind: proportional_2c}"],
    "multiply": ["generator.embedding=null", "generator.injection=multiply"],
    "concat": ["generator.injection=concat"],
    "film": ["generator.embedding=null", "generator.injection=film"],
    "spectral norm": [PAPER_CRITIC.format("norm: spectral")],
    "no norm": [PAPER_CRITIC.format("norm: none")],
    "condition at the input": [PAPER_CRITIC.format("condition: input")],
    "condition by projection": [PAPER_CRITIC.format("condition: projection, norm: spectral")],
    "condition by the contrastive term alone": [PAPER_CRITIC.format("condition: none")],
    "projection critic": ["critic={kind: projection, width: 4}"],
    "hinge": ["losses.adversarial=hinge"],
    "wgan": ["losses.adversarial=wgan"],
    "non-saturating": ["losses.adversarial=non_saturating"],
    "augmentation": ["training.augment={kind: diffaugment, first: flips}"],
}
SHIPPED = {
    "mirza2014": ["critic.width=4"],
    "contragan": ["critic.width=4"],
    "zhao2020": ["critic.width=4"],
    "timm-critic": [],
    "nsgan": ["critic.width=4"],
    "wgan-gp": ["critic.width=4"],
    "gan-r1": ["critic.width=4"],
    "acgan": ["critic.width=4"],
    "r3gan": ["critic.width=4"],
}


@pytest.fixture(scope="module")
def data(zoo: Zoo) -> dict[str, Data]:
    """The bases' data sets, simulated once."""
    found = {}
    for base, overrides in BASES.items():
        spec = zoo.read_spec(f"zoo:{base}", without_absent(zoo, base, overrides))
        found[base] = spec.data.build(spec.conditions)
    return found


def without_absent(zoo: Zoo, base: str, overrides: list[str]) -> list[str]:
    """Overrides without those that would remove what the base does not have, which is an error."""
    values = zoo.read_document(f"zoo:{base}").values
    absent = [
        f"{section}.{name}=null"
        for section, name in (("data", "stride"), ("training", "epochs"), ("generator", "embedding"))
        if name not in values[section]
    ]
    return [override for override in overrides if override not in absent]


def trains_two_updates(spec: GanSpec, data: Data, run: Path) -> None:
    folder = train(spec, run, data=data)
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 2
    assert (folder / "generator.safetensors").is_file()


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("ablation", ABLATIONS)
def test_an_override_resolves_and_trains(
    ablation: str, base: str, zoo: Zoo, data: dict[str, Data], tmp_path: Path
) -> None:
    overrides = without_absent(zoo, base, [*BASES[base], *ABLATIONS[ablation]])
    trains_two_updates(zoo.read_spec(f"zoo:{base}", overrides), data[base], tmp_path / "run")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_spec_trains(name: str, zoo: Zoo, data: dict[str, Data], tmp_path: Path) -> None:
    overrides = [*BASES["demo"][:-1], *SHIPPED[name]]
    trains_two_updates(zoo.read_spec(f"zoo:{name}", overrides), data["demo"], tmp_path / "run")
