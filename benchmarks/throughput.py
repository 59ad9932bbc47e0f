"""How many images a second does a spec train?

Times the real training loop, over batch sizes and modes of computing, and says which part of an update takes which
share. A mode is a precision and what is added to it: fp32, tf32, bf16, fp32+nets, fp32+step (torch.compile), +graph
(CUDA graph), +channels_last. Energy is told by GPUs where the package nvidia-ml-py is installed.

python benchmarks/throughput.py zoo:demo --batch-sizes 16 64 --modes fp32 fp32+nets --json result.json
python benchmarks/throughput.py my.yaml --plugin my_loss.py --modes fp32 tf32 bf16 bf16+nets+graph --page results
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # before torch is there: its profiler tells when it starts and stops

import torch
from torch.profiler import ProfilerActivity, profile

from alloygan import Data, load_zoo, train
from alloygan.data.held_out import load_data
from alloygan.specs.gan import GanSpec
from alloygan.training.loop import Progress
from alloygan.training.parts import PREFIX
from alloygan.zoo import Zoo
from result_page import Result, add_arguments, device_of, show
from spec_arguments import add_spec_arguments, told_in_one_line

ADDED = {
    "nets": "training.compile=nets",
    "step": "training.compile=step",
    "graph": "training.cuda_graph=true",
    "channels_last": "training.channels_last=true",
}
PRECISIONS = ("fp32", "tf32", "bf16")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON and a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_spec_arguments(parser)
    parser.add_argument("--batch-sizes", type=int, nargs="+", help="batch sizes; by default that of the spec")
    parser.add_argument("--modes", nargs="+", default=["fp32"], metavar="MODE", help="such as fp32 bf16+nets+graph")
    parser.add_argument("--threads", type=int, nargs="+", help="numbers of threads, on the CPU")
    parser.add_argument(
        "--warm-up",
        type=int,
        default=8,
        help="generator updates before the clock starts; a CUDA graph takes four for each set of losses that take part",
    )
    parser.add_argument("--updates", type=int, default=20, help="generator updates of one repetition")
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions, of which the median is taken")
    parser.add_argument("--rounds", type=int, default=1, help="times that all modes are measured, one after another")
    parser.add_argument("--no-parts", action="store_true", help="do not profile the parts of an update")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    device = device_of(options)
    zoo = load_zoo(options.plugin)
    with told_in_one_line():
        spec = zoo.read_spec(options.spec, options.set)
        timed = [
            (threads, size, mode, timed_spec(zoo, options, device, size, mode))
            for threads in options.threads or [torch.get_num_threads()]
            for size in options.batch_sizes or [spec.training.batch_size]
            for mode in options.modes
        ]
        data = load_data(spec)

    result = Result(
        f"throughput_{spec.name}",
        f"How many images a second does {spec.name} train?",
        {
            "mode": ("mode", ""),
            "threads": ("threads", "d"),
            "batch_size": ("batch size", "d"),
            "images_per_s": ("images/s", ",.1f"),
            "slowest": ("slowest", ",.1f"),
            "fastest": ("fastest", ",.1f"),
            "s_per_kimg": ("s/kimg", ".3f"),
            "ratio": ("× first", ".2f"),
            "peak_memory_mib": ("peak memory, MiB", ",.0f"),
            "idle": ("device idle", ".0%"),
            "j_per_kimg": ("J/kimg", ",.0f"),
        },
        about={
            "spec": spec.model_dump(mode="json"),
            "warm_up": f"{options.warm_up} updates",
            "rounds": f"{options.rounds}, each of all modes in turn",
            "repetitions": f"{options.repetitions} a round, of {options.updates} updates; median, slowest, fastest",
        },
    )
    found: list[list[Measured]] = [[] for _ in timed]
    for number in range(options.rounds):
        for rounds, (threads, _, _, one) in zip(found, timed, strict=True):
            torch.set_num_threads(threads)
            last = number == options.rounds - 1
            rounds.append(measured(one, data, options, device, parts=last and not options.no_parts))
    for rounds, (threads, size, mode, one) in zip(found, timed, strict=True):
        row = _row(rounds, options.updates, options.updates * size * one.training.critic_updates)
        first = result.rows[0]["images_per_s"] if result.rows else row["images_per_s"]
        result.rows.append(
            {"mode": mode, "threads": threads, "batch_size": size, **row, "ratio": row["images_per_s"] / first}
        )
        if row["parts"]:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in row["parts"].items() if share >= 0.005)
            result.notes.append(f"{mode}, {threads} threads, batch {size}: {shares}.")
    show(result, options, device)


def timed_spec(zoo: Zoo, options: argparse.Namespace, device: torch.device, size: int, mode: str) -> GanSpec:
    """The spec in a mode and of a batch size, just as long as it takes. Raises AlloyganError where it cannot be."""
    precision, *added = mode.split("+")
    unknown = [word for word in added if word not in ADDED]
    if precision not in PRECISIONS or unknown:
        raise SystemExit(
            f"error: --modes {mode}: a mode is one of {', '.join(PRECISIONS)}, then any of "
            f"{', '.join('+' + word for word in ADDED)}"
        )
    base = zoo.read_spec(options.spec, options.set).training
    # The last update also writes the checkpoint; it is not counted. Those that are profiled come before it.
    updates = options.warm_up + options.updates * options.repetitions + (0 if options.no_parts else PROFILED + 1) + 1
    images = updates * size * base.critic_updates
    settings = [f"training.batch_size={size}", f"training.images={images}", f"training.log_every={images}"]
    settings += [f"training.checkpoint_every={images}", f"training.precision={precision}"]
    settings += [f"training.device={device.type}", *(ADDED[word] for word in added)]
    if base.epochs is not None:
        settings.insert(0, "training.epochs=null")
    return zoo.read_spec(options.spec, [*options.set, *settings])


PROFILED = 3
"""Updates of which the parts are looked at, after all that are timed."""


@dataclass
class _Clock:
    """Notes the moments between repetitions; what the device has to do is waited for only there."""

    warm_up: int
    updates: int
    repetitions: int
    parts: bool
    device: torch.device
    moments: list[float] = field(default_factory=list)
    joules: list[float | None] = field(default_factory=list)
    profiler: Any = None
    profiled_s: float = 0.0
    _count: int = 0

    def __call__(self, progress: Progress) -> None:
        self._count += 1
        since = self._count - self.warm_up
        if 0 <= since <= self.updates * self.repetitions and since % self.updates == 0:
            self._wait()
            self.moments.append(time.perf_counter())
            self.joules.append(_joules(self.device))
        if not self.parts:
            return
        start = self.updates * self.repetitions + 1
        if since == start:
            self._wait()
            activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (self.device.type == "cuda")
            self.profiler = profile(activities=activities)
            self.profiler.__enter__()
            self.profiled_s = time.perf_counter()
        elif since == start + PROFILED:
            self._wait()
            self.profiled_s = time.perf_counter() - self.profiled_s
            self.profiler.__exit__(None, None, None)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


@dataclass(frozen=True)
class Measured:
    """Seconds of each repetition, and what else was seen of one training."""

    seconds: list[float]
    peak_memory_mib: float | None
    joules: float | None
    parts: dict[str, float]
    busy_s: float | None


def measured(spec: GanSpec, data: Data, options: argparse.Namespace, device: torch.device, *, parts: bool) -> Measured:
    """Train the spec of `timed_spec` and time its repetitions."""
    clock = _Clock(options.warm_up, options.updates, options.repetitions, parts, device)
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder, told_in_one_line():
        train(spec, Path(folder) / "run", data=data, report=clock)
    first, last = clock.joules[0], clock.joules[-1]
    shares, busy = ({}, None) if clock.profiler is None else _parts(clock.profiler, device)
    return Measured(
        [after - before for before, after in pairwise(clock.moments)],
        torch.cuda.max_memory_allocated() / 2**20 if cuda else None,
        None if first is None or last is None else last - first,
        shares,
        busy / PROFILED if busy and cuda else None,
    )


def _row(rounds: Sequence[Measured], updates: int, images: int) -> dict[str, Any]:
    """The numbers of one mode; a repetition is so many updates, and so many images."""
    rates = sorted(images / seconds for one in rounds for seconds in one.seconds)
    rate = statistics.median(rates)
    last = rounds[-1]
    joules = [one.joules for one in rounds if one.joules is not None]
    per_repetition = statistics.median(seconds for one in rounds for seconds in one.seconds)
    return {
        "images_per_s": rate,
        "slowest": rates[0],
        "fastest": rates[-1],
        "s_per_kimg": 1000 / rate,
        "peak_memory_mib": last.peak_memory_mib,
        # The profiler slows the host, so the device's idle time is that of an update as it was timed.
        "idle": None if last.busy_s is None else max(0.0, 1 - last.busy_s * updates / per_repetition),
        "j_per_kimg": 1000 * sum(joules) / (images * sum(len(one.seconds) for one in rounds)) if joules else None,
        "parts": last.parts,
    }


def _parts(profiler: Any, device: torch.device) -> tuple[dict[str, float], float]:
    """Shares of the parts, largest first, and the seconds that the device was busy. A replayed graph has no parts."""
    events = profiler.events()
    marks = sorted(
        (event.time_range.start, event.time_range.end, event.name.removeprefix(PREFIX))
        for event in events
        if event.name.startswith(PREFIX) and event.device_type == torch.autograd.DeviceType.CPU
    )
    spent: dict[str, float] = {}
    if device.type == "cpu":
        for start, end, name in marks:
            spent[name] = spent.get(name, 0.0) + (end - start) * 1e-6
        busy = sum(spent.values())
    else:
        # A replayed graph's kernels belong to no operator, so that they count for the time of the device alone.
        busy = 1e-6 * sum(
            event.time_range.elapsed_us()
            for event in events
            if event.device_type == torch.autograd.DeviceType.CUDA and not event.is_user_annotation
        )
        for event in events:
            # Backward launches from another thread, so a kernel belongs to what was going on when it was launched.
            for kernel in event.kernels if not event.is_user_annotation else ():
                at = event.time_range.start
                name = next((name for start, end, name in marks if start <= at <= end), "other")
                spent[name] = spent.get(name, 0.0) + kernel.duration * 1e-6
    whole = sum(spent.values()) or 1.0
    return {name: spent[name] / whole for name in sorted(spent, key=lambda name: -spent[name])}, busy


def _joules(device: torch.device) -> float | None:
    """Energy that the device has taken so far, where it tells."""
    if device.type != "cuda":
        return None
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(torch.cuda.current_device())
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
    except Exception:
        return None


if __name__ == "__main__":
    main()
