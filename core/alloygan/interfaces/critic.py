"""A critic judges images under a condition."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from alloygan.interfaces.condition import Condition


@dataclass(frozen=True)
class Critique:
    """What a critic says of B images: `score` (B,), higher is more real; `image_embedding` (B, E) and
    `condition_embedding` (B, E) where it has them; `extras`, named tensors such as class logits.
    """

    score: Tensor
    image_embedding: Tensor | None = None
    condition_embedding: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def named(self) -> dict[str, Tensor]:
        """All outputs that are there, by the names that specs use in `needs` and `gives`."""
        outputs = {"score": self.score} | {f"extras.{name}": tensor for name, tensor in self.extras.items()}
        if self.image_embedding is not None:
            outputs["image_embedding"] = self.image_embedding
        if self.condition_embedding is not None:
            outputs["condition_embedding"] = self.condition_embedding
        return outputs


class Critic(nn.Module):
    """Images (B, C, H, W) in [−1, 1] and a condition to a Critique."""

    @abstractmethod
    def forward(self, images: Tensor, condition: Condition) -> Critique:
        """Judge B images."""

    def __call__(self, images: Tensor, condition: Condition) -> Critique:
        """Judge, through torch's module call."""
        return super().__call__(images, condition)  # type: ignore[no-any-return]

    def trunk_parameters(self) -> Iterator[nn.Parameter]:
        """Weights on the way from image to score, which a `clip_scope: trunk` clips; by default all parameters."""
        return self.parameters()
