"""A loss is one term of the objective; it sees the whole step and returns named scalars."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from alloygan.interfaces.critic import Critic
from alloygan.interfaces.step import CriticStep, GeneratorStep


@dataclass(frozen=True)
class Terms:
    """Named scalars (0-d tensors): `objective` to minimise, `observed` only to log.

    The loop multiplies the objective by the spec's weight, sums over the losses and calls backward.
    """

    objective: Mapping[str, Tensor] = field(default_factory=dict)
    observed: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise TypeError for what is no tensor, where the loss makes it."""
        for name, value in (*self.objective.items(), *self.observed.items()):
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"the term {name!r} is {value!r}, of type {type(value).__name__}; a term is a 0-d tensor on the "
                    "device of what it was computed from"
                )


class Loss(nn.Module):
    """One term of the objective. Override what applies; by default a loss says nothing in either step.

    Parameters of a loss (an auxiliary head, a learned factor) train with the critic, are not clipped, and are in the
    checkpoint. A loss never reads a value back to the host and never calls backward.
    """

    def critic(self, step: CriticStep) -> Terms:
        """Terms for the critic (and this loss's own parameters) to minimise."""
        return Terms()

    def generator(self, step: GeneratorStep) -> Terms:
        """Terms for the generator to minimise."""
        return Terms()

    def after_critic_update(self, critic: Critic) -> None:
        """Act on the critic after its optimiser's step, such as clipping its weights."""
