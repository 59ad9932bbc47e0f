"""How many images a second does a spec train? Times the real training loop over batch sizes.

python benchmarks/throughput.py zoo:demo --batch-sizes 16 64 --json result.json
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from alloygan import load_zoo, train
from alloygan.data.held_out import load_data
from alloygan.training.loop import Progress
from alloygan.training.run_folder import environment


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", help="spec file, or zoo:NAME")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=c", help="override a field; repeatable")
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help="plugin in a single file")
    parser.add_argument("--batch-sizes", type=int, nargs="+", help="batch sizes; by default that of the spec")
    parser.add_argument("--warm-up", type=int, default=5, help="generator updates before the clock starts")
    parser.add_argument("--updates", type=int, default=20, help="generator updates of one repetition")
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions, of which the median is taken")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args(arguments)

    zoo = load_zoo(options.plugin)
    spec = zoo.read_spec(options.spec, options.set)
    data = load_data(spec)
    rows = []
    for batch_size in options.batch_sizes or [spec.training.batch_size]:
        # The last update also writes the checkpoint; it is one more, and not counted.
        updates = options.warm_up + options.updates * options.repetitions + 1
        images = updates * batch_size * spec.training.critic_updates
        once = [f"training.batch_size={batch_size}", f"training.images={images}", f"training.log_every={images}"]
        once += [f"training.checkpoint_every={images}"]
        if spec.training.epochs is not None:
            once.insert(0, "training.epochs=null")
        timed = zoo.read_spec(options.spec, [*options.set, *once])
        moments: list[float] = []

        def note(progress: Progress, moments: list[float] = moments) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            moments.append(time.perf_counter())

        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        with tempfile.TemporaryDirectory() as folder:
            train(timed, Path(folder) / "run", data=data, report=note)
        starts = moments[options.warm_up - 1 : -1]
        step = options.updates
        spans = [starts[i + step] - starts[i] for i in range(0, len(starts) - step, step)]
        rates = sorted(step * batch_size * spec.training.critic_updates / span for span in spans)
        rows.append(
            {
                "batch_size": batch_size,
                "images_per_s": statistics.median(rates),
                "slowest": rates[0],
                "fastest": rates[-1],
                "s_per_kimg": 1000 / statistics.median(rates),
                "peak_memory_mib": torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None,
            }
        )
    result: dict[str, Any] = {
        "question": "throughput",
        "date": date.today().isoformat(),
        "spec": spec.model_dump(mode="json"),
        "environment": environment(torch.device("cuda" if torch.cuda.is_available() else "cpu")),
        "warm_up": options.warm_up,
        "updates": options.updates,
        "repetitions": options.repetitions,
        "rows": rows,
    }
    table = Table(title=f"{spec.name} on {result['environment']['device']} ({platform.machine()})", box=None)
    for heading in ("batch size", "images/s", "slowest", "fastest", "s/kimg", "peak memory"):
        table.add_column(heading, justify="right")
    for row in rows:
        memory = "–" if row["peak_memory_mib"] is None else f"{row['peak_memory_mib']:,.0f} MiB"
        numbers = [f"{row[key]:,.1f}" for key in ("images_per_s", "slowest", "fastest")]
        table.add_row(str(row["batch_size"]), *numbers, f"{row['s_per_kimg']:.2f}", memory)
    Console().print(table)
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
