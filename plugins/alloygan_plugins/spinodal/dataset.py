"""Simulations to training and evaluation patches, or to whole micrographs."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from alloygan import Data, Patches
from alloygan.data.condition_space import ConditionSpace
from alloygan.data.simulated import SimulatedMicrograph
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.spinodal.simulations import Simulation, fields_of
from alloygan_plugins.spinodal.specs import Spinodal


def build(spec: Spinodal, asked: Sequence[ColumnSpec]) -> Data:
    """Simulate every node, training and evaluation runs apart, and cut the boxes to patches.

    `Patches.source` is the number of the simulation. The same spec gives the same bits on the same machine.
    """
    space = spec.condition_space(asked)
    simulated: list[Simulation] = []
    parts: list[Tensor] = []
    for batch, fields in fields_of(spec):
        simulated += batch
        parts.append(_grey(spec, _pooled(spec, fields)))
    grey = torch.cat(parts, dim=1)
    train = _patches(spec, space, simulated, grey, training=True)
    rest = _patches(spec, space, simulated, grey, training=False) if spec.evaluation_runs else train
    return Data(space, train, rest)


def micrographs(spec: Spinodal, asked: Sequence[ColumnSpec]) -> Iterator[SimulatedMicrograph]:
    """The pooled box of each simulation at each of its times; on the mask is what has a composition above 0.5."""
    names = [column.name for column in spec.columns(asked)]
    for batch, fields in fields_of(spec):
        pooled = _pooled(spec, fields)
        grey, phase = _grey(spec, pooled).numpy(), (pooled > 0.5).numpy()
        for i, one in enumerate(batch):
            for moment, node in enumerate(one.nodes):
                yield SimulatedMicrograph(
                    name=_name(one, node["time"]),
                    image=grey[moment, i, None],
                    conditions={name: node[name] for name in names},
                    mask=phase[moment, i],
                    training=one.training,
                )


def _name(simulation: Simulation, time: float) -> str:
    part = "training" if simulation.training else "evaluation"
    return f"{part}_{simulation.number:05d}_t{time!r}".removesuffix(".0")


def _pooled(spec: Spinodal, fields: Tensor) -> Tensor:
    """Composition (T, B, H, W) averaged over squares of `spec.pool` px."""
    return F.avg_pool2d(fields, spec.pool)


def _grey(spec: Spinodal, pooled: Tensor) -> Tensor:
    """Compositions as grey levels, uint8 of the same shape."""
    low, high = spec.grey_range
    return ((pooled - low) * (255 / (high - low))).round_().clamp_(0, 255).to(torch.uint8)


def _patches(
    spec: Spinodal, space: ConditionSpace, simulated: Sequence[Simulation], grey: Tensor, *, training: bool
) -> Patches:
    """Patches of the simulations for training or of the others, from the boxes (T, B, H, W) of all; the earliest time
    comes first.
    """
    chosen = [i for i, one in enumerate(simulated) if one.training == training]
    boxes = rearrange(grey[:, chosen], "t b h w -> (t b) 1 h w")
    nodes = [simulated[i].nodes[moment] for moment in range(len(grey)) for i in chosen]
    sources = torch.tensor([simulated[i].number for i in chosen]).repeat(len(grey))
    height, width = spec.image_shape[1:]
    stride = (height, width)
    if training and spec.stride is not None:
        stride = spec.stride
        # The box is periodic: patches that cross its edge go on at the other side.
        boxes = torch.cat([boxes, boxes[:, :, : height - 1]], dim=2)
        boxes = torch.cat([boxes, boxes[:, :, :, : width - 1]], dim=3)
    windows = boxes.unfold(2, height, stride[0]).unfold(3, width, stride[1])
    images = rearrange(windows, "b c r q h w -> (b r q) c h w").contiguous()
    conditions = space.condition([space.row({c.name: node[c.name] for c in space.columns}) for node in nodes])
    index = torch.arange(len(nodes)).repeat_interleave(len(images) // len(nodes))
    return Patches(images, conditions[index], sources[index])
