"""The conditions of an evaluation, each with its real images: evaluation images, and a second set for the floor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alloygan.data.patches import Data, Patches
from alloygan.evaluation.segmentation import primary_is_bright
from alloygan.evaluation.selection import halves_by_source, spread_over_sources
from alloygan.interfaces.condition import OFF_TABLE, Condition
from alloygan.specs.evaluation import EvaluationSpec

Images = NDArray[np.uint8]
IntArray = NDArray[np.int64]

NOT_KEPT_APART = (
    "the data set keeps nothing for evaluation, so the real images are training images: copies of them would score "
    "well, and the floor is too low"
)
"""What is said where evaluation images are training images."""


@dataclass(frozen=True)
class Subject:
    """One condition and its images (n, C, H, W), with the number of the micrograph or simulation of each.

    `other` is the second set of real images, for the floor: training images, or else evaluation images of other
    sources. `real_values` (n, F): the scaled conditions of `real`. `count`: how many images of each set are compared.
    `bright`: whether the primary phase is the bright one.
    """

    label: int
    condition: dict[str, Any]
    text: str
    held_out: bool
    real: Images
    real_source: IntArray
    real_values: NDArray[np.float32]
    other: Images
    other_source: IntArray
    other_is_training: bool
    note: str | None
    count: int
    bright: bool

    @property
    def floor_from(self) -> str | None:
        """Where the second set of real images comes from, in words; None where there is none."""
        if not len(self.other) or not len(self.real):
            return None
        return "training images" if self.other_is_training else "other evaluation images"


def subjects_of(spec: EvaluationSpec, data: Data, threshold: float) -> list[Subject]:
    """A subject for each condition of the table, or one with label −1 for all images where the table is empty."""
    space = data.space
    labels = range(len(space.table)) if space.table else (OFF_TABLE,)
    subjects = []
    trained_on = NOT_KEPT_APART if evaluation_is_training(data) else None
    for label in labels:
        evaluation, evaluation_source, values = _of_label(data.evaluation, label)
        training, training_source, _ = _of_label(data.train, label)
        seed = [spec.seed, label + 1]
        note = trained_on
        other_is_training = len(training) > 0
        if not len(evaluation):
            note = "no evaluation images of this condition"
        elif not len(training):
            first, second = halves_by_source(evaluation_source, seed)
            note = "no training images of this condition"
            if len(first):
                note += "; the floor is between two halves of the evaluation images"
                training, training_source = evaluation[second], evaluation_source[second]
                evaluation, evaluation_source, values = evaluation[first], evaluation_source[first], values[first]
            else:
                note += " and evaluation images from one source only, hence no floor"
        count = min([spec.images, *(len(images) for images in (evaluation, training) if len(images))])
        # Without a real image of its own (a level that was never seen), the whole data set tells the
        # minority.
        known = training if len(training) else evaluation if len(evaluation) else host(data.train.images)
        first_set = _chosen(evaluation_source, count, [*seed, 1])
        second_set = _chosen(training_source, count, [*seed, 2])
        subjects.append(
            Subject(
                label=label,
                condition=space.named(space.table[label]) if label >= 0 else {},
                text=space.text(space.table[label]) if label >= 0 else "all conditions",
                held_out=label in space.held_out,
                real=evaluation[first_set],
                real_source=evaluation_source[first_set],
                real_values=values[first_set],
                other=training[second_set],
                other_source=training_source[second_set],
                other_is_training=other_is_training,
                note=note,
                count=count,
                bright=primary_is_bright(spec.phase, known, threshold, spec.smooth),
            )
        )
    return subjects


def evaluation_is_training(data: Data) -> bool:
    """Whether the data set keeps nothing for evaluation: its evaluation images are those of training."""
    same = data.evaluation.images.shape == data.train.images.shape
    return same and len(data.train) > 0 and torch.equal(data.evaluation.images, data.train.images)


def conditions_of_all(data: Data, count: int) -> Condition:
    """What is asked of the generator for label −1, where there is no table: the conditions of the evaluation images
    (of the training images where there are none), in turn.
    """
    values = data.evaluation.condition if len(data.evaluation) else data.train.condition
    return values[torch.arange(count) * len(values) // count]


def _of_label(patches: Patches, label: int) -> tuple[Images, IntArray, NDArray[np.float32]]:
    chosen = patches.condition.label == label
    values: NDArray[np.float32] = patches.condition.values[chosen].cpu().numpy()
    return host(patches.images[chosen]), patches.source[chosen].cpu().numpy(), values


def _chosen(source: IntArray, count: int, seed: Sequence[int]) -> IntArray:
    return spread_over_sources(source, count, seed) if len(source) else np.zeros(0, dtype=np.int64)


def host(images: Tensor) -> Images:
    """Images as a numpy array."""
    array: Images = images.detach().cpu().numpy()
    return array
