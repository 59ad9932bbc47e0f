"""What a sampler draws for one update."""

from dataclasses import dataclass

from torch import Tensor

from alloygan.interfaces.condition import Condition


@dataclass(frozen=True)
class Batch:
    """B real images (B, C, H, W) float32 in [−1, 1] with their own conditions, the conditions that the generator is
    asked for, and a weight (B,) for each sample.
    """

    images: Tensor
    own_condition: Condition
    target_condition: Condition
    weight: Tensor

    def part(self, some: slice) -> "Batch":
        """Some of the images, with all that belongs to them."""
        return Batch(self.images[some], self.own_condition[some], self.target_condition[some], self.weight[some])
