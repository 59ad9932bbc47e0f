"""Commands that make and use a run: train, sample, evaluate, report, and the demo that does all of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from alloygan.cli.app import AsJson, Overrides, Plugins, app, fail, messages, print_json, screen
from alloygan.terminal import progress_display
from alloygan.terminal_scores import print_scores
from alloygan.zoo import load_zoo

if TYPE_CHECKING:
    from alloygan.specs.gan import GanSpec


@app.command
def train(
    spec: str,
    *,
    out: Path,
    processes: int = 1,
    set_: Overrides = (),
    plugin: Plugins = (),
    as_json: AsJson = False,
) -> None:
    """Train a spec into a run folder. The same command goes on where it was cut off.

    Parameters
    ----------
    spec
        A spec file, or zoo:NAME for one that a plugin ships.
    out
        The run's folder; another spec for an existing run is refused with the differences.
    processes
        So many processes of this machine share each batch, each on a GPU of its own or on its part of the cores.
    """
    zoo = load_zoo(plugin)
    read = zoo.read_spec(spec, set_)
    read.data.check_inputs(read.conditions)
    if processes != 1:
        _train_together(processes, read, ["train", spec, *_again(out, set_, plugin, as_json)])
        return
    from alloygan.training.loop import train as train_spec

    with progress_display(messages) as display:
        folder = train_spec(read, out, report=display.training)
    if as_json:
        from alloygan.files import read_json

        print_json({"run": str(folder), "images_seen": read_json(folder / "model.json")["images_seen"]})
    else:
        screen.print(f"trained: {folder}", markup=False, soft_wrap=True, highlight=False)


def _again(out: Path, set_: Sequence[str], plugin: Sequence[Path], as_json: bool) -> list[str]:
    """The options of a training as words."""
    words = ["--out", str(out)]
    words += [word for text in set_ for word in ("--set", text)]
    words += [word for path in plugin for word in ("--plugin", str(path))]
    return words + (["--json"] if as_json else [])


def _train_together(count: int, spec: "GanSpec", words: Sequence[str]) -> None:
    from alloygan.training.processes import Processes
    from alloygan.training.torchrun import torchrun

    if count < 1:
        fail(f"--processes {count}: at least 1", 2)
    # What all of them would say is said once, before they start.
    Processes(0, count).part(spec.training.batch_size)
    ended = torchrun(words, count)
    if ended.refused is not None:
        fail(ended.refused, ended.code)
    if ended.code:
        fail("the training failed; what its first process said stands above. The same command goes on.", 1)


@app.command
def sample(
    run: Path,
    *,
    condition: Annotated[tuple[str, ...], Parameter(negative=())],
    count: int = 16,
    seed: int = 0,
    out: Path,
    plugin: Plugins = (),
    as_json: AsJson = False,
) -> None:
    """Generate microstructures at chosen conditions, from a run or a folder with generator.safetensors and model.json.

    Parameters
    ----------
    condition
        Such as exposure=150, or temperature=900,rate=0.1 for several columns; repeat the option for several conditions.
    count
        Images for each condition.
    seed
        Noise i depends on the seed and i alone, so one seed shows the same noise under different conditions.
    out
        Folder for pictures by condition (0/0000.png …), grid.png and samples.json; earlier samples there are replaced.
    """
    zoo = load_zoo(plugin)
    from alloygan.sampling import sample_to_folder

    samples = sample_to_folder(run, zoo, condition, count, seed, out)
    if as_json:
        print_json(samples)
    else:
        for drawn in samples["conditions"]:
            if drawn["served_by"]:
                messages.print(
                    f"note: {drawn['text']}: {drawn['standing']}, and the generator knows classes only, so these are "
                    f"images of the nearest one that it was trained on, {drawn['served_by']}",
                    markup=False,
                )
            elif drawn["outside"]:
                names = ", ".join(drawn["outside"])
                note = f"note: {drawn['text']}: {names} lies outside what the model was trained on: an extrapolation"
                messages.print(note, markup=False)
            elif drawn["place"] in ("between", "beyond"):
                messages.print(
                    f"note: {drawn['text']}: not trained on; {drawn['standing']} "
                    + ("between conditions that were" if drawn["place"] == "between" else "beyond those that were"),
                    markup=False,
                )
        screen.print(f"images of each condition: {count}; all in {out}", markup=False, soft_wrap=True, highlight=False)


@app.command
def evaluate(run: Path, *, set_: Overrides = (), plugin: Plugins = (), as_json: AsJson = False) -> None:
    """Measure a run's generated microstructures against the real ones; writes evaluation.json.

    Parameters
    ----------
    run
        A run folder, as `alloygan train` makes it.
    set_
        Override how it is measured, such as evaluation.images=256; the rest of a run's spec is as it was trained.
    """
    zoo = load_zoo(plugin)
    from alloygan.evaluation.of_run import evaluate_run

    with progress_display(messages) as display:
        result = evaluate_run(run, zoo, overrides=set_, report=display.work)
    if as_json:
        print_json(result)
    else:
        print_scores(screen, result)


@app.command
def report(run: Path, *, set_: Overrides = (), plugin: Plugins = (), as_json: AsJson = False) -> None:
    """Write a run's report.html: pictures, an atlas, scores with floors, curves; and its figures/ as PDF and PNG.

    Parameters
    ----------
    run
        A run folder, as `alloygan train` makes it; evaluated first where that was not done yet.
    set_
        Override how it is measured, such as evaluation.images=256; by default as it was when last evaluated.
    """
    zoo = load_zoo(plugin)
    from alloygan.reports.page import write_report

    with progress_display(messages) as display:
        path = write_report(run, zoo, overrides=set_, report=display.work)
    if as_json:
        print_json({"report": str(path)})
    else:
        screen.print(str(path), markup=False, soft_wrap=True, highlight=False)


@app.command
def demo(
    *,
    out: Path = Path("alloygan-demo"),
    set_: Overrides = (),
    plugin: Plugins = (),
) -> None:
    """Simulate spinodal microstructures, train a small conditional GAN on them, measure it, and write report.html.

    Needs no data, no network and no GPU; a few minutes on two cores. The same command goes on where it was cut off.

    Parameters
    ----------
    out
        Folder of the demo's run.
    """
    zoo = load_zoo(plugin)
    from alloygan.demo import run_demo

    with progress_display(messages) as display:
        result = run_demo(zoo, out, set_, say=display.say, training=display.training, work=display.work)
    print_scores(screen, result.evaluation)
    screen.print(f"report: {result.report}", markup=False, soft_wrap=True, highlight=False)
