"""How many steps a second does the phase-field simulation take, and how many micrographs are drawn?

Steps of the spinodal solver for several fields at once, with and without the elastic energy of a misfit, over the side
of the fields; and micrographs of the synthetic alloy, with masks and tables. A step of one field counts as one.

python benchmarks/simulation.py --sizes 64 128 256 --json result.json
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from alloygan import load_zoo
from alloygan_plugins.spinodal.schedule import StepLengths, steps_to_each
from alloygan_plugins.spinodal.simulator import simulate
from meters import clocks
from result_page import Result, add_arguments, device_of, show


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON and a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256], help="sides of the fields, px")
    parser.add_argument("--fields", type=int, default=16, help="fields at once")
    parser.add_argument("--time", type=float, default=50.0, help="simulated time")
    parser.add_argument("--micrograph", type=int, default=512, help="side of a micrograph of the alloy, px; 0: none")
    parser.add_argument("--repetitions", type=int, default=5, help="of which the median is taken, after one to warm up")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    device = device_of(options)
    result = Result(
        "simulation",
        "How many steps a second does the phase-field simulation take, and how many micrographs are drawn?",
        {
            "what": ("what", ""),
            "side": ("side, px", "d"),
            "rate": ("a second", ",.1f"),
            "slowest": ("slowest", ",.1f"),
            "fastest": ("fastest", ",.1f"),
            "megapixels": ("Mpx a second", ",.2f"),
        },
        about={
            "fields": options.fields,
            "threads": torch.get_num_threads(),
            "repetitions": f"{options.repetitions} after one to warm up, median",
        },
    )
    steps = len(steps_to_each([options.time], StepLengths(0.05, 1.01, 1.0))[0])
    for side in options.sizes:
        for what, misfit in (("steps", None), ("steps with misfit", torch.full((options.fields,), 0.05))):

            def run(side: int = side, misfit: torch.Tensor | None = misfit) -> None:
                half, one = torch.full((options.fields,), 0.5), torch.ones(options.fields)
                simulate(half, one, [options.time], (side, side), 0, misfit=misfit, device=device)
                if device.type == "cuda":
                    torch.cuda.synchronize()

            result.rows.append({"what": what, "side": side, **_rates(run, steps * options.fields, side, options)})
    result.clocks = clocks(device)
    if options.micrograph:
        zoo = load_zoo()
        values = {"kind": "synthetic_alloy", "size": options.micrograph, "temperature": [900], "strain_rate": [0.1]}
        values |= {"training_micrographs": 2, "evaluation_micrographs": 1, "patch": min(128, options.micrograph)}
        alloy = zoo.spec_from_values(values, "dataset")
        drawn = len(list(alloy.micrographs(())))
        rates = _rates(lambda: list(alloy.micrographs(())), drawn, options.micrograph, options)
        result.rows.append({"what": "micrographs of the alloy (CPU)", "side": options.micrograph, **rates})
    show(result, options, device)


def _rates(run: Callable[[], object], count: int, side: int, options: argparse.Namespace) -> dict[str, Any]:
    run()
    found = []
    for _ in range(options.repetitions):
        start = time.perf_counter()
        run()
        found.append(count / (time.perf_counter() - start))
    rate = statistics.median(found)
    return {"rate": rate, "slowest": min(found), "fastest": max(found), "megapixels": rate * side * side / 1e6}


if __name__ == "__main__":
    main()
