"""A conditioner maps a condition to an embedding; the network that uses it chooses the width."""

from abc import abstractmethod

from torch import Tensor, nn

from alloygan.interfaces.condition import Condition


class Conditioner(nn.Module):
    """Condition to embedding (B, width)."""

    @abstractmethod
    def forward(self, condition: Condition) -> Tensor:
        """Embed B conditions: (B, width) float32."""

    def __call__(self, condition: Condition) -> Tensor:
        """Embed, through torch's module call."""
        return super().__call__(condition)  # type: ignore[no-any-return]
