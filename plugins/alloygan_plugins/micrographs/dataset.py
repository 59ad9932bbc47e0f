"""Micrographs of a manifest to training and evaluation patches."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from alloygan import Condition, Data, Patches
from alloygan.data.condition_space import ConditionSpace
from alloygan.data.cutting import cut_patches
from alloygan.data.images import read_image
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.micrographs.specs import Micrographs


def build(spec: Micrographs, asked: Sequence[ColumnSpec]) -> Data:
    """Read every micrograph of the manifest that is not excluded, and cut it.

    `Patches.source` counts those micrographs from 0 in the order of the manifest. Bounds that the columns
    leave open, and the table, come from all of them. Raises DataError.
    """
    manifest = spec.checked_manifest(asked)
    space = ConditionSpace.from_rows(
        spec.columns(asked), [one.conditions for one in manifest.micrographs], tabulate=spec.table
    )
    conditions = space.condition([space.row(one.conditions) for one in manifest.micrographs])
    train: list[NDArray[np.uint8]] = []
    evaluation: list[NDArray[np.uint8]] = []
    none = np.empty((0, *spec.image_shape), dtype=np.uint8)
    for one in manifest.micrographs:
        image = read_image(
            one.file,
            channels=spec.channels,
            contrast=spec.contrast,
            region=one.roi,
            max_pixels=spec.max_pixels,
        )
        avoid, part = one.regions_in_roi
        training_patches, evaluation_patches = cut_patches(image, spec.cut, str(one.file), avoid=avoid, evaluation=part)
        train.append(training_patches)
        evaluation.append(none if evaluation_patches is None else evaluation_patches)
    training = _joined(train, conditions)
    um_per_px = None if manifest.um_per_px is None else manifest.um_per_px * spec.downscale
    return Data(space, training, _joined(evaluation, conditions) if any(map(len, evaluation)) else training, um_per_px)


def _joined(patches: Sequence[NDArray[np.uint8]], conditions: Condition) -> Patches:
    """The patches of all micrographs, one micrograph after another."""
    source = torch.repeat_interleave(torch.tensor([len(one) for one in patches]))
    return Patches(torch.from_numpy(np.concatenate(patches)), conditions[source], source)
