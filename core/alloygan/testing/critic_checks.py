"""Rules for critics."""

from typing import Any

import torch

from alloygan.interfaces.critic import Critique
from alloygan.interfaces.step import ExtraForward
from alloygan.testing.modules import changed, copy_of_state, nudge, require_finite, with_gradient
from alloygan.testing.network import Network
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import ConformanceError, require


def judges_images_of_every_shape(subject: Subject) -> None:
    """score (B,) and embeddings (B, E) in float32, for every image shape that size_problem accepts."""
    for shape in subject.shapes:
        network = Network.build(subject, shape)
        for training, count in ((True, 2), (True, 5), (False, 1), (False, 3)):
            network.module.train(training)
            with torch.no_grad():
                outputs = network(network.condition(count))
            score = outputs["score"]
            require(tuple(score.shape) == (count,), f"score has shape {tuple(score.shape)}, expected ({count},)")
            for name, output in outputs.items():
                require(
                    output.is_floating_point() and output.dtype == torch.float32,
                    f"{name} is {output.dtype}, not float32",
                )
            widths = {tuple(outputs[n].shape) for n in ("image_embedding", "condition_embedding") if n in outputs}
            require(
                len(widths) < 2 and all(len(width) == 2 for width in widths),
                f"embeddings have shapes {', '.join(map(str, sorted(widths)))}; both are (B, E) with one E",
            )


def gives_what_it_says(subject: Subject) -> None:
    """Its Critique has the outputs that `gives` names, and no others: losses are matched by these names."""
    network = Network.build(subject)
    critique: Any = network.module(network.inputs(2), network.condition(2))
    require(isinstance(critique, Critique), f"returns a {type(critique).__name__}, not a Critique")
    given, said = set(critique.named()) - {"score"}, set(subject.spec.gives)
    require(
        given == said,
        f"says that it gives {', '.join(sorted(said)) or 'nothing'}, and gives {', '.join(sorted(given)) or 'nothing'} "
        "beside the score",
    )


def passes_gradients_to_images(subject: Subject) -> None:
    """A frozen critic passes finite gradients to the images, and takes none: how the generator learns."""
    network = Network.build(subject)
    nudge(network.module)
    network.module.requires_grad_(False)
    images = network.inputs(4)
    assert images is not None  # a critic has images
    images.requires_grad_()
    network(network.condition(4), images)["score"].sum().backward()  # type: ignore[no-untyped-call]
    if images.grad is None or not bool(images.grad.any()):
        raise ConformanceError("no gradient reaches the images")
    require_finite({"the gradient of the images": images.grad}, "in a batch of 4")
    require(not with_gradient(network.module), "parameters take gradients although requires_grad is off for them")


def allows_gradient_penalties(subject: Subject) -> None:
    """The gradient of the score with respect to the images can be differentiated again."""
    network = Network.build(subject)
    nudge(network.module)
    images = network.inputs(4)
    assert images is not None  # a critic has images
    images.requires_grad_()
    score = network(network.condition(4), images)["score"]
    try:
        (gradient,) = torch.autograd.grad(score.sum(), images, create_graph=True)
        gradient.square().sum().backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ConformanceError(f"no gradient penalty can be used with it: {error}") from error
    gradients = {n: p.grad for n, p in network.module.named_parameters() if p.grad is not None}
    require(bool(gradients), "a gradient penalty reaches no parameter")
    require_finite(gradients, "under a gradient penalty")


def is_left_alone_by_an_extra_forward(subject: Subject) -> None:
    """An extra forward inside a loss leaves running statistics and all other state as they were."""
    network = Network.build(subject)
    before = copy_of_state(network.module)
    module: Any = network.module
    first = ExtraForward(module)(network.inputs(4), network.condition(4))  # type: ignore[arg-type]
    different = changed(before, copy_of_state(network.module))
    require(not different, f"an extra forward changes {', '.join(different)}; keep state in buffers")
    again = ExtraForward(module)(network.inputs(4), network.condition(4))  # type: ignore[arg-type]
    require(
        torch.equal(first.score, again.score),
        "an extra forward changes the next one; keep state in buffers, where it is restored",
    )


def names_its_trunk(subject: Subject) -> None:
    """`trunk_parameters` are some of its own parameters, each once; clipping by `clip_scope: trunk` acts on them."""
    module: Any = Network.build(subject).module
    trunk = [id(parameter) for parameter in module.trunk_parameters()]
    own = {id(parameter) for parameter in module.parameters()}
    require(bool(trunk), "trunk_parameters names no parameter")
    require(set(trunk) <= own, "trunk_parameters names tensors that are not parameters of the critic")
    require(len(trunk) == len(set(trunk)), "trunk_parameters names a parameter twice")


CRITIC_CHECKS = (
    judges_images_of_every_shape,
    gives_what_it_says,
    passes_gradients_to_images,
    allows_gradient_penalties,
    is_left_alone_by_an_extra_forward,
    names_its_trunk,
)
