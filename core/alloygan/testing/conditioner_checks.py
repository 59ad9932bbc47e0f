"""Rules for conditioners."""

import torch

from alloygan.testing.network import Network
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import require


def has_the_width_asked_for(subject: Subject) -> None:
    """(B, width) float32 for any width that a network chooses."""
    for width in (1, 7, 64):
        network = Network.build(subject, width=width)
        for count in (1, 4):
            embedding = network(network.condition(count))["embedding"]
            require(
                tuple(embedding.shape) == (count, width),
                f"asked for a width of {width}, it embeds {count} conditions as {tuple(embedding.shape)}",
            )
            require(embedding.dtype == torch.float32, f"the embedding is {embedding.dtype}, not float32")


CONDITIONER_CHECKS = (has_the_width_asked_for,)
