"""A judge: a small network that reads an image's condition from the image, trained on real training patches.

It answers which condition of the table an image has, and what its continuous columns are. Shown real images that it
has not seen, it says how far conditions can be told apart at all; shown generated ones, whether they have the condition
that was asked.

Every image is taken at zero mean and unit standard deviation. Brightness and contrast of a micrograph are settings of
the microscope as much as of the material, and would give the condition away alone; what is left is the structure.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from alloygan.data.condition_space import Column, ConditionSpace
from alloygan.data.patches import Patches
from alloygan.interfaces.condition import OFF_TABLE
from alloygan.interfaces.streams import stream
from alloygan.layers.initialisation import build_seeded

Images = NDArray[np.uint8]
Progress = Callable[[str, int, int], None]

SMALLEST_SIDE = 4
"""Patches with fewer pixels a side are not judged."""

_WIDTHS = (32, 32, 64, 128)
_BATCH = 64
_LR = 2e-3
_WEIGHT_DECAY = 0.05
_WARM_UP = 0.1
_FLATTEST = 2.0 / 127.5  # two grey levels: contrast below is noise, and is not amplified
_PIXELS_AT_ONCE = 2**22


class JudgeNetwork(nn.Module):
    """Four convolutions with batch norm, each halving images of at least 4 px, then the mean over all positions.

    Gives class logits (B, classes) and continuous columns (B, columns), either of which may be 0 wide.
    """

    def __init__(self, image_shape: tuple[int, int, int], classes: int, columns: int) -> None:
        super().__init__()
        channels, *sides = image_shape
        layers: list[nn.Module] = []
        for width in _WIDTHS:
            stride = [2 if side >= SMALLEST_SIDE else 1 for side in sides]
            layers += [
                nn.Conv2d(channels, width, 3, stride=(stride[0], stride[1]), padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            sides = [(side - 1) // step + 1 for side, step in zip(sides, stride, strict=True)]
            channels = width
        self.trunk = nn.Sequential(*layers)
        self.split = (classes, columns)
        self.head = nn.Linear(channels, classes + columns)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Judge images (B, C, H, W) float32 at zero mean and unit standard deviation."""
        features = self.trunk(images.contiguous(memory_format=torch.channels_last)).mean(dim=(2, 3))
        logits, columns = self.head(features).split(self.split, dim=1)
        return logits, columns


@dataclass(frozen=True)
class Judge:
    """A trained network and what it tells apart.

    `classes`: ids of the conditions that training patches have, or none where there are fewer than two. `columns`: the
    continuous columns that vary among them, by their position in the space. `centre`, `spread` (columns,): mean and
    standard deviation of their scaled values, in which the network works. `note`: why it does not judge, or what.
    """

    space: ConditionSpace
    classes: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    training_images: int = 0
    note: str | None = None
    network: JudgeNetwork | None = None
    centre: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    @torch.inference_mode()
    def classify(self, images: Images) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The condition of images uint8 (N, C, H, W): id (N,), −1 where the judge has no classes, and scaled values
        (N, columns).
        """
        ids = np.full(len(images), OFF_TABLE, dtype=np.int64)
        values = np.zeros((len(images), len(self.columns)), dtype=np.float32)
        if self.network is None:
            return ids, values
        device = next(self.network.parameters()).device
        step = max(1, _PIXELS_AT_ONCE // max(1, images[:1].size))
        for first in range(0, len(images), step):
            part = slice(first, first + step)
            logits, columns = self.network(standardised(torch.from_numpy(images[part]).to(device)))
            if self.classes:
                ids[part] = np.array(self.classes)[logits.argmax(dim=1).cpu().numpy()]
            values[part] = columns.cpu().numpy() * np.array(self.spread) + np.array(self.centre)
        return ids, values


def standardised(images: Tensor) -> Tensor:
    """Images uint8 (B, C, H, W) as float32 at zero mean and unit standard deviation, each over all its channels.

    An image whose grey levels spread by less than 2 is not stretched further than that.
    """
    values = images.float().div_(127.5)
    values -= values.mean(dim=(1, 2, 3), keepdim=True)
    return values.div_(values.square().mean(dim=(1, 2, 3), keepdim=True).sqrt_().clamp_(min=_FLATTEST))


def train_judge(
    train: Patches,
    space: ConditionSpace,
    *,
    images: int = 8_000,
    seed: int = 0,
    device: torch.device | str = "cpu",
    flips: bool = True,
    progress: Progress | None = None,
) -> Judge:
    """Train a judge on training patches until it has seen `images` of them, all conditions equally often.

    `flips` shows images mirrored as well; leave it out where a condition is a direction. `progress("judge", done,
    images)` is called now and then, and at the end. On the CPU the same seed gives the same judge; the global random
    state stays as it was. Where there is nothing to judge, the judge says so in its `note`.
    """
    judge = _untrained(train, space, seed)
    if judge.network is None:
        return judge
    # On the CPU convolutions of few channels take half the time in this layout.
    network: JudgeNetwork = judge.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    number, value = _targets(train, judge, device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LR, weight_decay=_WEIGHT_DECAY)
    random = stream(seed, "judge")
    batch = min(_BATCH, max(2, len(train)))
    updates = max(1, math.ceil(images / batch))
    network.train()
    for update, chosen in enumerate(_balanced(train, batch, updates, random)):
        if progress is not None and update % 10 == 0:
            progress("judge", min(update * batch, images), images)
        for group in optimizer.param_groups:
            group["lr"] = _LR * _lr_factor(update, updates)
        shown = standardised(train.images[chosen.to(train.images.device)].to(device))
        if flips:
            shown = _flipped(shown, random)
        chosen = chosen.to(device)
        logits, columns = network(shown)
        objective = _objective(logits, columns, number[chosen], value[chosen])
        optimizer.zero_grad(set_to_none=True)
        objective.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    if not all(bool(values.isfinite().all()) for values in network.state_dict().values()):
        return Judge(space, note="the training of the judge did not stay finite")
    network.eval()
    if progress is not None:
        progress("judge", images, images)
    return judge


def continuous_positions(space: ConditionSpace) -> dict[int, Column]:
    """Position in `Condition.values` of every continuous column."""
    positions, position = {}, 0
    for column in space.columns:
        if column.scale != "category":
            positions[position] = column
        position += column.width
    return positions


def _untrained(train: Patches, space: ConditionSpace, seed: int) -> Judge:
    """The judge at its start, or one without a network and with the reason."""
    if not len(train):
        return Judge(space, note="there are no training patches to train a judge on")
    shape = (train.images.shape[1], train.images.shape[2], train.images.shape[3])
    if min(shape[1:]) < SMALLEST_SIDE:
        size = f"{shape[1]} × {shape[2]} px"
        return Judge(space, note=f"patches of {size} are too small to be judged (at least {SMALLEST_SIDE} px a side)")
    found = sorted(set(train.condition.label.tolist()) - {OFF_TABLE})
    classes = tuple(found) if len(found) > 1 else ()
    values = train.condition.values.double().cpu().numpy()
    positions = [p for p in continuous_positions(space) if np.ptp(values[:, p]) > 1e-6]
    if not classes and not positions:
        note = "all training patches have the same condition"
        if any(column.scale == "category" for column in space.columns) and not space.table:
            note = "categories without a table of conditions are not judged, and no continuous column varies"
        return Judge(space, note=note)
    network = build_seeded(seed, "judge", lambda: JudgeNetwork(shape, len(classes), len(positions)))
    return Judge(
        space=space,
        classes=classes,
        columns=tuple(positions),
        training_images=len(train),
        network=network,
        note=_one_source(train, classes),
        centre=tuple(values[:, positions].mean(axis=0).tolist()),
        spread=tuple(values[:, positions].std(axis=0).tolist()),
    )


def _one_source(train: Patches, classes: Sequence[int]) -> str | None:
    pairs = set(zip(train.condition.label.tolist(), train.source.tolist(), strict=True))
    single = sum([label for label, _ in pairs].count(label) == 1 for label in classes)
    if not single:
        return None
    return (
        f"{single} of {len(classes)} conditions have training patches from one micrograph or simulation only, so the "
        "judge may know the micrograph (its noise, its focus) instead of the condition"
    )


def _targets(train: Patches, judge: Judge, device: torch.device | str) -> tuple[Tensor, Tensor]:
    """Class numbers (N,) int64, −1 for none, and columns (N, columns) as the network gives them."""
    numbers = torch.full_like(train.condition.label, OFF_TABLE)
    for number, label in enumerate(judge.classes):
        numbers[train.condition.label == label] = number
    values = train.condition.values[:, list(judge.columns)].cpu()
    scaled = (values - torch.tensor(judge.centre)) / torch.tensor(judge.spread)
    return numbers.to(device), scaled.to(device)


def _balanced(train: Patches, batch: int, updates: int, random: torch.Generator) -> Iterator[Tensor]:
    """Positions (batch,) of patches, drawn so that every distinct condition is as likely as any other."""
    _, group, counts = torch.unique(train.condition.values.cpu(), dim=0, return_inverse=True, return_counts=True)
    order = torch.argsort(group, stable=True)
    starts = counts.cumsum(0) - counts
    for _ in range(updates):
        chosen = torch.randint(len(counts), (batch,), generator=random)
        within = (torch.rand(batch, generator=random) * counts[chosen]).long().clamp_(max=counts[chosen] - 1)
        yield order[starts[chosen] + within]


def _flipped(images: Tensor, random: torch.Generator) -> Tensor:
    across, down = (torch.randint(2, (2, len(images), 1, 1, 1), generator=random) == 1).to(images.device)
    images = torch.where(across, images.flip(3), images)
    return torch.where(down, images.flip(2), images)


def _objective(logits: Tensor, columns: Tensor, number: Tensor, value: Tensor) -> Tensor:
    objective = F.mse_loss(columns, value) if columns.shape[1] else logits.new_zeros(())
    if logits.shape[1]:
        known = (number != OFF_TABLE).sum().clamp(min=1)
        objective = objective + F.cross_entropy(logits, number, ignore_index=OFF_TABLE, reduction="sum") / known
    return objective


def _lr_factor(update: int, updates: int) -> float:
    """A linear rise over a tenth of the updates, then half a cosine down to 0."""
    rise = max(1, round(_WARM_UP * updates))
    if update < rise:
        return (update + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (update - rise) / max(1, updates - rise)))
