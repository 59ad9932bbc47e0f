"""A sampler draws batches of real images and the conditions to ask of the generator."""

from abc import ABC, abstractmethod

from alloygan.interfaces.batch import Batch


class Sampler(ABC):
    """Draws the batch of one update from the training patches it was built with.

    `judges_target`: the critic judges the real images under the target condition instead of their own (a vicinal
    sampler takes images with conditions *near* the target).
    """

    judges_target: bool = False

    @abstractmethod
    def draw(self, count: int, images_seen: int) -> Batch:
        """Draw `count` images at a moment of the training; the same arguments draw the same batch."""
