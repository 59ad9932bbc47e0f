"""A generator maps noise and a condition to images."""

from abc import abstractmethod

from torch import Tensor, nn

from alloygan.interfaces.condition import Condition


class Generator(nn.Module):
    """Noise (B, noise_width) from a standard normal distribution and a condition to images (B, C, H, W) in [−1, 1]."""

    noise_width: int

    @abstractmethod
    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Make B images, float32 (B, C, H, W) in [−1, 1]."""

    def __call__(self, noise: Tensor, condition: Condition) -> Tensor:
        """Generate, through torch's module call."""
        return super().__call__(noise, condition)  # type: ignore[no-any-return]
