"""How many images a second does a spec train?

Times the real training loop, over batch sizes and modes of computing, and says which part of an update takes which
share. A mode is a precision and what is added to it: fp32, tf32, bf16, fp32+nets, fp32+step (torch.compile), +graph
(CUDA graph), +channels_last. Energy is told by GPUs where the package nvidia-ml-py is installed. Peak memory is that of
torch's tensors on a GPU, and that of the whole process on the CPU. Where a loss is due at every n-th update alone,
whole periods of that are timed: --updates is rounded up.

python benchmarks/throughput.py zoo:demo --batch-sizes 16 64 --modes fp32 fp32+nets --json result.json
python benchmarks/throughput.py my.yaml --plugin my_loss.py --modes fp32 tf32 bf16 bf16+nets+graph --page results
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is there, as the command line does
os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # before torch is there: its profiler tells when it starts and stops

import torch
from torch.profiler import ProfilerActivity, profile

from alloygan import Data, load_zoo, train
from alloygan.data.held_out import load_data
from alloygan.specs.gan import GanSpec
from alloygan.training.loop import Progress
from alloygan.training.parts import PREFIX
from alloygan.zoo import Zoo
from failures import refuse, told_in_one_message
from meters import clocks, joules
from numbers_given import at_least
from peak_memory import PeakMemory
from periods import of_updates, warm_up, whole_periods
from result_page import Result, add_arguments, device_of, show
from spec_arguments import add_spec_arguments, read_spec

ADDED = {
    "nets": "training.compile=nets",
    "step": "training.compile=step",
    "graph": "training.cuda_graph=true",
    "channels_last": "training.channels_last=true",
}
PRECISIONS = ("fp32", "tf32", "bf16")
SET_BY = {"training.device": "--device", "training.precision": "--modes"}
"""Fields of the spec that are set here, and the options that say how."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON and a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_spec_arguments(parser)
    parser.add_argument("--batch-sizes", type=at_least(1), nargs="+", help="batch sizes; by default that of the spec")
    parser.add_argument("--modes", nargs="+", default=["fp32"], metavar="MODE", help="such as fp32 bf16+nets+graph")
    parser.add_argument("--threads", type=at_least(1), nargs="+", help="numbers of threads, on the CPU")
    parser.add_argument(
        "--warm-up",
        type=at_least(0),
        default=8,
        help="generator updates before the clock starts, at least: until each set of losses that are due together has "
        "come once, with a CUDA graph four times",
    )
    parser.add_argument("--updates", type=at_least(1), default=20, help="generator updates of one repetition, at least")
    parser.add_argument("--repetitions", type=at_least(1), default=5, help="repetitions, of which the median is taken")
    parser.add_argument("--rounds", type=at_least(1), default=1, help="times that all modes are measured, in turn")
    parser.add_argument("--no-parts", action="store_true", help="do not profile the parts of an update")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    device = device_of(options)
    with told_in_one_message():
        zoo = load_zoo(options.plugin)
        spec = read_spec(zoo, options, SET_BY)
        updates = of_updates(spec, options.updates)
        options.updates = whole_periods(spec, options.updates)
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
            "warm_up": " or ".join(map(str, sorted({warm_up(one, options.warm_up) for *_, one in timed}))) + " updates",
            "rounds": f"{options.rounds}, each of all modes in turn",
            "repetitions": f"{options.repetitions} a round, of {updates}; median, slowest, fastest",
        },
    )
    found: list[list[Measured]] = [[] for _ in timed]
    for number in range(options.rounds):
        for rounds, (threads, size, mode, one) in zip(found, timed, strict=True):
            what = _named(mode, threads, size)
            if what in result.failures:
                continue
            last = number == options.rounds - 1
            with result.failures.noted(what):
                torch.set_num_threads(threads)
                rounds.append(measured(one, data, options, device, parts=last and not options.no_parts))
    for rounds, (threads, size, mode, one) in zip(found, timed, strict=True):
        if not rounds:
            continue
        result.clocks = rounds[-1].clocks
        row = _row(rounds, options.updates, options.updates * size * one.training.critic_updates)
        first = result.rows[0]["images_per_s"] if result.rows else row["images_per_s"]
        result.rows.append(
            {"mode": mode, "threads": threads, "batch_size": size, **row, "ratio": row["images_per_s"] / first}
        )
        if row["parts"]:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in row["parts"].items() if share >= 0.005)
            result.notes.append(f"{_named(mode, threads, size)}: {shares}.")
    show(result, options, device)


def _named(mode: str, threads: int, size: int) -> str:
    return f"{mode}, {threads} threads, batch {size}"


def timed_spec(zoo: Zoo, options: argparse.Namespace, device: torch.device, size: int, mode: str) -> GanSpec:
    """The spec in a mode and of a batch size, just as long as it takes. Raises AlloyganError where it cannot be."""
    precision, *added = mode.split("+")
    unknown = [word for word in added if word not in ADDED]
    if precision not in PRECISIONS or unknown:
        refuse(
            f"--modes {mode}: a mode is one of {', '.join(PRECISIONS)}, then any of "
            f"{', '.join('+' + word for word in ADDED)}"
        )
    settings = [*options.set, f"training.batch_size={size}", f"training.precision={precision}"]
    settings += [f"training.device={device.type}", *(ADDED[word] for word in added)]
    spec = zoo.read_spec(options.spec, settings)
    # The last update also writes the checkpoint; it is not counted. Those that are profiled come before it.
    updates = warm_up(spec, options.warm_up) + options.updates * options.repetitions + 1
    updates += 0 if options.no_parts else whole_periods(spec, PROFILED) + 1
    images = updates * size * spec.training.critic_updates
    settings += [f"training.{name}={images}" for name in ("images", "log_every", "checkpoint_every")]
    if spec.training.epochs is not None:
        settings.append("training.epochs=null")
    return zoo.read_spec(options.spec, settings)


PROFILED = 3
"""Updates, at least, of which the parts are looked at, after all that are timed."""


@dataclass
class _Clock:
    """Notes the moments between repetitions; what the device has to do is waited for only there."""

    warm_up: int
    updates: int
    repetitions: int
    profiled: int
    device: torch.device
    memory: PeakMemory
    moments: list[float] = field(default_factory=list)
    joules: list[float | None] = field(default_factory=list)
    clocks: dict[str, Any] = field(default_factory=dict)
    peak_memory_mib: float | None = None
    profiler: Any = None
    profiled_s: float = 0.0
    stack: ExitStack = field(default_factory=ExitStack)
    """Ends the profiler, also where the training fails meanwhile."""
    _count: int = 0

    def __call__(self, progress: Progress) -> None:
        self._count += 1
        since = self._count - self.warm_up
        if 0 <= since <= self.updates * self.repetitions and since % self.updates == 0:
            self._wait()
            self.moments.append(time.perf_counter())
            self.joules.append(joules(self.device))
        if since == self.updates * self.repetitions:
            self.clocks = clocks(self.device)
            self.peak_memory_mib = self.memory.mib  # the profiler takes memory of its own
        if not self.profiled:
            return
        start = self.updates * self.repetitions + 1
        if since == start:
            self._wait()
            activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (self.device.type == "cuda")
            self.profiler = self.stack.enter_context(profile(activities=activities))
            self.profiled_s = time.perf_counter()
        elif since == start + self.profiled:
            self._wait()
            self.profiled_s = time.perf_counter() - self.profiled_s
            self.stack.close()

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


@dataclass(frozen=True)
class Measured:
    """Seconds of each repetition, and what else was seen of one training."""

    seconds: list[float]
    peak_memory_mib: float | None
    joules: float | None
    clocks: dict[str, Any]
    parts: dict[str, float]
    busy_s: float | None


def measured(spec: GanSpec, data: Data, options: argparse.Namespace, device: torch.device, *, parts: bool) -> Measured:
    """Train the spec of `timed_spec` and time its repetitions. Raises what the training raises."""
    profiled = whole_periods(spec, PROFILED) if parts else 0
    before = warm_up(spec, options.warm_up)
    clock = _Clock(before, options.updates, options.repetitions, profiled, device, PeakMemory(device))
    with tempfile.TemporaryDirectory() as folder, clock.stack:
        train(spec, Path(folder) / "run", data=data, report=clock)
    first, last = clock.joules[0], clock.joules[-1]
    shares: dict[str, float] = {}
    busy = None
    if clock.profiler is not None:
        shares, busy = parts_of(clock.profiler.events(), device, clock.profiled_s)
    return Measured(
        [after - before for before, after in pairwise(clock.moments)],
        clock.peak_memory_mib,
        None if first is None or last is None else last - first,
        clock.clocks,
        shares,
        busy / profiled if busy else None,
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
        "clocks": last.clocks,
    }


def parts_of(events: Iterable[Any], device: torch.device, profiled_s: float) -> tuple[dict[str, float], float | None]:
    """Shares of the parts, largest first, and the seconds that a GPU was busy.

    On the CPU they are shares of the `profiled_s` that passed, on a GPU of the time that it was busy, since the
    profiler slows the host. What belongs to no part is `other`: a replayed graph has no parts, all of it is other.
    """
    events = list(events)
    marks = sorted(
        (event.time_range.start, event.time_range.end, event.name.removeprefix(PREFIX))
        for event in events
        if event.name.startswith(PREFIX) and event.device_type == torch.autograd.DeviceType.CPU
    )
    spent: dict[str, float] = {}
    busy = None
    if device.type == "cpu":
        for start, end, name in marks:
            spent[name] = spent.get(name, 0.0) + (end - start) * 1e-6
        whole = profiled_s
    else:
        whole = busy = 1e-6 * sum(
            event.time_range.elapsed_us()
            for event in events
            if event.device_type == torch.autograd.DeviceType.CUDA and not event.is_user_annotation
        )
        for event in events:
            # Backward launches from another thread, so a kernel belongs to what was going on when it was launched.
            for kernel in event.kernels if not event.is_user_annotation else ():
                at = event.time_range.start
                part = next((name for start, end, name in marks if start <= at <= end), None)
                if part is not None:
                    spent[part] = spent.get(part, 0.0) + kernel.duration * 1e-6
    if not whole:
        return {}, busy
    spent["other"] = max(0.0, whole - sum(spent.values()))
    return {name: spent[name] / whole for name in sorted(spent, key=lambda name: -spent[name])}, busy


if __name__ == "__main__":
    main()
