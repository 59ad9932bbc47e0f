"""A worker: trains and measures one cell with one seed, as a process of its own.

    python -m alloygan.sweeps.work FOLDER

It may be killed at any moment; started again, it goes on from the last checkpoint and ends with the same bits.
"""

import os
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from alloygan.data.held_out import load_data
from alloygan.errors import AlloyganError
from alloygan.locks import HeldElsewhereError, held
from alloygan.plugin_faults import plugin_fault
from alloygan.sweeps.cell_folder import CellFolder, Reporter
from alloygan.zoo import load_zoo

HELD_ELSEWHERE = 75  # EX_TEMPFAIL of sysexits.h

_PATIENCE = 2.0  # s


def main(arguments: Sequence[str]) -> int:
    """Work on the folder that is named; 0 done, 1 failed, 75 another worker is at it."""
    folder = CellFolder(Path(arguments[0]))
    if os.environ.get("ALLOYGAN_END_WITH_STDIN"):
        threading.Thread(target=end_with_stdin, daemon=True).start()
    try:
        # The launcher that looks how far the cell is takes the lock for a moment.
        with held(folder.lock, _PATIENCE):
            return _work(folder)
    except HeldElsewhereError:
        return HELD_ELSEWHERE


def end_with_stdin() -> None:
    """A launcher that says so holds the other end: when it dies, however that is, this process does not go on alone."""
    # Not through sys.stdin, whose lock would be held while the interpreter ends.
    while os.read(0, 4096):
        pass
    os._exit(1)


def _work(folder: CellFolder) -> int:
    reporter = Reporter(folder)
    try:
        _train_and_measure(folder, reporter)
    except Exception as error:
        said = str(error) if isinstance(error, AlloyganError) else plugin_fault(error)
        said = said or f"{type(error).__name__}: {error}"
        folder.fail(replace(reporter.status, state="failed", error=said), traceback.format_exc())
        sys.stderr.write(said + "\n")
        return 1
    return 0


def _train_and_measure(folder: CellFolder, reporter: Reporter) -> None:
    values, plugins = folder.asked()
    zoo = load_zoo(plugins)
    spec = zoo.spec_from_values(values)
    if folder.status(spec.evaluation).state == "done":
        return  # another worker did it while this one waited in a queue
    reporter.now()
    from alloygan.evaluation.of_run import evaluate_run
    from alloygan.training.loop import Progress, train

    def training(at: Progress) -> None:
        about = {"images_seen": at.images_seen, "images": at.images, "images_per_s": at.images_per_s}
        reporter.sometimes(state="training", **about)

    data = load_data(spec)
    reporter.now(state="training")
    train(spec, folder.run, data=data, report=training)
    reporter.now(state="measuring")
    evaluate_run(folder.run, zoo, data=data, report=lambda part, done, total: reporter.sometimes())
    reporter.now(state="done", measured_by=spec.evaluation.model_dump(mode="json"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
