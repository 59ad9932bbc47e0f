"""Rules for generators."""

from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from alloygan.testing.modules import nudge
from alloygan.testing.network import Network
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import ConformanceError, require


def declares_its_noise_width(subject: Subject) -> None:
    """The loop draws noise (B, noise_width)."""
    width = getattr(Network.build(subject).module, "noise_width", None)
    require(isinstance(width, int) and width >= 1, f"noise_width is {width!r}, not a positive integer")


def makes_images_of_the_shape_asked_for(subject: Subject) -> None:
    """float32 (B, C, H, W), for every image shape that size_problem accepts and several batch sizes."""
    for shape in subject.shapes:
        network = Network.build(subject, shape)
        for training, count in ((True, 2), (True, 5), (False, 1), (False, 3)):
            network.module.train(training)
            with torch.no_grad():
                images = network(network.condition(count))["images"]
            require(
                tuple(images.shape) == (count, *shape),
                f"asked for {count} images of {shape}, it makes {tuple(images.shape)}",
            )
            require(images.dtype == torch.float32, f"images are {images.dtype}, not float32")


def stays_between_minus_one_and_one(subject: Subject) -> None:
    """Images lie in [−1, 1], also for unusual noise and other weights."""
    network = Network.build(subject)
    for moved in (False, True):
        if moved:
            nudge(network.module, 0.5)
        for training in (True, False):
            network.module.train(training)
            with torch.no_grad():
                images = network(network.condition(6), network.inputs(6, scale=10.0))["images"]
            low, high = float(images.min()), float(images.max())
            require(
                low >= -1 - 1e-6 and high <= 1 + 1e-6,
                f"images reach from {low:.3g} to {high:.3g}, outside [−1, 1]; end with tanh",
            )


def uses_the_noise(subject: Subject) -> None:
    """Two noise vectors give two images."""
    network = Network.build(subject)
    network.module.eval()
    with torch.no_grad():
        images = network(network.condition(1)[torch.zeros(2, dtype=torch.int64)], network.inputs(2))["images"]
    require(not torch.allclose(images[0], images[1]), "the noise does not change the image")


def makes_each_image_by_itself(subject: Subject) -> None:
    """In evaluation mode an image depends on its own noise and condition, not on others of its batch."""
    network = Network.build(subject)
    with torch.no_grad():
        network(network.condition(6))  # running statistics away from their start
        network.module.eval()
        inputs = network.inputs(6)
        assert inputs is not None  # a generator has noise
        together = network(network.condition(6), inputs)["images"]
        alone = network(network.condition(6)[2:3], inputs[2:3])["images"]
    require(
        torch.allclose(together[2:3], alone, rtol=1e-4, atol=1e-4),
        "an image changes with the others of its batch in evaluation mode; sample i would depend on how many are made",
    )


def can_be_shared(subject: Subject) -> None:
    """Its state fits into a safetensors file, as every run folder has one, and comes back unchanged."""
    state: dict[str, Any] = Network.build(subject).module.state_dict()
    try:
        again = load(save({name: tensor.contiguous() for name, tensor in state.items()}))
    except (RuntimeError, ValueError, AttributeError, TypeError, SafetensorError) as error:
        raise ConformanceError(f"the state does not fit into a safetensors file: {error}") from error
    require(all(torch.equal(again[name], tensor) for name, tensor in state.items()), "safetensors changes the state")


GENERATOR_CHECKS = (
    declares_its_noise_width,
    makes_images_of_the_shape_asked_for,
    stays_between_minus_one_and_one,
    uses_the_noise,
    makes_each_image_by_itself,
    can_be_shared,
)
