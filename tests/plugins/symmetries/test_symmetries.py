import itertools

import pytest
import torch

from alloygan import Site, load_zoo
from alloygan_plugins.symmetries.specs import Dihedral, Flips, Identity

SITE = Site((2, 4, 4), 1, 1)
SQUARE = torch.arange(32, dtype=torch.float32).reshape(2, 4, 4)
MIRRORS = [SQUARE.flip(dims) for dims in ((), (1,), (2,), (1, 2))]
TURNS = [image.rot90(quarter, (1, 2)) for image, quarter in itertools.product([SQUARE, SQUARE.flip(2)], range(4))]
SPECS = {Identity(): [SQUARE], Flips(): MIRRORS, Dihedral(): TURNS}


def drawn(spec, images, seed=0, **arguments):
    return spec.build(SITE)(images, **{"real": True, "random": torch.Generator().manual_seed(seed)} | arguments)


@pytest.mark.parametrize(("spec", "group"), SPECS.items(), ids=lambda item: getattr(item, "kind", None))
def test_exactly_the_elements_of_the_group_and_equally_often(spec, group):
    count = 8000
    results = drawn(spec, SQUARE.expand(count, 2, 4, 4))
    shares = [(results == element).flatten(1).all(1).float().mean().item() for element in group]
    assert sum(shares) == pytest.approx(1, abs=1e-6)
    assert shares == pytest.approx([1 / len(group)] * len(group), abs=0.02)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_all_is_drawn_from_the_given_generator(spec):
    images = torch.randn(64, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    before = torch.random.get_rng_state()
    one, two = drawn(spec, images), drawn(spec, images)
    assert torch.equal(one, two)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert spec.kind == "none" or not torch.equal(one, drawn(spec, images, seed=1))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_generated_images_stay_as_they_are(spec):
    images = torch.randn(8, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    assert not spec.build(SITE).acts_on_fake
    assert torch.equal(drawn(spec, images, real=False), images)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_gradients_are_moved_with_the_pixels(spec):
    images = torch.randn(16, 2, 4, 4, generator=torch.Generator().manual_seed(1), requires_grad=True)
    result = drawn(spec, images)
    (result * result.detach()).sum().backward()
    torch.testing.assert_close(images.grad, images.detach())


def test_images_that_are_not_square():
    images = torch.randn(64, 1, 4, 6, generator=torch.Generator().manual_seed(1))
    assert drawn(Flips(), images).shape == images.shape
    assert Flips().size_problem((1, 4, 6)) is None
    assert Dihedral().size_problem((1, 4, 4)) is None
    problem = Dihedral().size_problem((1, 4, 6))
    assert problem == "quarter turns need square images, and these are 4 × 6 px; use flips"


@pytest.mark.gpu
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_the_draw_is_on_the_device(spec, waiting_refused):
    images = SQUARE.cuda().expand(64, 2, 4, 4)
    augment, random = spec.build(SITE), torch.Generator("cuda").manual_seed(0)
    with waiting_refused():
        results = augment(images, real=True, random=random)
    group = torch.stack(SPECS[spec]).cuda()
    assert (results[:, None] == group).flatten(2).all(2).any(1).all()


def test_the_kinds_are_registered():
    augmenters = load_zoo().registries["augmenter"]
    for kind in ("none", "flips", "d4"):
        assert augmenters.get(kind).spec in {type(spec) for spec in SPECS}


def test_intensity_varies_as_much_as_asked():
    images = 0.4 * torch.rand(400, 1, 8, 8, generator=torch.Generator().manual_seed(2)) - 0.2
    result = drawn(Identity(brightness=0.1, contrast=0.3), images)
    moved = (result.mean(dim=(1, 2, 3)) - images.mean(dim=(1, 2, 3))) / 2
    factor = result.std(dim=(1, 2, 3)) / images.std(dim=(1, 2, 3))
    assert moved.abs().max() <= 0.1 + 1e-6
    assert (moved.min(), moved.max()) == (pytest.approx(-0.1, abs=0.01), pytest.approx(0.1, abs=0.01))
    assert (factor.min(), factor.max()) == (pytest.approx(0.7, abs=0.02), pytest.approx(1.3, abs=0.02))
    assert torch.corrcoef(torch.stack([moved, factor]))[0, 1].abs() < 0.15


def test_intensity_stays_in_range_and_on_real_images():
    images = 2 * torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(2)) - 1
    strong = Flips(brightness=0.5, contrast=0.9)
    assert drawn(strong, images).abs().max() <= 1
    assert torch.equal(drawn(strong, images, real=False), images)
    assert torch.equal(drawn(Flips(), images), drawn(Flips(brightness=0.0), images))
