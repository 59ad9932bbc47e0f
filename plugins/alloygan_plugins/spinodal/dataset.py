"""Simulations to training and evaluation patches."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from alloygan import Data, Patches
from alloygan.data.condition_space import ConditionSpace
from alloygan.specs.condition_columns import ColumnSpec
from alloygan_plugins.spinodal.simulator import simulate
from alloygan_plugins.spinodal.specs import Node, Spinodal


def build(spec: Spinodal, asked: Sequence[ColumnSpec]) -> Data:
    """Simulate every node, training and evaluation runs apart, and cut the boxes to patches.

    On a grid, one simulation gives all times of its composition and gradient energy. `Patches.source` is the number of
    the simulation. The same spec gives the same bits on the same machine.
    """
    space = spec.condition_space(asked)
    if spec.design == "random":
        nodes = spec.nodes()
        fields = _random_fields(spec, nodes)
        train = _patches(spec, space, nodes[: spec.runs], fields[: spec.runs], 0, training=True)
        rest = _patches(spec, space, nodes[spec.runs :], fields[spec.runs :], spec.runs, training=False)
    else:
        train, rest = _grid(spec, space)
    return Data(space, train, rest if spec.evaluation_runs else train)


def _grid(spec: Spinodal, space: ConditionSpace) -> tuple[Patches, Patches]:
    pairs = [(c, k) for c in spec.composition for k in spec.gradient_energy]
    runs = spec.runs + spec.evaluation_runs
    every = [pair for pair in pairs for _ in range(runs)]
    times = sorted(spec.time)
    fields = simulate(
        torch.tensor([c for c, _ in every]),
        torch.tensor([k for _, k in every]),
        times,
        spec.size,
        spec.seed,
        noise=spec.noise,
    )
    parts: tuple[list[Patches], list[Patches]] = ([], [])
    for moment, time in enumerate(times):
        for number, (composition, gradient_energy) in enumerate(pairs):
            node = {"composition": composition, "gradient_energy": gradient_energy, "time": time}
            first = number * runs
            for part, start, stop in ((0, first, first + spec.runs), (1, first + spec.runs, first + runs)):
                some = fields[moment, start:stop]
                parts[part].append(_patches(spec, space, [node] * (stop - start), some, start, training=part == 0))
    return _joined(parts[0]), _joined(parts[1])


def _random_fields(spec: Spinodal, nodes: Sequence[Node]) -> Tensor:
    """One snapshot (B, H, W) a node, each at its own time."""
    snapshots = [
        simulate(
            torch.tensor([node["composition"]]),
            torch.tensor([node["gradient_energy"]]),
            [node["time"]],
            spec.size,
            spec.seed,
            first_index=number,
            noise=spec.noise,
        )[0]
        for number, node in enumerate(nodes)
    ]
    return torch.cat(snapshots)


def _patches(
    spec: Spinodal, space: ConditionSpace, nodes: Sequence[Node], fields: Tensor, first: int, *, training: bool
) -> Patches:
    """Patches of fields (B, H, W), one node each; simulations are numbered from `first`."""
    low, high = spec.grey_range
    pooled = F.avg_pool2d(fields[:, None], spec.pool)
    grey = ((pooled - low) * (255 / (high - low))).round_().clamp_(0, 255).to(torch.uint8)
    height, width = spec.image_shape[1:]
    stride = spec.stride if training and spec.stride is not None else (height, width)
    if training and spec.stride is not None:
        # The box is periodic: patches that cross its edge go on at the other side.
        grey = torch.cat([grey, grey[:, :, : height - 1]], dim=2)
        grey = torch.cat([grey, grey[:, :, :, : width - 1]], dim=3)
    windows = grey.unfold(2, height, stride[0]).unfold(3, width, stride[1])
    images = rearrange(windows, "b c r q h w -> (b r q) c h w").contiguous()
    conditions = space.condition([space.row({c.name: node[c.name] for c in space.columns}) for node in nodes])
    index = torch.arange(len(nodes)).repeat_interleave(len(images) // max(1, len(nodes)))
    return Patches(images, conditions[index], index + first)


def _joined(parts: Sequence[Patches]) -> Patches:
    condition = type(parts[0].condition).cat([part.condition for part in parts])
    return Patches(torch.cat([part.images for part in parts]), condition, torch.cat([part.source for part in parts]))
