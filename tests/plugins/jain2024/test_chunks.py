"""The contrastive losses of large batches: in pieces, with the same value and gradient, in little memory."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from alloygan_plugins.jain2024 import chunks
from alloygan_plugins.jain2024.distances import mean_pair_distance, numbers_of_a_row
from alloygan_plugins.jain2024.losses import contragan_2c, proportional_2c

COUNT = 23


def points(seed: int, count: int = COUNT) -> Tensor:
    return torch.randn(count, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


LABELS = torch.arange(COUNT) % 4
ANCHORS = (points(2, 9).detach(), points(3, 9).detach())
LOSSES: dict[str, Any] = {
    "2C": lambda x, e: contragan_2c(x, e, LABELS),
    "2C as printed": lambda x, e: contragan_2c(x, e, LABELS, similarity="dot", self_pair="as_printed"),
    "eq. 1, cosine": lambda x, e: proportional_2c(x, e, delta=0.1),
    "eq. 1, l2 as printed": lambda x, e: proportional_2c(x, e, distance="l2", normalise="as_printed", alpha=0.7),
    "eq. 1, relative": lambda x, e: proportional_2c(x, e, distance="l2", relative=True),
    "eq. 1, anchored": lambda x, e: proportional_2c(x, e, distance="l2", relative=True, anchors=ANCHORS),
    "mean distance": lambda x, e: mean_pair_distance(x, "l2") + mean_pair_distance(e, "cosine"),
}


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "FEWEST_ROWS", 1)


@pytest.mark.parametrize("at_once", [1, 50, COUNT * 7])
@pytest.mark.parametrize("name", LOSSES)
def test_pieces_have_the_same_value_and_gradient(name: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image, condition = points(0), points(1)
    whole = LOSSES[name](image, condition)
    expected = torch.autograd.grad(whole, (image, condition))
    monkeypatch.setitem(chunks.PAIRS_AT_ONCE, "cpu", at_once)
    pieces = LOSSES[name](image, condition)
    assert float(pieces.detach()) == pytest.approx(float(whole.detach()), rel=1e-12)
    for found, wanted in zip(torch.autograd.grad(pieces, (image, condition)), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["2C", "eq. 1, relative"])
def test_pieces_have_second_derivatives_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image, condition = points(0), points(1)

    def second() -> Tensor:
        (first,) = torch.autograd.grad(LOSSES[name](image, condition), image, create_graph=True)
        return torch.autograd.grad(first.square().sum(), condition)[0]

    expected = second()
    monkeypatch.setitem(chunks.PAIRS_AT_ONCE, "cpu", 60)
    torch.testing.assert_close(second(), expected, rtol=1e-9, atol=1e-12)


def test_a_learned_alpha_has_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    def gradient() -> Tensor:
        return torch.autograd.grad(proportional_2c(points(0), points(1), alpha=alpha), alpha)[0]

    expected = gradient()
    assert expected != 0
    monkeypatch.setitem(chunks.PAIRS_AT_ONCE, "cpu", 60)
    torch.testing.assert_close(gradient(), expected)


def test_pieces_can_be_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    image, condition = points(0), points(1)
    expected = torch.autograd.grad(LOSSES["2C"](image, condition), (image, condition))
    monkeypatch.setitem(chunks.PAIRS_AT_ONCE, "cpu", 150)
    torch.compiler.reset()
    compiled = torch.compile(LOSSES["2C"], backend="aot_eager", fullgraph=True)
    for found, wanted in zip(
        torch.autograd.grad(compiled(image, condition), (image, condition)), expected, strict=True
    ):
        torch.testing.assert_close(found, wanted)


def test_a_common_batch_is_one_piece() -> None:
    calls: list[slice] = []

    def of_rows(rows: slice, values: Tensor) -> Tensor:
        calls.append(rows)
        return values[rows].sum()

    chunks.sum_over_rows(of_rows, 1024, 1024, torch.arange(1024.0))
    assert calls == [slice(0, 1024)]
    calls.clear()
    total = chunks.sum_over_rows(of_rows, 5000, 5000, torch.arange(5000.0).double())
    assert len(calls) > 1
    assert max(rows.stop - rows.start for rows in calls) * 5000 <= chunks.PAIRS_AT_ONCE["cpu"]
    assert float(total) == 5000 * 4999 / 2


def test_pieces_of_a_huge_batch_have_enough_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "FEWEST_ROWS", 64)
    calls: list[slice] = []

    def of_rows(rows: slice, values: Tensor) -> Tensor:
        calls.append(rows)
        return values[rows].sum()

    chunks.sum_over_rows(of_rows, 1000, 10**9, torch.ones(1000))
    assert [rows.stop - rows.start for rows in calls] == [64] * 15 + [40]


@pytest.mark.parametrize(("device", "numbers"), [("cpu", 100), ("meta", 700)])
def test_torch_makes_all_differences_of_l2_on_a_gpu(device: str, numbers: int) -> None:
    points = torch.zeros(5, 7, device=device)
    assert numbers_of_a_row(points, 100, "l2") == numbers
    assert numbers_of_a_row(points, 100, "cosine") == 100


def test_as_many_conditions_as_images() -> None:
    with pytest.raises(ValueError, match="5 images, 7 conditions and 5 labels"):
        contragan_2c(points(0, 5), points(1, 7), LABELS[:5])
    with pytest.raises(ValueError, match="5 images and 7 conditions"):
        proportional_2c(points(0, 5), points(1, 7))


PEAK = """
import resource, sys, torch
from alloygan_plugins.jain2024 import chunks
from alloygan_plugins.jain2024.losses import contragan_2c, proportional_2c
torch.set_num_threads(1)
m = int(sys.argv[2])
image, condition = (torch.randn(m, 64, requires_grad=True) for _ in range(2))
labels = torch.arange(m) % 8
def value(n):
    if sys.argv[1] == "2c":
        return contragan_2c(image[:n], condition[:n], labels[:n])
    return proportional_2c(image[:n], condition[:n], distance=sys.argv[1], relative=True)
# What the first piece imports is not the batch's.
chunks.PAIRS_AT_ONCE["cpu"], common = 16, chunks.PAIRS_AT_ONCE["cpu"]
value(8).backward()
chunks.PAIRS_AT_ONCE["cpu"] = common
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
value(m).backward()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def peak_mib(loss: str, count: int) -> float:
    """How much the peak of a process grows by value and gradient, in MiB."""
    words = [sys.executable, "-c", PEAK, loss, str(count)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=3000)
    return float(done.stdout)


@pytest.mark.parametrize("loss", ["2c", "cosine"])
def test_memory_does_not_grow_with_the_pairs(loss: str) -> None:
    """All pairs of 8,192 images are 256 MiB an intermediate, and there are half a dozen."""
    assert peak_mib(loss, 8192) < 128


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["2c", "cosine", "l2"])
def test_a_batch_of_65536_takes_less_than_2_gb(loss: str) -> None:
    assert peak_mib(loss, 65536) < 2e9 / 2**20
