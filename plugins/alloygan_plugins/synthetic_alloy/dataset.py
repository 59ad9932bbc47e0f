"""Micrographs of the synthetic alloy to training and evaluation patches."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from alloygan import Data, Patches
from alloygan.data.condition_space import ConditionSpace
from alloygan.data.cutting import Cut, cut_patches
from alloygan.data.simulated import SimulatedMicrograph
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.synthetic_alloy.law import truth_at
from alloygan_plugins.synthetic_alloy.micrograph import Look, Seed, draw_micrograph
from alloygan_plugins.synthetic_alloy.specs import SyntheticAlloy


def micrographs(spec: SyntheticAlloy) -> Iterator[SimulatedMicrograph]:
    """All micrographs, those of training first, each part by condition. Raises DataError if grains have no room."""
    yield from _part(spec, "training")
    yield from _part(spec, "evaluation")


def build(spec: SyntheticAlloy, asked: Sequence[ColumnSpec]) -> Data:
    """Draw the micrographs and cut them; `Patches.source` is the number of the micrograph.

    Training patches overlap by patch minus stride; evaluation patches come from other micrographs and do not overlap.
    The same spec gives the same bits on the same machine. Raises DataError.
    """
    spec.check_inputs(asked)
    space = spec.condition_space(asked)
    half = max(1, spec.patch[0] // 2), max(1, spec.patch[1] // 2)
    train = _patches(spec, space, "training", spec.stride or half, 0)
    if not spec.evaluation_micrographs:
        return Data(space, train, train, spec.um_per_px[0])
    evaluation = _patches(spec, space, "evaluation", spec.patch, int(train.source.max()) + 1)
    return Data(space, train, evaluation, spec.um_per_px[0])


def _part(spec: SyntheticAlloy, part: Literal["training", "evaluation"]) -> Iterator[SimulatedMicrograph]:
    nodes = spec.nodes(part)
    repeats = spec.training_micrographs if part == "training" else spec.evaluation_micrographs
    look = Look(spec.size, spec.noise, spec.contrast_drift, spec.cracks, spec.roughness, spec.compression)
    # A grid has several micrographs of each node, a random design one.
    for number, node in enumerate(nodes):
        for repeat in range(repeats) if spec.design == "grid" else (number,):
            drawn = draw_micrograph(
                truth_at(node["temperature"], node["strain_rate"]),
                spec.um_per_px[repeat % len(spec.um_per_px)],
                look,
                Seed(spec.seed, part, repeat),
            )
            where = f"{number:03d}_{repeat:02d}" if spec.design == "grid" else f"{number:04d}"
            yield SimulatedMicrograph(
                name=f"{part}_{where}_{node['temperature']:.0f}C_{node['strain_rate']:.0e}",
                image=drawn.image[None],
                conditions=node,
                um_per_px=drawn.um_per_px,
                mask=drawn.mask,
                training=part == "training",
                truth=drawn.table(),
                crack_mask=drawn.crack_mask if spec.cracks else None,
            )


def _patches(
    spec: SyntheticAlloy,
    space: ConditionSpace,
    part: Literal["training", "evaluation"],
    stride: tuple[int, int],
    first: int,
) -> Patches:
    """Patches of all micrographs of a part, which are numbered from `first`."""
    cut = Cut(spec.patch, stride, evaluation_fraction=0)
    images: list[NDArray[np.uint8]] = []
    rows = []
    for one in _part(spec, part):
        images.append(cut_patches(one.image, cut, one.name)[0])
        rows.append(space.row({column.name: one.conditions[column.name] for column in space.columns}))
    source = torch.repeat_interleave(torch.tensor([len(some) for some in images]))
    return Patches(torch.from_numpy(np.concatenate(images)), space.condition(rows)[source], source + first)
