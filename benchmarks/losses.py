"""How long do the contrastive losses take, and how much memory, over the batch size m?

Value and gradient of eq. (3) (2C) and of eq. (1) of the paper: as alloygan computes them (in pieces where the batch is
large), in one piece, in eight pieces, and as other toolkits write them: with m × m masks made on the host, and as a
loop over the images. Values are compared before anything is timed. All ways take turns, so that a noisy machine is
noisy to all.

python benchmarks/losses.py --m 64 128 512 2048 --json result.json
python benchmarks/losses.py --m 512 8192 65536 --ways alloygan --page benchmarks/results
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from alloygan_plugins.jain2024 import chunks
from alloygan_plugins.jain2024.losses import contragan_2c, proportional_2c
from result_page import Result, add_arguments, device_of, show

TEMPERATURE = 0.1
MOST = {"alloygan": 2**30, "masks": 2048, "loop": 512}
"""Most images by way: masks of more take all memory, since they come with m × m × features; a loop takes minutes."""

MOST_AT_ONCE = 8192
"""For the other ways, whose m × m tables would not fit the memory."""

LONG = 60
"""Seconds after which there are no more repetitions; there is one in any case."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON and a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--m", type=int, nargs="+", default=[64, 128, 512, 2048], help="batch sizes")
    parser.add_argument("--features", type=int, default=64, help="features of the embeddings")
    parser.add_argument("--classes", type=int, default=35, help="conditions that the batch is drawn from")
    parser.add_argument("--losses", nargs="+", choices=list(LOSSES), default=list(LOSSES))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--repetitions", type=int, default=7, help="of which the median is taken, after one to warm up")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    device = device_of(options)
    result = Result(
        "losses",
        "How long do the contrastive losses take, over the batch size m?",
        {
            "loss": ("loss", ""),
            "m": ("m", ",d"),
            "way": ("way", ""),
            "ms": ("ms", ",.2f"),
            "fastest": ("fastest", ",.2f"),
            "slowest": ("slowest", ",.2f"),
            "ratio": ("× alloygan's", ".2f"),
            "mib": ("more memory, MiB", ",.0f"),
        },
        about={
            "features": options.features,
            "conditions": options.classes,
            "threads": torch.get_num_threads(),
            "repetitions": f"{options.repetitions} of value and gradient, median, after one to warm up; fewer "
            f"where they take more than {LONG} s",
        },
    )
    for name in options.losses:
        for count in options.m:
            result.rows += _rows(name, count, options, device)
    show(result, options, device)


def _rows(name: str, count: int, options: argparse.Namespace, device: torch.device) -> Iterator[dict[str, Any]]:
    random = torch.Generator().manual_seed(0)
    image, condition = (torch.randn(count, options.features, generator=random).to(device) for _ in range(2))
    labels = torch.randint(options.classes, (count,), generator=random).to(device)
    inputs = (image.requires_grad_(), condition.requires_grad_(), labels)
    ways = {way: LOSSES[name][way] for way in options.ways if count <= MOST.get(way, MOST_AT_ONCE)}
    pieces = {"in eight pieces": count * count // 8, "in one piece": count * count}

    def run(way: str) -> tuple[float, float]:
        with _pairs_at_once(pieces.get(way), device), _Watch(device) as watch:
            value = ways[way](*inputs)
            value.backward()
        image.grad = condition.grad = None
        return float(value.detach()), watch.seconds

    values = {way: run(way)[0] for way in ways}
    first = next(iter(values.values()))
    for way, value in values.items():
        if abs(value - first) > 1e-4 * max(1.0, abs(first)):
            raise SystemExit(f"error: {name}, m = {count}: {way} gives {value:g}, {next(iter(values))} gives {first:g}")
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(options.repetitions):
        if number and sum(map(sum, seconds.values())) > LONG:
            break
        for way in ways:
            seconds[way].append(run(way)[1])
    base = statistics.median(seconds[next(iter(ways))])
    for way in ways:
        median = statistics.median(seconds[way])
        yield {
            "loss": name,
            "m": count,
            "way": way,
            "ms": 1000 * median,
            "fastest": 1000 * min(seconds[way]),
            "slowest": 1000 * max(seconds[way]),
            "ratio": median / base,
            "mib": _memory(lambda way=way: run(way), device),
            "value": values[way],
        }


class _Watch:
    """Seconds of a block; what the device has to do is waited for at both ends."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds = 0.0

    def __enter__(self) -> "_Watch":
        self._wait()
        self.seconds = -time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._wait()
        self.seconds += time.perf_counter()

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


@contextmanager
def _pairs_at_once(pairs: int | None, device: torch.device) -> Iterator[None]:
    """Whether, and in how many pieces, alloygan's losses are computed."""
    before, fewest = dict(chunks.PAIRS_AT_ONCE), chunks.FEWEST_ROWS
    if pairs is not None:
        chunks.PAIRS_AT_ONCE[device.type] = pairs
        chunks.FEWEST_ROWS = 1
    try:
        yield
    finally:
        chunks.FEWEST_ROWS = fewest
        chunks.PAIRS_AT_ONCE.clear()
        chunks.PAIRS_AT_ONCE.update(before)


def _memory(run: Callable[[], object], device: torch.device) -> float | None:
    """MiB at the worst moment, beyond what there was before; on the CPU where Linux tells."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return float(torch.cuda.max_memory_allocated() - before) / 2**20
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    except OSError:
        return None
    before = _resident("VmRSS")
    run()
    return max(0.0, _resident("VmHWM") - before) / 1024


def _resident(what: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _masks_2c(image: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
    """Eq. (3) with the masks of positive and of negative pairs made in numpy."""
    ids = labels.cpu().numpy()
    others = torch.from_numpy(1.0 - np.eye(len(ids), dtype=np.float32)).to(image.device)
    same = torch.from_numpy((ids[:, None] == ids[None, :]).astype(np.float32)).to(image.device)
    pairs = torch.exp(cosine_similarity(image[:, None], image[None], dim=-1) / TEMPERATURE) * others
    own = torch.exp(cosine_similarity(image, condition, dim=-1) / TEMPERATURE)
    return -torch.log((own + (same * pairs).sum(1)) / (own + pairs.sum(1))).mean()


def _loop_2c(image: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
    """Eq. (3), image by image."""
    terms = []
    for i in range(len(labels)):
        own = torch.exp(cosine_similarity(image[i], condition[i], dim=0) / TEMPERATURE)
        pairs = torch.exp(cosine_similarity(image[i][None], image, dim=1) / TEMPERATURE)
        keep = torch.ones_like(pairs)
        keep[i] = 0.0
        same = (labels == labels[i]).float() * keep
        terms.append(-torch.log((own + (pairs * same).sum()) / (own + (pairs * keep).sum())))
    return torch.stack(terms).mean()


def _masks_eq1(image: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
    """Eq. (1) with all differences of two images at once, and a mask of the pairs made in numpy."""
    pairs = torch.from_numpy(~np.eye(len(labels), dtype=bool)).to(image.device)
    of_images = 1 - (normalize(image)[:, None] * normalize(image)[None]).sum(-1)
    of_conditions = 1 - (normalize(condition)[:, None] * normalize(condition)[None]).sum(-1)
    return (of_images - of_conditions)[pairs].abs().mean()


def _loop_eq1(image: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
    """Eq. (1), image by image."""
    terms = []
    for i in range(len(labels)):
        others = torch.arange(len(labels), device=image.device) != i
        of_images = 1 - cosine_similarity(image[i][None], image[others], dim=1)
        of_conditions = 1 - cosine_similarity(condition[i][None], condition[others], dim=1)
        terms.append((of_images - of_conditions).abs().sum())
    return torch.stack(terms).sum() / (len(labels) * (len(labels) - 1))


def _ours_2c(image: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
    return contragan_2c(image, condition, labels, temperature=TEMPERATURE)


def _ours_eq1(image: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
    return proportional_2c(image, condition)


WAYS = ("alloygan", "in one piece", "in eight pieces", "masks", "loop")
LOSSES: dict[str, dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "contragan_2c": {**dict.fromkeys(WAYS[:3], _ours_2c), "masks": _masks_2c, "loop": _loop_2c},
    "proportional_2c": {**dict.fromkeys(WAYS[:3], _ours_eq1), "masks": _masks_eq1, "loop": _loop_eq1},
}


if __name__ == "__main__":
    main()
