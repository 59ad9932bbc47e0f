"""The auxiliary classifier against cross entropy by hand, and what it trains."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from alloygan import Condition, Critique, Site, Zoo
from alloygan.errors import SpecError
from alloygan.layers.initialisation import build_seeded

WIDTH, CLASSES, BATCH = 5, 3, 6
SITE = Site((1, 8, 8), 2, CLASSES, {"image_embedding": (WIDTH,)})


def loss_of(zoo: Zoo, **fields: object) -> Any:
    spec: Any = zoo.spec_from_values({"kind": "auxiliary_classifier", **fields}, "loss")
    assert spec.needs == {"image_embedding", "label"}
    return build_seeded(0, "losses.classes", lambda: spec.build(SITE))


def condition_of(*labels: int) -> Condition:
    return Condition(torch.zeros(len(labels), 2), torch.tensor(labels))


def step_of(real: Tensor, fake: Tensor, own: Condition | None = None, target: Condition | None = None) -> Any:
    return SimpleNamespace(
        real=Critique(real[:, 0], image_embedding=real),
        fake=Critique(fake[:, 0], image_embedding=fake),
        real_condition=own or condition_of(0, 1, 2, 0, 1, 2),
        batch=SimpleNamespace(target_condition=target or condition_of(2, 2, 1, 0, 0, 1)),
    )


def embeddings(seed: int) -> Tensor:
    return torch.randn(BATCH, WIDTH, generator=torch.Generator().manual_seed(seed))


def entropy(head: nn.Linear, embedding: Tensor, labels: Tensor) -> Tensor:
    """−log softmax, written out."""
    logits = embedding @ head.weight.T + head.bias
    exponentials = torch.exp(logits)
    chosen = exponentials[torch.arange(len(labels)), labels]
    return -torch.log(chosen / exponentials.sum(dim=1)).mean()


def test_it_is_the_cross_entropy_of_the_conditions(zoo: Zoo) -> None:
    loss = loss_of(zoo)
    assert loss.head.weight.shape == (CLASSES, WIDTH)
    step = step_of(embeddings(1), embeddings(2))
    real = entropy(loss.head, embeddings(1), step.real_condition.label)
    fake = entropy(loss.head, embeddings(2), step.batch.target_condition.label)
    assert torch.allclose(loss.critic(step).objective["critic"], real + fake)
    assert torch.allclose(loss.generator(step).objective["generator"], fake)
    assert torch.allclose(loss_of(zoo, critic_learns_from="real").critic(step).objective["critic"], real)


def test_a_head_that_knows_nothing_loses_the_log_of_the_number_of_conditions(zoo: Zoo) -> None:
    loss = loss_of(zoo)
    nn.init.zeros_(loss.head.weight)
    nn.init.zeros_(loss.head.bias)
    step = step_of(embeddings(1), embeddings(2))
    assert loss.critic(step).objective["critic"].item() == pytest.approx(2 * math.log(CLASSES))
    assert loss.generator(step).objective["generator"].item() == pytest.approx(math.log(CLASSES))


def test_accuracies_are_logged(zoo: Zoo) -> None:
    loss = loss_of(zoo)
    with torch.no_grad():
        loss.head.weight.copy_(torch.eye(CLASSES, WIDTH))
        loss.head.bias.zero_()
    told = torch.eye(CLASSES, WIDTH)[torch.tensor([0, 1, 2, 0, 1, 0])]
    observed = loss.critic(step_of(told, told, target=condition_of(0, 1, 2, 1, 2, 1))).observed
    assert observed["real_accuracy"].item() == pytest.approx(5 / 6)
    assert observed["fake_accuracy"].item() == pytest.approx(3 / 6)


def test_the_order_of_the_batch_does_not_matter_but_the_labels_do(zoo: Zoo) -> None:
    loss, order = loss_of(zoo), torch.tensor([3, 5, 0, 1, 4, 2])
    step = step_of(embeddings(1), embeddings(2))
    own, target = step.real_condition, step.batch.target_condition
    turned = step_of(embeddings(1)[order], embeddings(2)[order], own[order], target[order])
    assert torch.allclose(loss.critic(step).objective["critic"], loss.critic(turned).objective["critic"])
    mixed = step_of(embeddings(1), embeddings(2), own[order], target)
    assert not torch.allclose(loss.critic(step).objective["critic"], loss.critic(mixed).objective["critic"])


@pytest.mark.parametrize(("learns_from", "reached"), [("both", True), ("real", False)])
def test_gradients_of_head_and_embeddings(zoo: Zoo, learns_from: str, reached: bool) -> None:
    loss = loss_of(zoo, critic_learns_from=learns_from)
    real, fake = embeddings(1).requires_grad_(), embeddings(2).requires_grad_()
    step = step_of(real, fake)
    loss.critic(step).objective["critic"].backward()
    onehot = torch.eye(CLASSES)
    expected = torch.zeros(CLASSES, WIDTH)
    for embedding, label in ((real, step.real_condition.label), (fake, step.batch.target_condition.label)):
        if embedding is fake and not reached:
            assert embedding.grad is None
            continue
        # d(cross entropy)/d(logits) = (softmax − one-hot) / B
        slope = (torch.softmax(loss.head(embedding), dim=1) - onehot[label]).detach() / BATCH
        assert embedding.grad is not None
        assert torch.allclose(embedding.grad, slope @ loss.head.weight.detach(), atol=1e-6)
        expected += slope.T @ embedding.detach()
    assert torch.allclose(loss.head.weight.grad, expected, atol=1e-6)


def test_conditions_without_a_table_are_refused(zoo: Zoo) -> None:
    off_table = ["data.design=random", "critic.conditioner=continuous_mlp"]
    with pytest.raises(SpecError, match=r"losses.classes: auxiliary_classifier needs an id"):
        zoo.read_spec("zoo:acgan", off_table)
