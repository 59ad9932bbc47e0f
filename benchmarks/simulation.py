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

from alloygan import Zoo, load_zoo
from alloygan.errors import SpecError
from alloygan_plugins.spinodal.schedule import StepLengths, steps_to_each
from alloygan_plugins.spinodal.simulator import simulate
from failures import refuse, told_in_one_message
from meters import clocks
from numbers_given import at_least, positive
from result_page import Result, add_arguments, device_of, show

SMALLEST = 8
"""Side of the smallest field that the simulator takes, px."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON and a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", type=at_least(SMALLEST), nargs="+", default=[64, 128, 256], help="sides of fields, px"
    )
    parser.add_argument("--fields", type=at_least(1), default=16, help="fields at once")
    parser.add_argument("--time", type=positive, default=50.0, help="simulated time")
    parser.add_argument(
        "--micrograph", type=at_least(0), default=512, help="side of an alloy's micrograph, px; 0: none"
    )
    parser.add_argument("--repetitions", type=at_least(1), default=5, help="after one to warm up; the median is taken")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    device = device_of(options)
    with told_in_one_message():
        zoo = load_zoo()
    alloy = None
    if options.micrograph:
        try:
            alloy = _alloy(zoo, options.micrograph)
        except SpecError as error:
            refuse(f"--micrograph {options.micrograph}: {str(error).removeprefix(': ')}")
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
    if alloy is not None:
        drawn = len(list(alloy.micrographs(())))
        rates = _rates(lambda: list(alloy.micrographs(())), drawn, options.micrograph, options)
        result.rows.append({"what": "micrographs of the alloy (CPU)", "side": options.micrograph, **rates})
    show(result, options, device)


def _alloy(zoo: Zoo, side: int) -> Any:
    values = {"kind": "synthetic_alloy", "size": side, "temperature": [900], "strain_rate": [0.1]}
    values |= {"training_micrographs": 2, "evaluation_micrographs": 1, "patch": min(128, side)}
    return zoo.spec_from_values(values, "dataset")


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
