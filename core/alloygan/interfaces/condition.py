"""The processing parameters of a batch of images, as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

OFF_TABLE = -1
"""The label of a condition that is not in the table."""


@dataclass(frozen=True)
class Condition:
    """Conditions of B images.

    `values` (B, F) float32: continuous columns scaled so that the bounds are 0 and 1 (they may lie outside),
    categories one-hot. `label` (B,) int64: id in the table of conditions, −1 off the table. Built and checked by a
    ConditionSpace, on the host.
    """

    values: Tensor
    label: Tensor

    def __len__(self) -> int:
        return self.values.shape[0]

    def __getitem__(self, index: Tensor | slice) -> "Condition":
        """The conditions at these positions of the batch."""
        return Condition(self.values[index], self.label[index])

    def to(self, device: torch.device | str) -> "Condition":
        """The same conditions on another device."""
        return Condition(self.values.to(device), self.label.to(device))

    @staticmethod
    def cat(conditions: Sequence["Condition"]) -> "Condition":
        """Conditions one after another."""
        return Condition(torch.cat([c.values for c in conditions]), torch.cat([c.label for c in conditions]))
