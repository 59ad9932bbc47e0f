import pytest
import torch

from alloygan import Condition, Patches, Site, load_zoo
from alloygan.errors import DataError
from alloygan_plugins.batch_samplers.specs import Balanced, Uniform

SITE = Site((1, 2, 2), 1, 3)


def patches(labels):
    """Patches whose grey level is their own number."""
    count = len(labels)
    images = torch.arange(count, dtype=torch.uint8).reshape(count, 1, 1, 1).expand(count, 1, 2, 2)
    label = torch.tensor(labels, dtype=torch.int64)
    condition = Condition(label[:, None].float(), label)
    return Patches(images.contiguous(), condition, torch.zeros(count, dtype=torch.int64))


def numbers(batch):
    return ((batch.images[:, 0, 0, 0] + 1) * 127.5).round().long().tolist()


UNEVEN = [0] * 7 + [1] * 2 + [2] * 4


@pytest.mark.parametrize("spec", [Uniform(), Balanced()])
def test_a_batch(spec):
    batch = spec.build(patches(UNEVEN), SITE, 0).draw(6, 12)
    assert batch.images.dtype == torch.float32
    assert batch.images.shape == (6, 1, 2, 2)
    assert batch.target_condition is batch.own_condition
    assert batch.own_condition.label.tolist() == [UNEVEN[number] for number in numbers(batch)]
    assert batch.own_condition.values.squeeze(1).tolist() == batch.own_condition.label.tolist()
    assert batch.weight.tolist() == [1.0] * 6


@pytest.mark.parametrize("spec", [Uniform(), Balanced()])
def test_the_same_moment_draws_the_same_batch(spec):
    before = torch.random.get_rng_state()
    one, two = spec.build(patches(UNEVEN), SITE, 5), spec.build(patches(UNEVEN), SITE, 5)
    for moment in (0, 6, 30):
        one.draw(6, moment)
    assert numbers(one.draw(6, 6)) == numbers(two.draw(6, 6))
    other_seed = spec.build(patches(UNEVEN), SITE, 6)
    assert any(numbers(one.draw(6, m)) != numbers(other_seed.draw(6, m)) for m in (0, 6, 12))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("size", [1, 4, 5, 13, 40])
def test_uniform_shows_every_patch_once_an_epoch(size):
    sampler = Uniform().build(patches(UNEVEN), SITE, 0)
    seen = []
    while len(seen) < 13 * 40:
        seen += numbers(sampler.draw(size, len(seen)))
    epochs = [seen[start : start + 13] for start in range(0, 13 * 40, 13)]
    assert all(sorted(epoch) == list(range(13)) for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 40


def test_uniform_does_not_depend_on_how_the_epoch_is_cut():
    sampler = Uniform().build(patches(UNEVEN), SITE, 0)
    whole = numbers(sampler.draw(30, 4))
    assert whole == numbers(sampler.draw(10, 4)) + numbers(sampler.draw(20, 14))


def test_uniform_takes_conditions_off_the_table():
    assert Uniform().needs == frozenset()
    assert Uniform().build(patches([-1, -1]), SITE, 0).draw(2, 0).own_condition.label.tolist() == [-1, -1]


def test_balanced_draws_conditions_equally_often():
    sampler = Balanced().build(patches(UNEVEN), SITE, 0)
    extra = torch.zeros(3)
    drawn = torch.zeros(13)
    for moment in range(3000):
        batch = sampler.draw(7, 7 * moment)
        counts = batch.own_condition.label.bincount(minlength=3)
        assert sorted(counts.tolist()) == [2, 2, 3]
        extra += counts == 3
        drawn += torch.tensor(numbers(batch)).bincount(minlength=13)
    assert (extra / 3000).tolist() == pytest.approx([1 / 3] * 3, abs=0.03)
    expected = [7000 / UNEVEN.count(label) for label in UNEVEN]
    assert drawn.tolist() == pytest.approx(expected, rel=0.12)


def test_balanced_leaves_out_conditions_without_patches():
    batch = Balanced().build(patches([0, 2, 2]), SITE, 0).draw(8, 0)
    assert batch.own_condition.label.bincount().tolist() == [4, 0, 4]


def test_balanced_needs_a_table():
    assert Balanced().needs == {"label"}
    with pytest.raises(DataError, match="use uniform"):
        Balanced().build(patches([0, -1]), SITE, 0)


@pytest.mark.parametrize("spec", [Uniform(), Balanced()])
def test_no_patches(spec):
    with pytest.raises(DataError, match="no training patches"):
        spec.build(patches([]), SITE, 0)


@pytest.mark.gpu
@pytest.mark.parametrize("spec", [Uniform(), Balanced()])
def test_the_device_draws_what_the_host_draws(spec):
    here, there = spec.build(patches(UNEVEN), SITE, 0), spec.build(patches(UNEVEN).to("cuda"), SITE, 0)
    batch = there.draw(20, 7)
    assert batch.images.device.type == batch.weight.device.type == batch.own_condition.label.device.type == "cuda"
    assert numbers(batch) == numbers(here.draw(20, 7))


def test_the_kinds_are_registered():
    samplers = load_zoo().registries["sampler"]
    assert samplers.get("uniform").spec.__name__ == "Uniform"
    assert samplers.get("balanced").spec.__name__ == "Balanced"
