"""Differentiable augmentation against the authors' definitions, written out image by image."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch
from torch import Tensor

from alloygan import Augmenter, Site, Zoo
from alloygan.errors import SpecError
from alloygan_plugins.zhao2020.augmenter import cut_out, recoloured, translated

ALL = ["color", "translation", "cutout"]


def built(zoo: Zoo, shape: tuple[int, int, int] = (1, 16, 24), **fields: object) -> Augmenter:
    spec = zoo.spec_from_values({"kind": "diffaugment", **fields}, "augmenter")
    augmenter = spec.build(Site(shape, 1, 1))
    assert isinstance(augmenter, Augmenter)
    return augmenter


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int) -> Tensor:
    return 2 * torch.rand(*shape, generator=draw(9)) - 1


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_colour_image_by_image(channels: int) -> None:
    images = noise(64, channels, 6, 10)
    brightness, saturation, contrast = torch.rand((3, 64), generator=draw())
    for number, (image, result) in enumerate(zip(images, recoloured(images, draw()), strict=True)):
        expected = image + (brightness[number] - 0.5)
        if channels == 3:
            grey = expected.mean(dim=0)
            expected = grey + (expected - grey) * (2 * saturation[number])
        mean = expected.mean()
        expected = mean + (expected - mean) * (contrast[number] + 0.5)
        torch.testing.assert_close(result, expected)


def test_every_whole_shift_up_to_the_ratio_and_grey_comes_in() -> None:
    images = 1 + torch.rand(400, 2, 16, 24, generator=draw(1))  # no pixel is 0
    seen = set()
    for image, result in zip(images, translated(images, 0.125, draw()), strict=True):
        matches = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-3, 4)
            if torch.equal(result, moved(image, down, right))
        ]
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 5 * 7


def moved(image: Tensor, down: int, right: int) -> Tensor:
    """Row i, column j of the result is row i + down, column j + right of the image, 0 outside."""
    height, width = image.shape[1:]
    padded = torch.zeros(len(image), 3 * height, 3 * width)
    padded[:, height : 2 * height, width : 2 * width] = image
    return padded[:, height + down : 2 * height + down, width + right : 2 * width + right]


@pytest.mark.parametrize(("height", "width"), [(16, 24), (10, 7), (5, 5)])
def test_the_cutout_is_a_rectangle_about_a_middle_anywhere_in_the_image(height: int, width: int) -> None:
    images = 1 + torch.rand(100, 2, height, width, generator=draw(1))
    results = cut_out(images, 0.5, draw())
    random = draw()
    sizes = [int(side / 2 + 0.5) for side in (height, width)]
    middles = [
        torch.randint(0, side + 1 - size % 2, (100,), generator=random)
        for side, size in zip((height, width), sizes, strict=True)
    ]
    for number, result in enumerate(results):
        # The authors' indices: those beyond the edge are drawn onto it.
        rows, columns = (
            (torch.arange(size) + middle[number] - size // 2).clamp(0, side - 1)
            for size, middle, side in zip(sizes, middles, (height, width), strict=True)
        )
        expected = images[number].clone()
        expected[:, rows[:, None], columns[None, :]] = 0
        assert torch.equal(result, expected)


def test_real_and_generated_images_are_treated_alike(zoo: Zoo) -> None:
    augmenter, images = built(zoo), noise(8, 1, 16, 24)
    assert augmenter.acts_on_fake
    one, other = (augmenter(images, real=real, random=draw()) for real in (True, False))
    assert torch.equal(one, other)
    assert not torch.equal(one, images)


def test_policies_act_in_their_order(zoo: Zoo) -> None:
    images = noise(4, 1, 16, 24)
    random = draw()
    expected = recoloured(cut_out(images, 0.5, random), random)
    assert torch.equal(built(zoo, policy=["cutout", "color"])(images, real=True, random=draw()), expected)


def test_the_gradient_of_a_shift_goes_back_to_where_the_pixel_was() -> None:
    images = noise(5, 1, 8, 8).requires_grad_()
    (translated(images, 0.25, draw()) * torch.arange(64.0).reshape(8, 8)).sum().backward()
    assert images.grad is not None
    for number, gradient in enumerate(images.grad):
        kept = translated(torch.arange(1.0, 65).reshape(1, 1, 8, 8).expand(5, 1, 8, 8), 0.25, draw())[number, 0]
        expected = torch.zeros(64)
        for place, source in enumerate(kept.flatten().long()):
            if source:
                expected[source - 1] += place
        assert torch.equal(gradient.flatten(), expected)


def test_a_symmetry_before_it_acts_on_real_images_alone(zoo: Zoo) -> None:
    images = noise(8, 1, 16, 24)
    plain, mirrored = built(zoo, policy=["cutout"]), built(zoo, policy=["cutout"], first="flips")
    generated = [augmenter(images, real=False, random=draw()) for augmenter in (plain, mirrored)]
    assert torch.equal(*generated)
    random = draw()
    flips = zoo.spec_from_values({"kind": "flips"}, "augmenter").build(Site((1, 16, 24), 1, 1))
    expected = cut_out(flips(images, real=True, random=random), 0.5, random)
    assert torch.equal(mirrored(images, real=True, random=draw()), expected)


def test_what_cannot_be_is_refused(zoo: Zoo) -> None:
    with pytest.raises(SpecError, match="color stands twice"):
        built(zoo, policy=["color", "cutout", "color"])
    with pytest.raises(SpecError, match="policy"):
        built(zoo, policy=[])
    with pytest.raises(SpecError, match="'color', 'translation' or 'cutout'"):
        built(zoo, policy=["colour"])
    square = zoo.spec_from_values({"kind": "diffaugment", "first": "d4"}, "augmenter")
    assert "square" in square.size_problem((1, 16, 24))
    assert square.size_problem((1, 16, 16)) is None


def test_nothing_happens_at_ratios_of_zero(zoo: Zoo) -> None:
    images = noise(4, 3, 16, 16)
    still = built(zoo, policy=["translation", "cutout"], translation_ratio=0, cutout_ratio=0)
    assert torch.equal(still(images, real=True, random=draw()), images)


@pytest.mark.gpu
def test_the_draw_is_on_the_device(zoo: Zoo, waiting_refused: Callable[[], AbstractContextManager[None]]) -> None:
    images = noise(16, 3, 16, 16).cuda().requires_grad_()
    augmenter, random = built(zoo, (3, 16, 16), policy=ALL), torch.Generator("cuda").manual_seed(0)
    with waiting_refused():
        augmenter(images, real=False, random=random).square().sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None
    assert bool(images.grad.any())
