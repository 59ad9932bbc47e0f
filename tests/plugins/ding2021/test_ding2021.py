"""CcGAN's vicinal sampler and loss: what is drawn for a condition, how it counts, and the shipped spec."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from alloygan import Condition, Patches, Site, Zoo, assemble
from alloygan.data.held_out import condition_space_of
from alloygan.errors import DataError
from alloygan.interfaces.condition import OFF_TABLE
from alloygan.testing import conformance_tests

test_the_sampler_keeps_its_contract = conformance_tests("sampler", "vicinal")
test_the_loss_keeps_its_contract = conformance_tests("loss", "vicinal_hinge")

GRID = [(x, t) for x in (0.0, 0.25, 0.5, 1.0) for t in (0.0, 0.5, 1.0)]


def patches(rows: list[tuple[float, ...]], each: int = 20) -> Patches:
    values = torch.tensor(rows).repeat_interleave(each, dim=0)
    labels = torch.arange(len(rows)).repeat_interleave(each)
    images = labels.to(torch.uint8)[:, None, None, None].expand(-1, 1, 8, 8).contiguous()
    return Patches(images, Condition(values, labels), torch.arange(len(labels)))


def sampler(zoo: Zoo, rows: list[tuple[float, ...]], site: Site | None = None, **fields: object) -> Any:
    spec: Any = zoo.spec_from_values({"kind": "vicinal", **fields}, "sampler")
    return spec.build(patches(rows), site or Site((1, 8, 8), len(rows[0]), len(rows)), 3)


def test_the_vicinity_reaches_across_the_largest_gap_of_each_column(zoo: Zoo) -> None:
    built = sampler(zoo, GRID)
    assert built.kappa.tolist() == [0.5, 0.5]
    assert sampler(zoo, GRID, gaps=2).kappa.tolist() == [1.0, 1.0]
    assert sampler(zoo, GRID, kappa=0.1).kappa.tolist() == pytest.approx([0.1, 0.1])


def test_the_scatter_is_silvermans_rule(zoo: Zoo) -> None:
    line = [(x / 4,) for x in range(5)]
    built = sampler(zoo, line)
    deviation = patches(line).condition.values.std()
    assert float(built.sigma[0]) == pytest.approx(float(deviation) * (4 / (3 * 5)) ** 0.2, rel=1e-5)
    assert sampler(zoo, line, sigma=0).sigma.tolist() == [0]


@pytest.mark.parametrize("vicinity", ["hard", "soft"])
def test_real_images_are_of_the_vicinity_and_weighed_by_distance(zoo: Zoo, vicinity: str) -> None:
    built = sampler(zoo, GRID, vicinity=vicinity, sigma=0.1)
    batch = built.draw(400, 1000)
    assert set(batch.target_condition.label.tolist()) == {OFF_TABLE}
    assert torch.equal(batch.images[:, 0, 0, 0], batch.own_condition.label / 127.5 - 1)
    squared = ((batch.own_condition.values - batch.target_condition.values) / 0.5).square().sum(dim=1)
    if vicinity == "hard":
        assert float(squared.max()) <= 1
        assert batch.weight.tolist() == [1.0] * 400
        # Images of neighbouring nodes stand in too.
        assert float((squared > 0.25).float().mean()) > 0.2
    else:
        assert torch.allclose(batch.weight, (-squared).exp(), atol=1e-6)
        assert float(batch.weight.min()) >= 1e-3
    scatter = batch.target_condition.values[:, None] - torch.tensor(GRID)[None]
    assert 0.05 < float(scatter.norm(dim=2).amin(dim=1).mean()) < 0.15


def test_every_image_of_a_vicinity_is_as_likely(zoo: Zoo) -> None:
    built = sampler(zoo, [(0.0,), (0.5,), (1.0,)], sigma=0, kappa=0.6)
    labels = torch.cat([built.draw(500, 500 * i).own_condition.label for i in range(8)])
    # 0 and 1 are each in two of the three vicinities, with one of two, and one of three images there.
    shares = labels.bincount().float() / len(labels)
    assert shares.tolist() == pytest.approx([1 / 6 + 1 / 9, 1 / 3 + 1 / 9, 1 / 6 + 1 / 9], abs=0.03)


def test_draws_depend_on_the_moment_alone(zoo: Zoo) -> None:
    one, two = sampler(zoo, GRID), sampler(zoo, GRID)
    two.draw(16, 0)
    first, second = one.draw(16, 64), two.draw(16, 64)
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.target_condition.values, second.target_condition.values)
    assert not torch.equal(first.target_condition.values, one.draw(16, 80).target_condition.values)


def test_far_from_every_image_the_condition_itself_is_asked(zoo: Zoo) -> None:
    batch = sampler(zoo, GRID, sigma=5.0, kappa=0.01).draw(200, 0)
    assert float((batch.own_condition.values - batch.target_condition.values).abs().max()) <= 0.01


def test_classes_do_not_mix(zoo: Zoo) -> None:
    rows = [(*alloy, x) for alloy in ((1.0, 0.0), (0.0, 1.0)) for x in (0.0, 0.5, 1.0)]
    site = Site((1, 8, 8), 3, 6, classes=frozenset({0, 1}))
    for vicinity in ("hard", "soft"):
        batch = sampler(zoo, rows, site, vicinity=vicinity, sigma=0.2).draw(300, 0)
        assert torch.equal(batch.own_condition.values[:, :2], batch.target_condition.values[:, :2])
        assert float((batch.own_condition.values[:, 2] - batch.target_condition.values[:, 2]).abs().max()) > 0.1


def test_nothing_continuous_is_refused(zoo: Zoo) -> None:
    with pytest.raises(DataError, match="needs a continuous condition with several values"):
        sampler(zoo, [(1.0, 0.0), (0.0, 1.0)], Site((1, 8, 8), 2, 2, classes=frozenset({0, 1})))


def step_of(real: Tensor, fake: Tensor, weight: Tensor) -> Any:
    return SimpleNamespace(
        real=SimpleNamespace(score=real), fake=SimpleNamespace(score=fake), batch=SimpleNamespace(weight=weight)
    )


def test_real_images_count_by_their_weight(zoo: Zoo) -> None:
    loss: Any = zoo.spec_from_values({"kind": "vicinal_hinge"}, "loss").build(Site((1, 8, 8), 1, 0))  # type: ignore[attr-defined]
    real, fake = torch.tensor([0.0, -1.0, 5.0]), torch.tensor([-3.0, 0.5])
    value = loss.critic(step_of(real, fake, torch.tensor([1.0, 0.5, 0.5]))).objective["critic"]
    assert float(value) == pytest.approx((1 * 1 + 0.5 * 2) / 2 + 1.5 / 2)
    halved = loss.critic(step_of(real, fake, torch.tensor([0.5, 0.25, 0.25]))).objective["critic"]
    assert float(halved) == pytest.approx(float(value)), "weights are relative"
    none = loss.critic(step_of(real, fake, torch.zeros(3))).objective["critic"]
    assert float(none) == pytest.approx(0.75)


def test_a_site_knows_its_classes(zoo: Zoo) -> None:
    spec = zoo.read_spec("zoo:ccgan")
    assert assemble(spec, condition_space_of(spec)).site.continuous == (0, 1)
