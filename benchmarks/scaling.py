"""How does a training scale over processes, and what do they say to each other?

Trains a spec with `alloygan train --processes N` for each N and takes the median of images/s, as the run's own log has
it. The batch is that of all processes together, so the work is the same for each N. On the CPU this proves the
mechanics: all processes share the same cores, of which each gets its part. Beside it a plan, not measured: what each
process sends in one update, noted in updates of the real loop in which one process stands for several, and scaled to
this many processes and to hundreds: for the spec's batch, and for as many images in each process as that has.

python benchmarks/scaling.py zoo:demo --processes 1 2 --json result.json
python benchmarks/scaling.py zoo:jain2024-simulated --processes 1 2 4 8 --page benchmarks/results
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from alloygan import load_zoo
from alloygan.data.held_out import load_data
from alloygan.specs.gan import GanSpec
from failures import MeasurementError, refuse, told_in_one_message
from messages import scaling_of, volume
from numbers_given import at_least
from periods import period
from result_page import Result, add_arguments, device_of, show
from spec_arguments import add_spec_arguments, read_spec

PLANNED = (8, 64, 256, 512)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON and a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_spec_arguments(parser)
    parser.add_argument("--processes", type=at_least(1), nargs="+", default=[1, 2], help="numbers of processes")
    parser.add_argument("--updates", type=at_least(1), default=20, help="generator updates of one measurement")
    parser.add_argument("--repetitions", type=at_least(1), default=5, help="measurements, after one to warm up")
    parser.add_argument(
        "--images-each",
        type=at_least(1),
        help="images of each process in the plan for a batch that grows with them; by default the spec's batch size",
    )
    add_arguments(parser)
    options = parser.parse_args(arguments)
    device = device_of(options)
    with told_in_one_message():
        zoo = load_zoo(options.plugin)
        spec = read_spec(zoo, options, {"training.device": "--device"})
        for count in options.processes:
            if spec.training.batch_size % count:
                refuse(
                    f"--processes {count}: so many cannot share batches of {spec.training.batch_size} images; give a "
                    "number that divides these, or another training.batch_size"
                )
        plan = _Plan(spec)
    result = Result(
        f"scaling_{spec.name}",
        f"How does {spec.name} train over several processes?",
        {
            "what": ("what", ""),
            "processes": ("processes", ",d"),
            "batch_size": ("batch size", ",d"),
            "images_per_s": ("images/s", ",.1f"),
            "slowest": ("slowest", ",.1f"),
            "fastest": ("fastest", ",.1f"),
            "speed": ("× one", ".2f"),
            "gradients_mib": ("gradients, MiB", ",.1f"),
            "gathered_mib": ("gathered, MiB", ",.3f"),
            "returned_mib": ("returned, MiB", ",.3f"),
            "statistics_mib": ("statistics, MiB", ",.3f"),
            "messages": ("messages", ",.0f"),
            "pairs": ("pairs", ",d"),
        },
        about={
            "spec": spec.model_dump(mode="json"),
            "repetitions": f"{options.repetitions} of {options.updates} updates after one to warm up, median",
        },
    )
    for count in options.processes:
        with result.failures.noted(f"{count} process{'es' if count > 1 else ''}"):
            rates = sorted(_rates(spec, options, count, device))
            measured = {"images_per_s": statistics.median(rates), "slowest": rates[0], "fastest": rates[-1]}
            result.rows.append({**plan.row("measured", count, spec.training.batch_size), **measured})
    if not result.rows:
        result.failures.refuse()
    alone = next((row["images_per_s"] for row in result.rows if row["processes"] == 1), None)
    for row in result.rows:
        row["speed"] = None if alone is None else row["images_per_s"] / alone
    result.rows += [
        plan.row("planned, this batch", count, spec.training.batch_size)
        for count in PLANNED
        if count not in options.processes and not spec.training.batch_size % count
    ]
    each = options.images_each or spec.training.batch_size
    result.rows += [plan.row(f"planned, {each:,} images each", count, count * each) for count in PLANNED]
    result.notes.append(
        "Megabytes and messages are what each of N processes sends in one generator update with its critic updates; "
        "not measured at this N: noted in updates of the real loop for 2 and 4 processes, and scaled. Gradients of the "
        "weights are summed by a ring: 2 (N − 1)/N of their size. What losses over the whole batch look at, and that "
        "alone, is gathered: N − 1 times a process's part. Its gradients are returned as a sum for all images: twice "
        "as much, of what has gradients. Statistics are those of batch norm, where it is synchronised, and their "
        "gradients."
    )
    result.notes.append(
        "With the batch fixed, these sizes hardly grow with N, since the parts shrink; the number of messages, whose "
        "way each takes its time, decides at hundreds of processes. With the images of each process fixed, what is "
        "gathered and returned grows with N."
    )
    if plan.over_batch:
        result.notes.append(
            f"Each process computes {' and '.join(plan.over_batch)} of the whole batch B again: B² pairs of images "
            "where all pairs meet, each time. With the images of each process fixed that grows with N², and no "
            "process is spared any of it by the others."
        )
    show(result, options, device)


def _rates(spec: GanSpec, options: argparse.Namespace, count: int, device: torch.device) -> list[float]:
    training = spec.training
    each = options.updates * training.batch_size * training.critic_updates
    images = each * (options.repetitions + 1)
    settings = [*options.set, f"training.images={images}", f"training.log_every={each}"]
    settings += [f"training.checkpoint_every={images}"]
    if training.epochs is not None:
        settings.insert(len(options.set), "training.epochs=null")
    settings.append(f"training.device={device.type}")
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "alloygan", "train", options.spec, "--out", f"{folder}/run"]
        words += ["--processes", str(count)] if count > 1 else []
        words += [word for setting in settings for word in ("--set", setting)]
        words += [word for plugin in options.plugin for word in ("--plugin", plugin)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            error = MeasurementError((done.stderr.strip() or done.stdout.strip()).removeprefix("error: "))
            error.exit_code = 2 if done.returncode == 2 else 1
            raise error
        lines = [json.loads(line) for line in (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()]
    return [line["images_per_s"] for line in lines[1:]]


class _Plan:
    """What is sent in an update of a spec, at any number of processes."""

    def __init__(self, spec: GanSpec) -> None:
        self._updates = period(spec)
        self._scaling = scaling_of(spec, load_data(spec))
        self.over_batch = [name for name, loss in spec.losses.items() if loss.over == "batch"]
        """Losses that see the whole batch in every process."""

    def row(self, what: str, count: int, batch_size: int) -> dict[str, Any]:
        """A row of the table without any time."""
        sent = volume(self._scaling, self._updates, count, batch_size // count)
        return {
            "what": what,
            "processes": count,
            "batch_size": batch_size,
            "gradients_mib": sent.gradients / 2**20,
            "gathered_mib": sent.gathered / 2**20,
            "returned_mib": sent.returned / 2**20,
            "statistics_mib": sent.statistics / 2**20,
            "messages": sent.messages,
            "pairs": batch_size**2 if self.over_batch else None,
        }


if __name__ == "__main__":
    main()
