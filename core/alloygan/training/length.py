"""How long a training is, in real images drawn for the critic."""

import math

from alloygan.specs.training import TrainingSpec


def images_of(training: TrainingSpec, patches: int) -> int:
    """Length of a training in real images, in whole generator updates; an epoch is as many as there are patches."""
    images = training.images if training.images is not None else max(1, round((training.epochs or 0) * patches))
    update = training.batch_size * training.critic_updates
    return math.ceil(images / update) * update


def crossed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of `every` lies in (before, after]."""
    return before // every != after // every
