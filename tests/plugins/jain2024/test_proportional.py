"""The loss of eq. (1) in a step: which images and conditions it takes, what is learned, and what is refused."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from alloygan import Condition, Zoo
from alloygan.errors import SpecError
from alloygan_plugins.jain2024.proportional import proportional_2c

COUNT, WIDTH = 6, 3


def points(seed: int, width: int = WIDTH) -> Tensor:
    return torch.randn(COUNT, width, generator=torch.Generator().manual_seed(seed))


def critique(seed: int) -> Any:
    return SimpleNamespace(image_embedding=points(seed), condition_embedding=points(seed + 1))


def condition(seed: int) -> Condition:
    return Condition(points(seed, 2).sigmoid(), torch.full((COUNT,), -1))


OWN, TARGET = condition(10), condition(20)
BATCH = SimpleNamespace(own_condition=OWN, target_condition=TARGET)
CRITIC_STEP: Any = SimpleNamespace(real=critique(1), fake=critique(3), batch=BATCH, real_condition=TARGET)
GENERATOR_STEP: Any = SimpleNamespace(real=critique(1), fake=critique(3), batch=BATCH, real_condition=TARGET)


def loss_of(zoo: Zoo, **fields: object) -> Any:
    spec: Any = zoo.spec_from_values({"kind": "proportional_2c", **fields}, "loss")
    return spec.build(None)


def test_fixed_distances_are_of_the_images_own_conditions(zoo: Zoo) -> None:
    """A vicinal sampler judges real images under conditions near theirs; how far they are apart stays as it is."""
    loss = loss_of(zoo, label_distance="fixed")
    of_real = loss.critic(CRITIC_STEP).objective["critic"]
    assert of_real == proportional_2c(CRITIC_STEP.real.image_embedding, OWN.values, distance="l2")
    of_fake = loss.generator(GENERATOR_STEP).objective["generator"]
    assert of_fake == proportional_2c(GENERATOR_STEP.fake.image_embedding, TARGET.values, distance="l2")


def test_learned_distances_are_of_the_critic_s_embeddings(zoo: Zoo) -> None:
    loss = loss_of(zoo)
    real, fake = CRITIC_STEP.real, GENERATOR_STEP.fake
    of_real = loss.critic(CRITIC_STEP).objective["critic"]
    assert of_real == proportional_2c(real.image_embedding, real.condition_embedding, distance="cosine")
    of_fake = loss.generator(GENERATOR_STEP).objective["generator"]
    assert of_fake == proportional_2c(fake.image_embedding, fake.condition_embedding, distance="cosine")


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("label_distance", ["fixed", "learned"])
def test_anchors_are_the_real_images_of_the_batch(zoo: Zoo, relative: bool, label_distance: str) -> None:
    loss = loss_of(zoo, label_distance=label_distance, anchored=True, relative=relative)
    assert "real_in_generator_step" in loss.spec.needs
    real, fake = GENERATOR_STEP.real, GENERATOR_STEP.fake
    fixed = label_distance == "fixed"
    expected = proportional_2c(
        fake.image_embedding,
        TARGET.values if fixed else fake.condition_embedding,
        distance="l2" if fixed else "cosine",
        relative=relative,
        anchors=(real.image_embedding, OWN.values if fixed else real.condition_embedding),
    )
    assert loss.generator(GENERATOR_STEP).objective["generator"] == expected
    alone = loss_of(zoo, label_distance=label_distance, relative=relative)
    assert loss.critic(CRITIC_STEP).objective == alone.critic(CRITIC_STEP).objective


def test_alpha_is_learned_with_the_critic_and_logged(zoo: Zoo) -> None:
    """α converges to the ratio of the distances: the median of it, since the loss is an absolute value."""
    loss = loss_of(zoo, label_distance="fixed", alpha="learned")
    values = OWN.values
    step: Any = SimpleNamespace(real=SimpleNamespace(image_embedding=3 * values, condition_embedding=None), batch=BATCH)
    optimizer = torch.optim.Adam(loss.parameters(), 0.02)
    for _ in range(200):
        optimizer.zero_grad()
        terms = loss.critic(step)
        terms.objective["critic"].backward()
        optimizer.step()
    assert float(terms.observed["critic_alpha"]) == pytest.approx(3, rel=0.05)
    assert not list(loss_of(zoo).parameters())


def test_alpha_and_relative_distances_exclude_each_other(zoo: Zoo) -> None:
    for alpha in (0.5, "learned"):
        with pytest.raises(SpecError, match="α is fitted in each batch"):
            loss_of(zoo, relative=True, alpha=alpha)


def test_collapse_is_seen_in_what_is_logged(zoo: Zoo) -> None:
    loss = loss_of(zoo)
    same = SimpleNamespace(image_embedding=torch.ones(COUNT, WIDTH), condition_embedding=torch.ones(COUNT, WIDTH))
    terms = loss.critic(SimpleNamespace(real=same, batch=BATCH))
    assert float(terms.objective["critic"]) == 0
    assert {name: float(value) for name, value in terms.observed.items()} == {
        "critic_image_distance": pytest.approx(0, abs=1e-6),
        "critic_condition_distance": pytest.approx(0, abs=1e-6),
    }
