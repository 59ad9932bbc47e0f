"""How long do the contrastive losses take, and how much memory, over the batch size m?

Value and gradient of eq. (3) (2C) and of eq. (1) of the paper: as alloygan computes them (in pieces where the batch is
large), in one piece, in eight pieces, plainly (all pairs at once on the device, in code of its own), and as other
toolkits write them: with m × m masks made on the host, and as a loop over the images. Values are compared before
anything is timed. All ways take turns, another one first in each repetition, and each is called once untimed right
before it is timed, so that none pays for what another one left. A way that takes too much memory or time at some m is
left out there, which is said.

python benchmarks/losses.py --m 64 128 512 2048 --json result.json
python benchmarks/losses.py --m 512 8192 65536 --ways alloygan --page benchmarks/results
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is there, as the command line does

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from alloygan_plugins.jain2024 import chunks
from alloygan_plugins.jain2024.losses import contragan_2c, proportional_2c
from failures import Failures, MeasurementError, refuse
from meters import clocks
from numbers_given import at_least
from peak_memory import PeakMemory
from result_page import Result, add_arguments, device_of, show

TEMPERATURE = 0.1
MOST = {"alloygan": 2**30, "masks": 2048, "loop": 512}
"""Most images by way: masks of more take all memory, since they come with m × m × features; a loop takes minutes."""

MOST_AT_ONCE = 8192
"""For the other ways, whose m × m tables would not fit the memory."""

LONG = 60
"""Seconds after which there are no more repetitions; there is one in any case. What takes longer is called once
untimed, and not before each repetition."""

SMALL = 64
"""Images of the call that comes before a measurement of memory: libraries make what they keep."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON and a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--m", type=at_least(2), nargs="+", default=[64, 128, 512, 2048], help="batch sizes")
    parser.add_argument("--features", type=at_least(1), default=64, help="features of the embeddings")
    parser.add_argument("--classes", type=at_least(1), default=35, help="conditions that the batch is drawn from")
    parser.add_argument("--losses", nargs="+", choices=list(LOSSES), default=list(LOSSES))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument(
        "--repetitions", type=at_least(1), default=7, help="of which the median is taken, each after an untimed one"
    )
    parser.add_argument("--memory-alone", action="store_true", help=argparse.SUPPRESS)  # how the script calls itself
    add_arguments(parser)
    options = parser.parse_args(arguments)
    device = device_of(options)
    left_out = {count: [way for way in options.ways if count > _most(way)] for count in options.m}
    if all(len(ways) == len(options.ways) for ways in left_out.values()):
        refuse(f"nothing is left to measure: {_limits(options.ways)}; give a smaller --m or more --ways")
    if options.memory_alone:
        print(json.dumps([[*row, _in_child(*row, options)] for row in _cases(options)]))
        return
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
            "ratio": ("× alloygan's" if WAYS[0] in options.ways else "× first", ".2f"),
            "mib": ("more memory, MiB", ",.0f"),
        },
        about={
            "features": options.features,
            "conditions": options.classes,
            "threads": torch.get_num_threads(),
            "repetitions": f"{options.repetitions} of value and gradient, median, each after an untimed one; "
            f"fewer where they take more than {LONG} s",
        },
    )
    memory: dict[tuple[str, int, str], float | None] = {}
    if device.type == "cpu":
        with result.failures.noted("the memory that each takes"):
            memory = _memory_on_cpu(options)
    for name in options.losses:
        for count in options.m:
            with result.failures.noted(f"{name}, m = {count:,}"):
                for row in _rows(name, count, options, device, result.failures):
                    mib = memory.get((name, count, row["way"])) if device.type == "cpu" else row["mib"]
                    result.rows.append(row | {"mib": mib})
    result.clocks = clocks(device)
    for count, ways in left_out.items():
        if ways:
            result.notes.append(f"m = {count:,}: {', '.join(ways)} left out: {_limits(ways)}.")
    show(result, options, device)


def _most(way: str) -> int:
    return MOST.get(way, MOST_AT_ONCE)


def _limits(ways: Sequence[str]) -> str:
    return ", ".join(f"{way} takes at most {_most(way):,} images" for way in ways)


def _cases(options: argparse.Namespace) -> list[tuple[str, int, str]]:
    """Loss, m and way of each row, but those that are left out."""
    return [
        (name, count, way)
        for name in options.losses
        for count in options.m
        for way in options.ways
        if count <= _most(way)
    ]


class _Work:
    """Value and gradient of one loss of one batch, by every way."""

    def __init__(self, name: str, count: int, options: argparse.Namespace, device: torch.device) -> None:
        random = torch.Generator().manual_seed(0)
        image, condition = (torch.randn(count, options.features, generator=random).to(device) for _ in range(2))
        labels = torch.randint(options.classes, (count,), generator=random).to(device)
        self._name = name
        self._device = device
        self._inputs = (image.requires_grad_(), condition.requires_grad_(), labels)
        self._pieces = {"in eight pieces": count * count // 8, "in one piece": count * count}

    def __call__(self, way: str) -> tuple[float, float]:
        """The value, and the seconds that it took with its gradient."""
        with _pairs_at_once(self._pieces.get(way), self._device), _Watch(self._device) as watch:
            value = LOSSES[self._name][way](*self._inputs)
            value.backward()
        for one in self._inputs:
            one.grad = None
        return float(value.detach()), watch.seconds


def _rows(
    name: str, count: int, options: argparse.Namespace, device: torch.device, failures: Failures
) -> Iterator[dict[str, Any]]:
    work = _Work(name, count, options, device)
    untimed: dict[str, tuple[float, float]] = {}
    for way in options.ways:
        if count <= _most(way):
            with failures.noted(f"{name}, m = {count:,}, {way}"):
                untimed[way] = work(way)
    ways = list(untimed)
    if not ways:
        return
    values = {way: value for way, (value, _) in untimed.items()}
    first = values[ways[0]]
    for way, value in values.items():
        if not abs(value - first) <= 1e-4 * max(1.0, abs(first)):
            raise MeasurementError(f"{way} gives {value:g}, {ways[0]} gives {first:g}, so that none is timed")
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(options.repetitions):
        if number and sum(map(sum, seconds.values())) > LONG:
            break
        turn = number % len(ways)
        for way in ways[turn:] + ways[:turn]:
            if untimed[way][1] <= LONG:
                work(way)
            seconds[way].append(work(way)[1])
    base = statistics.median(seconds[WAYS[0] if WAYS[0] in ways else ways[0]])
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
            "mib": _more_memory(name, count, way, options, device) if device.type == "cuda" else None,
            "value": values[way],
        }


def _more_memory(name: str, count: int, way: str, options: argparse.Namespace, device: torch.device) -> float | None:
    """MiB at the worst moment, beyond what there was before."""
    _Work(name, min(SMALL, count), options, device)(way)
    work = _Work(name, count, options, device)
    memory = PeakMemory(device)
    work(way)
    return memory.more_mib


def _memory_on_cpu(options: argparse.Namespace) -> dict[tuple[str, int, str], float | None]:
    """MiB of each row, from another process that has computed nothing: this one's library keeps pages for later."""
    words = [sys.executable, __file__, "--memory-alone", "--device", "cpu", "--features", str(options.features)]
    words += ["--classes", str(options.classes), "--m", *map(str, options.m)]
    words += ["--losses", *options.losses, "--ways", *options.ways]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MeasurementError(f"the process that measures it ended with {done.returncode}: {done.stderr.strip()}")
    return {(name, count, way): mib for name, count, way, mib in json.loads(done.stdout)}


def _in_child(name: str, count: int, way: str, options: argparse.Namespace) -> float | None:
    """The memory of one row, in a copy of this process for it alone; None where it is not told."""
    if not hasattr(os, "fork"):
        return None
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            mib = _more_memory(name, count, way, options, torch.device("cpu"))
            os.write(writing, json.dumps(mib).encode())
        except Exception as error:
            print(f"the memory of {name}, m = {count}, {way} was not measured: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(0)  # nothing of the parent's is to be ended twice
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return json.loads(told) if told else None


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


def _plain_2c(image: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
    """Eq. (3) with the similarities of all pairs at once, and masks made on the device."""
    image, condition = normalize(image), normalize(condition)
    own = (image * condition).sum(dim=1, keepdim=True) / TEMPERATURE
    pairs = (image @ image.T / TEMPERATURE).fill_diagonal_(-torch.inf)
    same = pairs.masked_fill(labels[:, None] != labels, -torch.inf)
    return (torch.cat([own, pairs], 1).logsumexp(1) - torch.cat([own, same], 1).logsumexp(1)).mean()


def _plain_eq1(image: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
    """Eq. (1) with the distances of all pairs at once."""
    image, condition = normalize(image), normalize(condition)
    differences = (1 - image @ image.T) - (1 - condition @ condition.T)
    return differences.abs().fill_diagonal_(0.0).sum() / (len(labels) * (len(labels) - 1))


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


WAYS = ("alloygan", "in one piece", "in eight pieces", "plain", "masks", "loop")
LOSSES: dict[str, dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "contragan_2c": {
        **dict.fromkeys(WAYS[:3], _ours_2c),
        "plain": _plain_2c,
        "masks": _masks_2c,
        "loop": _loop_2c,
    },
    "proportional_2c": {
        **dict.fromkeys(WAYS[:3], _ours_eq1),
        "plain": _plain_eq1,
        "masks": _masks_eq1,
        "loop": _loop_eq1,
    },
}


if __name__ == "__main__":
    main()
