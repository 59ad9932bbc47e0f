"""Rules for augmenters."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from alloygan.assembler import site_of
from alloygan.interfaces.augmenter import Augmenter
from alloygan.interfaces.streams import stream
from alloygan.testing.modules import in_float64, on_meta, with_channels_last
from alloygan.testing.randomness import global_random_left_alone
from alloygan.testing.subject import Subject
from alloygan.testing.synchronisation import readback_refused
from alloygan.testing.verdicts import NotApplicable, require


def _cases(subject: Subject) -> Iterator[tuple[Augmenter, Tensor]]:
    spec: Any = subject.spec
    for shape in subject.shapes:
        augmenter = spec.build(site_of(shape, subject.space()))
        for count in (1, 5):
            yield augmenter, 2 * torch.rand(count, *shape, generator=stream(0, "augmented images")) - 1


def keeps_shape_and_range(subject: Subject) -> None:
    """float32 (B, C, H, W) of the same shape and finite, for real and generated images."""
    for augmenter, images in _cases(subject):
        for real in (True, False):
            result = augmenter(images.clone(), real=real, random=stream(0, "augment"))
            require(
                result.shape == images.shape,
                f"images {tuple(images.shape)} become {tuple(result.shape)}; declare in size_problem what it cannot do",
            )
            require(result.dtype == torch.float32, f"images become {result.dtype}, not float32")
            require(bool(result.isfinite().all()), "images become non-finite")


def leaves_its_input_alone(subject: Subject) -> None:
    """The images that it is given stay as they were."""
    for augmenter, images in _cases(subject):
        given = images.clone()
        augmenter(given, real=True, random=stream(0, "augment"))
        require(torch.equal(given, images), "changes the images that it is given in place")


def draws_from_what_it_is_handed(subject: Subject) -> None:
    """The same generator in the same state gives the same images; the global random numbers stay where they were."""
    for augmenter, images in _cases(subject):
        with global_random_left_alone("augmenting"):
            one = augmenter(images, real=True, random=stream(0, "augment"))
            two = augmenter(images, real=True, random=stream(0, "augment"))
        require(torch.equal(one, two), "the same random generator gives other images")


def is_differentiable(subject: Subject) -> None:
    """Gradients reach the images, as the generator needs where an augmenter acts on its images."""
    for augmenter, images in _cases(subject):
        given = images.clone().requires_grad_()
        augmenter(given, real=augmenter.acts_on_fake is False, random=stream(0, "augment")).square().sum().backward()  # type: ignore[no-untyped-call]
        require(given.grad is not None and bool(given.grad.any()), "no gradient reaches the images")
        require(given.grad is not None and bool(given.grad.isfinite().all()), "the gradient is not finite")


def leaves_generated_images_alone_if_it_says_so(subject: Subject) -> None:
    """Without acts_on_fake it is an enlargement of the data set, and maps real images only."""
    for augmenter, images in _cases(subject):
        if augmenter.acts_on_fake:
            raise NotApplicable("it acts on everything the critic sees")
        result = augmenter(images, real=False, random=stream(0, "augment"))
        require(torch.equal(result, images), "changes generated images although acts_on_fake is False")


def does_not_read_back_to_the_host(subject: Subject) -> None:
    """It never makes the host wait for the device, and makes its tensors where the images are."""
    for augmenter, images in _cases(subject):
        with readback_refused("augmenting", on_device=True):
            augmenter(images, real=True, random=stream(0, "augment"))
    augmenter, images = next(_cases(subject))
    there = images.to("meta")
    on_meta("augmenting", lambda: augmenter(there, real=True, random=stream(0, "augment")))


def computes_the_same_with_channels_last(subject: Subject) -> None:
    """Generated images may have their channels last in memory (`training.channels_last`)."""
    shape = subject.coloured
    if shape is None:
        raise NotApplicable("it takes no images of several channels, whose order in memory could be another")
    spec: Any = subject.spec
    augmenter: Augmenter = spec.build(site_of(shape, subject.space()))
    images = 2 * torch.rand(5, *shape, generator=stream(0, "augmented images")) - 1
    last = images.contiguous(memory_format=torch.channels_last).requires_grad_()
    for real in (True, False):
        expected = augmenter(images, real=real, random=stream(0, "augment"))
        found = with_channels_last("augmenting", partial(augmenter, last, real=real, random=stream(0, "augment")))
        require(
            torch.allclose(found, expected, rtol=1e-4, atol=1e-5),
            "makes other images where they have their channels last in memory, as training.channels_last: true keeps "
            "them; go by dimensions, not by the order in memory (rand_like and uniform_ of an empty_like fill in that "
            "order)",
        )
        if found.requires_grad:
            with_channels_last("backward", lambda found=found: found.square().sum().backward())  # type: ignore[misc]


def computes_in_float64(subject: Subject) -> None:
    """Images of float64 stay so (`training.precision: fp64`)."""
    for augmenter, images in _cases(subject):
        for real in (True, False):
            augment = partial(augmenter, images.double(), real=real, random=stream(0, "augment"))
            found = in_float64("augmenting", augment)
            require(
                found.dtype == torch.float64,
                f"images of float64, as with training.precision: fp64, become {found.dtype}; leave .float() out",
            )


AUGMENTER_CHECKS = (
    keeps_shape_and_range,
    leaves_its_input_alone,
    draws_from_what_it_is_handed,
    is_differentiable,
    leaves_generated_images_alone_if_it_says_so,
    does_not_read_back_to_the_host,
    computes_the_same_with_channels_last,
    computes_in_float64,
)
