"""How does a training scale over processes, and what do they say to each other?

Trains a spec with `alloygan train --processes N` for each N and takes the median of images/s, as the run's own log has
it. The batch is that of all processes together, so the work is the same for each N. On the CPU this proves the
mechanics: all processes share the same cores, of which each gets its part. Beside it, worked out from the spec and not
measured: what each process sends in one update, on this many processes and on hundreds.

python benchmarks/scaling.py zoo:demo --processes 1 2 --json result.json
python benchmarks/scaling.py zoo:jain2024-simulated --processes 1 2 4 8 --page benchmarks/results
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alloygan import assemble, load_zoo
from alloygan.data.held_out import condition_space_of
from alloygan.specs.gan import GanSpec
from result_page import Result, add_arguments, device_of, show
from spec_arguments import add_spec_arguments, told_in_one_line

PLANNED = (8, 64, 512)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON and a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_spec_arguments(parser)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="numbers of processes")
    parser.add_argument("--updates", type=int, default=20, help="generator updates of one measurement")
    parser.add_argument("--repetitions", type=int, default=5, help="measurements, after one to warm up")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    device = device_of(options)
    zoo = load_zoo(options.plugin)
    with told_in_one_line():
        spec = zoo.read_spec(options.spec, options.set)
        for count in options.processes:
            if spec.training.batch_size % count:
                raise SystemExit(f"error: {count} processes cannot share batches of {spec.training.batch_size} images")
        gradients, gathered = _messages(spec)
    result = Result(
        f"scaling_{spec.name}",
        f"How does {spec.name} train over several processes?",
        {
            "processes": ("processes", ",d"),
            "images_per_s": ("images/s", ",.1f"),
            "slowest": ("slowest", ",.1f"),
            "fastest": ("fastest", ",.1f"),
            "speed": ("× one", ".2f"),
            "gradients_mib": ("gradients, MiB", ",.1f"),
            "gathered_mib": ("gathered, MiB", ",.3f"),
        },
        about={
            "spec": spec.model_dump(mode="json"),
            "repetitions": f"{options.repetitions} of {options.updates} updates after one to warm up, median",
        },
    )
    for count in options.processes:
        rates = sorted(_rates(spec, options, count))
        first = result.rows[0]["images_per_s"] if result.rows else statistics.median(rates)
        measured = {"images_per_s": statistics.median(rates), "slowest": rates[0], "fastest": rates[-1]}
        speed = measured["images_per_s"] / first if options.processes[0] == 1 else None
        result.rows.append({"processes": count, **measured, "speed": speed, **_sent(gradients, gathered, count)})
    result.rows += [
        {"processes": count, **_sent(gradients, gathered, count)}
        for count in PLANNED
        if count not in options.processes and not spec.training.batch_size % count
    ]
    result.notes.append(
        "Megabytes are what each process sends in one generator update with its critic updates, worked out from the "
        "spec and not measured: gradients by a ring all-reduce, 2 (N − 1)/N of their size, and what losses over the "
        "whole batch gather of the critic's outputs, (N − 1)/N of the batch's and twice that back. Neither grows with "
        "N: at hundreds of processes the time of a message's way, not its size, decides, and each computes the losses "
        "over the batch again."
    )
    show(result, options, device)


def _rates(spec: GanSpec, options: argparse.Namespace, count: int) -> list[float]:
    training = spec.training
    each = options.updates * training.batch_size * training.critic_updates
    images = each * (options.repetitions + 1)
    settings = [*options.set, f"training.images={images}", f"training.log_every={each}"]
    settings += [f"training.checkpoint_every={images}"]
    if training.epochs is not None:
        settings.insert(len(options.set), "training.epochs=null")
    if options.device != "auto":
        settings.append(f"training.device={options.device}")
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "alloygan", "train", options.spec, "--out", f"{folder}/run"]
        words += ["--processes", str(count)] if count > 1 else []
        words += [word for setting in settings for word in ("--set", setting)]
        words += [word for plugin in options.plugin for word in ("--plugin", plugin)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"error: {count} processes: {done.stderr.strip() or done.stdout.strip()}")
        lines = [json.loads(line) for line in (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()]
    return [line["images_per_s"] for line in lines[1:]]


def _messages(spec: GanSpec) -> tuple[float, float]:
    """Bytes of the gradients, and of what is gathered of the whole batch, in one generator update."""
    gan = assemble(spec, condition_space_of(spec))
    judging = sum(p.numel() for part in (gan.critic, *gan.losses.values()) for p in part.parameters())
    making = sum(p.numel() for p in gan.generator.parameters())
    updates = spec.training.critic_updates
    gradients = 4.0 * (updates * judging + making)
    over_batch = [loss for loss in spec.losses.values() if loss.over == "batch"]
    if not over_batch:
        return gradients, 0.0
    outputs = 1 + sum(math.prod(shape) for shape in gan.site.critic_outputs.values())
    # Real and generated images in the critic's steps, generated ones in the generator's. Forward an all-gather, and
    # for the gradients an all-reduce of all of them, which sends twice as much.
    return gradients, 3 * 4.0 * spec.training.batch_size * outputs * (2 * updates + 1)


def _sent(gradients: float, gathered: float, count: int) -> dict[str, Any]:
    share = (count - 1) / count
    return {"gradients_mib": 2 * share * gradients / 2**20, "gathered_mib": share * gathered / 2**20}


if __name__ == "__main__":
    main()
