"""The demo: a shipped spec from simulation to report, in one command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alloygan.data.held_out import load_data
from alloygan.evaluation.of_run import evaluate_run
from alloygan.reports.page import write_report
from alloygan.training.loop import Progress, train
from alloygan.training.run_folder import RunFolder
from alloygan.zoo import Zoo

SPEC = "zoo:demo"


@dataclass(frozen=True)
class Demo:
    """What a demo leaves: the content of evaluation.json, and the path of the report."""

    evaluation: dict[str, Any]
    report: Path


def run_demo(
    zoo: Zoo,
    out: Path,
    overrides: Sequence[str] = (),
    *,
    say: Callable[[str], None],
    training: Callable[[Progress], None] | None = None,
    work: Callable[[str, int, int], None] | None = None,
) -> Demo:
    """Simulate, train, measure and report into a run folder; goes on where an earlier demo was cut off.

    `say` is given a line before each part, `training` and `work` the progress in it. Raises AlloyganError.
    """
    spec = zoo.read_spec(SPEC, overrides)
    RunFolder(out).check(spec)  # before the simulation, which takes a while
    say("simulating spinodal microstructures")
    data = load_data(spec)
    say(f"training on {len(data.train):,} patches of {len(data.space.table)} conditions")
    train(spec, out, data=data, report=training)
    say("measuring generated against real")
    evaluation = evaluate_run(out, zoo, data=data, report=work)
    return Demo(evaluation, write_report(out, zoo, data=data, report=work))
