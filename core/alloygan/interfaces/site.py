"""What a component is told about its surroundings when it is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Site:
    """Image shape (channels, height, width), the width of `Condition.values`, the number of ids in the table of
    conditions (0: no table), for a loss the per-image shapes of what the critic gives (`image_embedding`,
    `condition_embedding`, `extras.<name>`), and the positions in `Condition.values` that are one-hot classes.
    """

    image_shape: tuple[int, int, int]
    condition_width: int
    condition_count: int
    critic_outputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    classes: frozenset[int] = frozenset()

    @property
    def continuous(self) -> tuple[int, ...]:
        """The positions in `Condition.values` that are scaled numbers."""
        return tuple(i for i in range(self.condition_width) if i not in self.classes)

    @property
    def channels(self) -> int:
        """Channels of an image."""
        return self.image_shape[0]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image in px."""
        return self.image_shape[1:]
