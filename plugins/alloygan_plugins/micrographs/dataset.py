"""Micrographs of a manifest to training and evaluation patches."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from alloygan import Condition, Data, Patches
from alloygan.data.condition_space import ConditionSpace
from alloygan.data.cutting import cut_patches, patch_places
from alloygan.data.images import image_size, read_image
from alloygan.data.manifest import Manifest, Micrograph
from alloygan.data.mapped import map_patches, write_patches
from alloygan.errors import DataError
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.micrographs.specs import Micrographs

Part = Literal[0, 1]
PARTS = ("training", "evaluation")

FORMAT = 1
"""Counted up when the cutting changes, so that patches which were kept before are not used."""


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
    if spec.mapped is None:
        both = [_cut(spec, one) for one in manifest.micrographs]
        training, evaluation = (_joined([one[part] for one in both], conditions) for part in (0, 1))
    else:
        training, evaluation = (_mapped(spec, manifest, conditions, part) for part in (0, 1))
    um_per_px = None if manifest.um_per_px is None else manifest.um_per_px * spec.downscale
    return Data(space, training, evaluation if len(evaluation) else training, um_per_px)


def _joined(patches: Sequence[NDArray[np.uint8]], conditions: Condition) -> Patches:
    """The patches of all micrographs, one micrograph after another."""
    return _patches(torch.from_numpy(np.concatenate(patches)), conditions, [len(one) for one in patches])


def _mapped(spec: Micrographs, manifest: Manifest, conditions: Condition, part: Part) -> Patches:
    """The same, from a file in the folder `mapped`, which is made where it is not there yet."""
    assert spec.mapped is not None
    counts = [_count(spec, one, part) for one in manifest.micrographs]
    path = spec.mapped / f"{_digest(spec, manifest)}-{PARTS[part]}.u8"
    images = map_patches(path, spec.image_shape) if path.is_file() else None
    if images is None or len(images) != sum(counts):
        images = write_patches(path, spec.image_shape, (_cut(spec, one)[part] for one in manifest.micrographs))
    if len(images) != sum(counts):
        raise DataError(
            f"{path}: {len(images):,} patches, expected {sum(counts):,}; a micrograph has changed meanwhile"
        )
    return _patches(images, conditions, counts, path)


def _patches(images: torch.Tensor, conditions: Condition, counts: Sequence[int], path: Path | None = None) -> Patches:
    source = torch.repeat_interleave(torch.tensor(counts))
    return Patches(images, conditions[source], source, path)


def _cut(spec: Micrographs, one: Micrograph) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One micrograph's patches of both parts."""
    image = read_image(
        one.file, channels=spec.channels, contrast=spec.contrast, region=one.roi, max_pixels=spec.max_pixels
    )
    avoid, region = one.regions_in_roi
    training, evaluation = cut_patches(image, spec.cut, str(one.file), avoid=avoid, evaluation=region)
    return training, np.empty((0, *spec.image_shape), dtype=np.uint8) if evaluation is None else evaluation


def _count(spec: Micrographs, one: Micrograph, part: Part) -> int:
    """How many patches there are of a part, from the header of the image."""
    size = image_size(one.file, channels=spec.channels, max_pixels=spec.max_pixels)
    avoid, region = one.regions_in_roi
    used = (one.roi.height, one.roi.width) if one.roi else size
    places = patch_places(used, spec.cut, str(one.file), avoid=avoid, evaluation=region)
    sites = (places.training, places.evaluation)[part]
    return 0 if sites is None else len(sites)


def _digest(spec: Micrographs, manifest: Manifest) -> str:
    """Of all that decides the patches; a micrograph counts as changed when its size or time has."""
    facts: list[object] = [FORMAT, spec.model_dump(mode="json", exclude={"manifest", "mapped", "held_out", "table"})]
    for one in manifest.micrographs:
        state = one.file.stat()
        facts.append([str(one.file.resolve()), state.st_size, state.st_mtime_ns, repr(one.roi)])
        facts.append(repr(one.regions_in_roi))
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
