"""Spec and condition space to a GAN: the only place where the parts meet."""

from dataclasses import dataclass, replace

import torch

from alloygan.data.condition_space import ConditionSpace
from alloygan.errors import PluginError, SpecError
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critic
from alloygan.interfaces.generator import Generator
from alloygan.interfaces.loss import Loss
from alloygan.interfaces.site import Site
from alloygan.interfaces.step import ExtraForward
from alloygan.layers.initialisation import build_seeded
from alloygan.specs.components import GeneratorSpec
from alloygan.specs.gan import GanSpec
from alloygan.specs.wiring import wiring_problems


@dataclass(frozen=True)
class Gan:
    """The assembled parts, on the CPU, in training mode. `site` has the shapes of what the critic gives."""

    spec: GanSpec
    site: Site
    generator: Generator
    critic: Critic
    losses: dict[str, Loss]


def assemble(spec: GanSpec, space: ConditionSpace) -> Gan:
    """Build generator, critic and losses of a spec for a condition space.

    Parameters start from (training.seed, dotted path). Raises SpecError where parts do not fit together, PluginError
    where a critic does not give what its spec says.
    """
    problems = wiring_problems(spec)
    if problems:
        raise SpecError("\n".join(f"{'.'.join(path)}: {text}" for path, text in problems))
    seed = spec.training.seed
    site = site_of(spec.data.image_shape, space)
    generator = build_generator(spec.generator, site, seed)
    critic = build_seeded(seed, "critic", lambda: spec.critic.build(site))
    site = replace(site, critic_outputs=_outputs(critic, site, spec))
    losses = {
        name: build_seeded(seed, f"losses.{name}", lambda loss=loss: loss.build(site))  # type: ignore[misc]
        for name, loss in spec.losses.items()
    }
    return Gan(spec, site, generator, critic, losses)


def site_of(image_shape: tuple[int, int, int], space: ConditionSpace) -> Site:
    """The surroundings of a component: image shape (C, H, W) and condition space."""
    return Site(image_shape, space.width, len(space.table), classes=space.class_positions)


def build_generator(spec: GeneratorSpec, site: Site, seed: int = 0) -> Generator:
    """Build a generator alone, as for sampling from a shared model."""
    return build_seeded(seed, "generator", lambda: spec.build(site))


def example_condition(site: Site, count: int) -> Condition:
    """A condition of the right width, for finding shapes: id 0 where there is a table."""
    label = 0 if site.condition_count else -1
    return Condition(torch.zeros(count, site.condition_width), torch.full((count,), label, dtype=torch.int64))


def _outputs(critic: Critic, site: Site, spec: GanSpec) -> dict[str, tuple[int, ...]]:
    """Shapes of the critic's outputs for one image, found by judging two blank ones."""
    critic.eval()
    with torch.no_grad():
        critique = ExtraForward(critic)(torch.zeros(2, *site.image_shape), example_condition(site, 2))
    critic.train()
    shapes = {name: tuple(tensor.shape[1:]) for name, tensor in critique.named().items()}
    if critique.score.shape != (2,):
        raise PluginError(f"critic {spec.critic.kind!r}: score has shape {tuple(critique.score.shape)}, expected (B,)")
    missing = sorted(spec.critic.gives - shapes.keys())
    if missing:
        raise PluginError(f"critic {spec.critic.kind!r} says that it gives {', '.join(missing)}, and does not")
    return shapes
