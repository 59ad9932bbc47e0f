"""The pure losses against the equations written out as loops, and their numerical safety."""

import math

import pytest
import torch
from torch import Tensor

from alloygan_plugins.jain2024.distances import pair_distances
from alloygan_plugins.jain2024.losses import contragan_2c, proportional_2c

LABELS = {
    "mixed": [0, 1, 0, 2, 1, 0],
    "all equal": [3] * 6,
    "all distinct": list(range(6)),
}


def embeddings(count: int = 6, width: int = 5, scale: float = 1.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return tuple(  # type: ignore[return-value]
        (scale * torch.randn(count, width, generator=random, dtype=torch.float64)).requires_grad_() for _ in range(2)
    )


def equation_3(image: Tensor, condition: Tensor, labels: list[int], t: float, cosine: bool, drop: bool) -> float:
    """Eq. (3), term by term; with `drop`, k = i is left out of the numerator too."""
    image, condition = image.detach(), condition.detach()
    if cosine:
        image = image / image.norm(dim=1, keepdim=True)
        condition = condition / condition.norm(dim=1, keepdim=True)
    total = 0.0
    for i in range(len(labels)):
        proxy = math.exp(float(image[i] @ condition[i]) / t)
        pairs = [math.exp(float(image[i] @ image[k]) / t) for k in range(len(labels))]
        positive = sum(p for k, p in enumerate(pairs) if labels[k] == labels[i] and not (drop and k == i))
        others = sum(p for k, p in enumerate(pairs) if k != i)
        total -= math.log((proxy + positive) / (proxy + others))
    return total / len(labels)


def equation_1(image: Tensor, condition: Tensor, distance: str, alpha: float, delta: float, by_pairs: bool) -> float:
    """Eq. (1), term by term."""
    image, condition = image.detach(), condition.detach()

    def d(a: Tensor, b: Tensor) -> float:
        if distance == "l2":
            return float((a - b).norm())
        return 1 - float(a @ b / (a.norm() * b.norm()))

    count = len(image)
    total = sum(
        max(0.0, abs(d(image[i], image[j]) - alpha * d(condition[i], condition[j])) - delta)
        for i in range(count)
        for j in range(count)
        if i != j
    )
    return total / (count * (count - 1) if by_pairs else count)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("self_pair", ["drop", "as_printed"])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_contragan_2c_is_equation_3(labels: list[int], similarity: str, self_pair: str, temperature: float) -> None:
    image, condition = embeddings()
    value = contragan_2c(
        image,
        condition,
        torch.tensor(labels),
        temperature=temperature,
        similarity=similarity,  # type: ignore[arg-type]
        self_pair=self_pair,  # type: ignore[arg-type]
    )
    expected = equation_3(image, condition, labels, temperature, similarity == "cosine", self_pair == "drop")
    assert value.item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("distance", ["cosine", "l2"])
@pytest.mark.parametrize("normalise", ["pairs", "as_printed"])
@pytest.mark.parametrize(("alpha", "delta"), [(1.0, 0.0), (0.5, 0.3), (2.0, 5.0)])
def test_proportional_2c_is_equation_1(distance: str, normalise: str, alpha: float, delta: float) -> None:
    image, condition = embeddings()
    value = proportional_2c(
        image,
        condition,
        distance=distance,  # type: ignore[arg-type]
        alpha=alpha,
        delta=delta,
        normalise=normalise,  # type: ignore[arg-type]
    )
    expected = equation_1(image, condition, distance, alpha, delta, normalise == "pairs")
    assert value.item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_known_values_of_the_paper_s_equation() -> None:
    """All labels distinct, equal unit vectors: the printed and the repaired form, by hand."""
    same = torch.ones(4, 3)
    distinct = torch.arange(4)
    # Numerator e^{1/t}, denominator 4 e^{1/t}.
    assert float(contragan_2c(same, same, distinct)) == pytest.approx(math.log(4), rel=1e-6)
    # As printed the numerator has the self pair as well: 2 of 4.
    assert float(contragan_2c(same, same, distinct, self_pair="as_printed")) == pytest.approx(math.log(2), rel=1e-6)
    # Orthogonal images, no pull by the proxy: as printed the loss is negative.
    apart = torch.eye(4)
    assert float(contragan_2c(apart, -apart, distinct, self_pair="as_printed")) < 0
    assert float(contragan_2c(apart, -apart, distinct)) > 0


def test_raw_dot_products_carry_no_signal_under_clipping() -> None:
    """Why cosine is the default: with tiny embeddings, `dot` is log m whatever the images are."""
    image, condition = embeddings(count=16, width=64, scale=1e-3)
    labels = torch.arange(16)
    value = contragan_2c(image, condition, labels, similarity="dot")
    assert value.item() == pytest.approx(math.log(16), abs=1e-3)
    assert contragan_2c(image, condition, labels).item() > math.log(16) + 0.3


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e3])
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("self_pair", ["drop", "as_printed"])
def test_contragan_2c_is_finite_at_low_temperature(
    labels: list[int], scale: float, similarity: str, self_pair: str
) -> None:
    image, condition = (t.detach().float().requires_grad_() for t in embeddings(scale=scale))
    value = contragan_2c(
        image,
        condition,
        torch.tensor(labels),
        temperature=0.01,
        similarity=similarity,  # type: ignore[arg-type]
        self_pair=self_pair,  # type: ignore[arg-type]
    )
    value.backward()
    assert value.isfinite()
    for tensor in (image, condition):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
    if self_pair == "drop":
        assert value.item() >= -1e-6


@pytest.mark.parametrize("degenerate", ["zero", "coincident", "one image"])
@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_degenerate_batches_have_finite_gradients(degenerate: str, distance: str) -> None:
    image = {"zero": torch.zeros(4, 3), "coincident": torch.ones(4, 3), "one image": torch.randn(1, 3)}[degenerate]
    image.requires_grad_()
    labels = torch.zeros(len(image), dtype=torch.int64)
    total = contragan_2c(image, image, labels) + proportional_2c(image, image, distance=distance)  # type: ignore[arg-type]
    total.backward()
    assert total.isfinite()
    assert image.grad is not None
    assert image.grad.isfinite().all()
    if degenerate == "one image":
        assert total.item() == 0


def test_collapse_of_both_embeddings_costs_nothing() -> None:
    """The trap of eq. (1) that the observed distances are there to show."""
    constant = torch.ones(5, 3)
    assert float(proportional_2c(constant, constant, distance="l2")) == 0


def test_l2_is_not_squared() -> None:
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert float(pair_distances(points, "l2")[0, 1]) == 5


@pytest.mark.parametrize("function", ["2c", "cosine", "l2"])
def test_gradients_agree_with_finite_differences(function: str) -> None:
    image, condition = embeddings(count=4, width=3)
    labels = torch.tensor([0, 1, 0, 2])

    def value(image: Tensor, condition: Tensor) -> Tensor:
        if function == "2c":
            return contragan_2c(image, condition, labels)
        return proportional_2c(image, condition, distance=function, alpha=0.7, delta=0.01)  # type: ignore[arg-type]

    assert torch.autograd.gradcheck(value, (image, condition))


@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_relative_distances_are_in_units_of_their_mean(distance: str) -> None:
    """Written out: each distance over the mean of its kind, and the scale of either embedding does not count."""
    image, condition = (points.detach() for points in embeddings())
    count = len(image)
    pairs = [(i, j) for i in range(count) for j in range(count) if i != j]
    of_images, of_conditions = pair_distances(image, distance), pair_distances(condition, "l2")  # type: ignore[arg-type]
    means = [sum(float(of[pair]) for pair in pairs) / len(pairs) for of in (of_images, of_conditions)]
    expected = sum(abs(float(of_images[p]) / means[0] - float(of_conditions[p]) / means[1]) for p in pairs) / len(pairs)

    def value(image: Tensor, condition: Tensor) -> float:
        return float(
            proportional_2c(image, condition, distance=distance, condition_distance="l2", relative=True)  # type: ignore[arg-type]
        )

    assert value(image, condition) == pytest.approx(expected, rel=1e-9)
    assert value(7 * image, 0.1 * condition) == pytest.approx(expected, rel=1e-9)
    assert value(3 * condition, condition) == pytest.approx(0, abs=1e-12) or distance == "cosine"


def test_relative_distances_do_not_reward_collapse() -> None:
    condition = torch.linspace(0, 1, 6)[:, None]
    image = embeddings(width=4)[0].detach().float()
    for size in (1.0, 1e-3):
        assert float(proportional_2c(size * image, condition, distance="l2", relative=True)) > 0.1
    assert float(proportional_2c(torch.ones(6, 4), condition, distance="l2", relative=True)) > 0.5


def test_anchors_pin_what_distances_among_images_leave_free() -> None:
    """Embeddings of generated images that are mirrored cost nothing among themselves, and much against real ones."""
    condition = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
    mirrored = 1 - condition
    assert float(proportional_2c(mirrored, condition, distance="l2")) == pytest.approx(0, abs=1e-12)
    anchors = (condition, condition)
    assert float(proportional_2c(condition, condition, distance="l2", anchors=anchors)) == pytest.approx(0, abs=1e-12)
    against = float(proportional_2c(mirrored, condition, distance="l2", anchors=anchors))
    by_hand = sum(abs(abs(1 - a - b) - abs(a - b)) for a in condition.flatten() for b in condition.flatten()) / 25
    assert against == pytest.approx(float(by_hand), rel=1e-9)
    relative = proportional_2c(
        5 * mirrored, condition, distance="l2", relative=True, anchors=(5 * condition, condition)
    )
    # The anchors' mean distance is the unit of both: 0.4 + 0.1 of five equal steps, over 20 pairs.
    assert float(relative) == pytest.approx(float(by_hand) / 0.5, rel=1e-9)


@pytest.mark.parametrize("kind", ["relative", "anchored", "both"])
def test_gradients_of_the_variants_agree_with_finite_differences(kind: str) -> None:
    image, condition = embeddings(count=4, width=3)
    others = tuple(points.detach() for points in embeddings(count=3, width=3, seed=1))

    def value(image: Tensor, condition: Tensor) -> Tensor:
        anchors = None if kind == "relative" else (others[0], others[1])
        return proportional_2c(image, condition, distance="l2", relative=kind != "anchored", anchors=anchors)

    assert torch.autograd.gradcheck(value, (image, condition))


@pytest.mark.parametrize("anchored", [False, True])
def test_degenerate_batches_are_finite_with_relative_distances(anchored: bool) -> None:
    image = torch.ones(4, 3, requires_grad=True)
    anchors = (torch.zeros(4, 3), torch.ones(4, 1)) if anchored else None
    value = proportional_2c(image, torch.ones(4, 1), distance="l2", relative=True, anchors=anchors)
    value.backward()
    assert value.item() == 0
    assert image.grad is not None
    assert image.grad.isfinite().all()
