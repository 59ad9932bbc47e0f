"""How long does a full evaluation take? Times the real `measure`, with images of the data set as generated ones.

No model is needed: half of the evaluation images of each condition stand for the generated ones, so that every part of
the evaluation has the work that it has for a good generator. The training of the fidelity judge is timed apart. One
evaluation of few images comes first, to warm up; then whole ones, each of which takes minutes at the default size.

python benchmarks/evaluation.py --json result.json
python benchmarks/evaluation.py my-spec.yaml --images 250 --repetitions 5 --page benchmarks/results
"""

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is there, as the command line does

import torch
from rich.console import Console
from torch import Tensor

from alloygan import Data, Patches, load_zoo
from alloygan.data.held_out import load_data
from alloygan.evaluation.evaluate import measure
from alloygan.evaluation.subjects import of_label
from alloygan.specs.evaluation import EvaluationSpec
from alloygan.terminal import progress_display
from failures import refuse, told_in_one_message
from meters import clocks
from numbers_given import at_least
from result_page import Result, add_arguments, show
from spec_arguments import add_spec_arguments, read_spec

SIDE = 128

WARM_UP_IMAGES = 8
"""Images of a condition, at most, in the evaluation that comes before those that are timed."""

WARM_UP_JUDGE_IMAGES = 256
"""And training patches, at most, that its judge sees."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_spec_arguments(parser, by_default="the synthetic alloy, 8 conditions")
    parser.add_argument(
        "--images", type=at_least(1), default=250, help="images of a condition in each of the three sets"
    )
    parser.add_argument("--size", type=at_least(SIDE), default=1536, help="micrographs of the synthetic alloy, px")
    parser.add_argument("--repetitions", type=at_least(1), default=3, help="whole evaluations; the median is taken")
    add_arguments(parser, device=False)
    options = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # as `measure` takes it

    if options.set and not options.spec:
        refuse(f"--set {options.set[0]}: there is no spec to override; name one")
    with told_in_one_message():
        _evaluate(options, device)


def _evaluate(options: argparse.Namespace, device: torch.device) -> None:
    zoo = load_zoo(options.plugin)
    console = Console()
    if options.spec:
        spec = read_spec(zoo, options, {"evaluation.images": "--images"})
        evaluation, data = spec.evaluation, load_data(spec)
    else:
        values: dict[str, Any] = {"kind": "synthetic_alloy", "size": options.size}
        # Of the evaluation patches, which do not overlap, half stand for generated ones.
        micrographs = -(-2 * options.images // (options.size // SIDE) ** 2)
        values |= {"training_micrographs": 1, "evaluation_micrographs": micrographs, "stride": SIDE // 2}
        console.print(f"drawing {8 * (micrographs + 1)} micrographs of {options.size} px …")
        data = zoo.spec_from_values(values, "dataset").build(())
        evaluation = EvaluationSpec.model_validate({"phase": "dark", "smooth": 1.0}, context=zoo.registries)
    evaluation = evaluation.model_copy(update={"images": options.images})
    real, stand_ins = _halves(data.evaluation)
    data = Data(data.space, data.train, real, data.um_per_px)

    def generate(label: int, count: int) -> Tensor:
        return of_label(data, stand_ins, label)[:count]

    timed: list[Clock] = []
    images = 0
    with progress_display(console) as display:

        def report(part: str, done: int, total: int) -> None:
            timed[-1].note(part)
            display.work(part, done, total)

        short = {
            "images": min(WARM_UP_IMAGES, evaluation.images),
            "judge_images": min(WARM_UP_JUDGE_IMAGES, evaluation.judge_images),
        }
        for number in range(options.repetitions + 1):
            timed.append(Clock())
            this = evaluation if number else evaluation.model_copy(update=short)
            result = measure(this, data, generate, report)
            timed[-1].stop()
            images = sum(condition["images"] for condition in result.scores["conditions"])
    found = [_parts(clock) for clock in timed[1:]]
    shape = " × ".join(map(str, real.images.shape[1:]))
    shown = Result(
        "evaluation",
        "How long does a full evaluation take?",
        {
            "part": ("part", ""),
            "seconds": ("s", ",.1f"),
            "fastest": ("fastest", ",.1f"),
            "slowest": ("slowest", ",.1f"),
            "patches_per_s": ("patches/s", ",.1f"),
        },
        about={
            "images": f"{images} of {shape} in each set (generated, real, training)",
            "threads": torch.get_num_threads(),
            "repetitions": f"{options.repetitions} after one of few images to warm up, median",
            "spec": evaluation.model_dump(mode="json"),
        },
        clocks=clocks(device),
    )
    for part in found[0]:
        seconds = [one[part] for one in found]
        median = statistics.median(seconds)
        row = {"part": part, "seconds": median, "fastest": min(seconds), "slowest": max(seconds)}
        shown.rows.append({**row, "patches_per_s": images / median if median else None})
    show(shown, options, device)


class Clock:
    """Seconds of each part, by when it was last heard of."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.started = self._last = time.perf_counter()
        self._part: str | None = None

    def note(self, part: str) -> None:
        """The time since the last note belonged to the part that was at work."""
        now = time.perf_counter()
        at_work = self._part or part
        self.seconds[at_work] = self.seconds.get(at_work, 0.0) + now - self._last
        self._last, self._part = now, part

    def stop(self) -> None:
        """Give the rest to the last part."""
        if self._part is not None:
            self.note(self._part)

    @property
    def total(self) -> float:
        """All seconds so far."""
        return sum(self.seconds.values())


def _parts(clock: Clock) -> dict[str, float]:
    """Seconds of each part, of all, and of all without what is done once whatever the number of images."""
    judge = clock.seconds.get("judge", 0.0)
    return {**clock.seconds, "all": clock.total, "all but the training of the judge": clock.total - judge}


def _halves(patches: Patches) -> tuple[Patches, Patches]:
    """Every other patch, so that both halves have all conditions and sources."""

    def some(start: int) -> Patches:
        return Patches(patches.images[start::2], patches.condition[slice(start, None, 2)], patches.source[start::2])

    return some(0), some(1)


if __name__ == "__main__":
    main()
