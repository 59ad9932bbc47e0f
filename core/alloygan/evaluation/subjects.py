"""The conditions of an evaluation, each with its real images: evaluation images, and a second set for the floor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alloygan.data.condition_space import Row
from alloygan.data.patches import Data, Patches
from alloygan.data.unscaling import unscaled
from alloygan.evaluation.condition_bins import ConditionBin, condition_bins, scaled_values
from alloygan.evaluation.segmentation import primary_is_bright
from alloygan.evaluation.selection import halves_by_source, spread_over_sources
from alloygan.interfaces.condition import Condition
from alloygan.specs.evaluation import EvaluationSpec

Images = NDArray[np.uint8]
IntArray = NDArray[np.int64]

NOT_KEPT_APART = (
    "the data set keeps nothing for evaluation, so the real images are training images: copies of them would score "
    "well, and the floor is too low"
)
"""What is said where evaluation images are training images."""

TRAINING, HELD_BACK, HALVES = "training images", "real images kept out of training", "other evaluation images"
"""Where the second set of real images may come from."""


@dataclass(frozen=True)
class Subject:
    """One condition (or one bin of conditions) and its images (n, C, H, W), with the number of the micrograph or
    simulation of each.

    `label`: its id in the table, negative for a bin. `ranges`: for each column that bins were cut along, the least and
    the greatest value; `condition` is then the mean. `other` is the second set of real images, for the floor: training
    images, or else evaluation images of other sources. `real_values` (n, F): the scaled conditions of `real`. `count`:
    how many images of each set are compared. `bright`: whether the primary phase is the bright one.
    """

    label: int
    condition: dict[str, Any]
    text: str
    ranges: dict[str, list[float]]
    held_out: bool
    real: Images
    real_source: IntArray
    real_values: NDArray[np.float32]
    other: Images
    other_source: IntArray
    other_from: str
    note: str | None
    count: int
    bright: bool

    @property
    def floor_from(self) -> str | None:
        """Where the second set of real images comes from, in words; None where there is none."""
        return self.other_from if len(self.other) and len(self.real) else None

    @property
    def other_is_training(self) -> bool:
        """Whether the second set of real images was trained on."""
        return self.other_from == TRAINING


@dataclass(frozen=True)
class _Choice:
    """Which images are compared: `real` and `other` are positions, those of `other` in `others`. `known`, in
    `known_in`: all images that tell which phase is the minority.
    """

    real: IntArray
    other: IntArray
    others: Patches
    known: IntArray
    known_in: Patches
    other_from: str
    note: str | None
    count: int


def subjects_of(spec: EvaluationSpec, data: Data, threshold: float) -> list[Subject]:
    """A subject for each condition of the table, or one for each bin of conditions where the table is empty."""
    space = data.space
    subjects = []
    trained_on = NOT_KEPT_APART if evaluation_is_training(data) else None
    for label, one in _labels(data).items():
        choice = _choose(data, label, one, spec.images, spec.seed)
        real, other = _images(data.evaluation, choice.real), _images(choice.others, choice.other)
        values = scaled_values(data.evaluation)[choice.real]
        if isinstance(one, ConditionBin):
            ranges = one.ranges(space, values) if len(values) else {}
            condition, text = _bin_words(data, values, ranges)
        else:
            condition, text, ranges = space.named(one), space.text(one), {}
        known = _images(choice.known_in, choice.known)
        subjects.append(
            Subject(
                label=label,
                condition=condition,
                text=text,
                ranges=ranges,
                held_out=label in space.held_out,
                real=real,
                real_source=_sources(data.evaluation)[choice.real],
                real_values=values,
                other=other,
                other_source=_sources(choice.others)[choice.other],
                other_from=choice.other_from,
                note=choice.note or trained_on,
                count=choice.count,
                bright=primary_is_bright(spec.phase, known, threshold, spec.smooth),
            )
        )
    return subjects


def evaluation_is_training(data: Data) -> bool:
    """Whether the data set keeps nothing for evaluation: its evaluation images are those of training."""
    kept = ~torch.isin(data.evaluation.condition.label, torch.tensor(sorted(data.space.held_out), dtype=torch.int64))
    images = data.evaluation.images[kept.to(data.evaluation.images.device)]
    same = images.shape == data.train.images.shape
    return same and len(data.train) > 0 and torch.equal(images, data.train.images)


def of_label(data: Data, patches: Patches, label: int) -> Tensor:
    """Images (n, C, H, W) of those patches that are of one condition of the table, or of one bin of the data set."""
    return patches.images[torch.from_numpy(_positions(patches, label, _labels(data)[label]))]


def conditions_asked(data: Data, label: int, count: int, seed: int) -> Condition:
    """What is asked of the generator for a bin of conditions: those of the `count` evaluation images that it is
    compared with (of training images where there are none).
    """
    choice = _choose(data, label, _labels(data)[label], count, seed)
    if len(choice.real):
        return data.evaluation.condition[torch.from_numpy(choice.real)]
    return choice.others.condition[torch.from_numpy(choice.other)]


def _labels(data: Data) -> dict[int, Row | ConditionBin]:
    """What is compared, by label: conditions of the table, or bins."""
    table: dict[int, Row | ConditionBin] = dict(enumerate(data.space.table))
    return table or {one.label: one for one in condition_bins(data)}


def _choose(data: Data, label: int, one: Row | ConditionBin, images: int, seed: int) -> _Choice:
    mine, training = _positions(data.evaluation, label, one), _positions(data.train, label, one)
    source = _sources(data.evaluation)
    seeds = [seed, abs(label + 1)]
    note = None
    others, other_from = data.train, TRAINING
    if data.held_back is not None and not len(training):
        others, other_from, training = data.held_back, HELD_BACK, _positions(data.held_back, label, one)
    if not len(mine):
        note = "no evaluation images of this condition"
    elif not len(training):
        other_from = HALVES
        first, second = halves_by_source(source[mine], seeds)
        note = "no training images of this condition"
        if len(first):
            note += "; the floor is between two halves of the evaluation images"
            others, training, mine = data.evaluation, mine[second], mine[first]
        else:
            note += " and evaluation images from one source only, hence no floor"
    count = min([images, *(len(some) for some in (mine, training) if len(some))])
    # Without a real image of its own (a level that was never seen), the whole data set tells the minority.
    known, known_in = np.arange(len(data.train)), data.train
    if len(training) or len(mine):
        known, known_in = (training, others) if len(training) else (mine, data.evaluation)
    return _Choice(
        real=mine[_chosen(source[mine], count, [*seeds, 1])],
        other=training[_chosen(_sources(others)[training], count, [*seeds, 2])],
        others=others,
        known=known,
        known_in=known_in,
        other_from=other_from,
        note=note,
        count=count,
    )


def _bin_words(data: Data, values: NDArray[np.float32], ranges: dict[str, list[float]]) -> tuple[dict[str, Any], str]:
    """The mean condition of a bin by column name, and its ranges in words; of an only bin none and `all conditions`."""
    if not ranges:
        return {}, "all conditions"
    mean = data.space.named(unscaled(data.space, values.mean(axis=0, dtype=np.float64).tolist()))
    columns = {column.name: column for column in data.space.columns}
    words = [
        f"{name} = " + (f"{low:g}–{high:g} {columns[name].unit}".strip() if low < high else columns[name].text(low))
        for name, (low, high) in ranges.items()
    ]
    # Of categories there is no mean.
    return {name: value for name, value in mean.items() if columns[name].scale != "category"}, ", ".join(words)


def _positions(patches: Patches, label: int, one: Row | ConditionBin) -> IntArray:
    if isinstance(one, ConditionBin):
        return np.flatnonzero(one.holds(patches))
    return np.flatnonzero(patches.condition.label.cpu().numpy() == label)


def _chosen(source: IntArray, count: int, seed: Sequence[int]) -> IntArray:
    return spread_over_sources(source, count, seed) if len(source) else np.zeros(0, dtype=np.int64)


def _images(patches: Patches, positions: IntArray) -> Images:
    return host(patches.images[torch.from_numpy(positions)])


def _sources(patches: Patches) -> IntArray:
    sources: IntArray = patches.source.cpu().numpy()
    return sources


def host(images: Tensor) -> Images:
    """Images as a numpy array."""
    array: Images = images.detach().cpu().numpy()
    return array
