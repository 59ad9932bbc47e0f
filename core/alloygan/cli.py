"""The command line: parse, call, print. What needs torch is imported by the commands that need it."""

import errno
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from alloygan.errors import AlloyganError, SpecError, nearest
from alloygan.terminal import (
    SECTIONS,
    print_check,
    print_kinds,
    print_layers,
    print_section,
    print_show,
    progress_display,
)
from alloygan.terminal_scores import print_scores
from alloygan.zoo import load_zoo

Plugins = Annotated[
    tuple[Path, ...],
    Parameter(name="--plugin", negative=(), help="A plugin in a single Python file; repeatable."),
]
Overrides = Annotated[
    tuple[str, ...],
    Parameter(name="--set", negative=(), help="Override a field, such as losses.contrastive.weight=0.5; repeatable."),
]
AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for programs.")]

app = App(
    name="alloygan",
    help="A zoo of conditional GANs for microstructures. A spec file names the parts; one command trains it.",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)
_UNUSABLE_PATH = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}

screen = Console()
messages = Console(stderr=True, soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit codes are 0 done, 1 failed while running, 2 the input is wrong."""
    # Threads that wait for each other actively are a little faster on an idle machine, and many times slower on a busy
    # one. OpenMP reads this when torch is imported, which is later.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        app(arguments, exit_on_error=False, print_error=True, error_console=messages)
    except CycloptsError:
        sys.exit(2)
    except AlloyganError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `alloygan list | head` is no failure
    except OSError as error:
        if error.filename is None:
            raise
        # A path that cannot be used is the user's to change; a full disk is a failure of the run.
        code = 2 if error.errno in _UNUSABLE_PATH else 1
        _fail(f"{error.filename}: {error.strerror}; name a file or folder that can be read and written", code)
    except KeyboardInterrupt:
        messages.print("interrupted; the same command goes on, a training from its last checkpoint", markup=False)
        sys.exit(130)


def _fail(message: str, code: int) -> NoReturn:
    messages.print("[bold red]error:[/] ", end="")
    messages.print(message, markup=False)
    sys.exit(code)


def _print_json(values: Any) -> None:
    print(json.dumps(values, indent=1, ensure_ascii=False))


@app.command(name="list")
def list_(*, plugin: Plugins = (), as_json: AsJson = False) -> None:
    """Show every kind of generator, critic, conditioner, loss … that is installed, and where it comes from."""
    zoo = load_zoo(plugin)
    if as_json:
        _print_json(
            {
                registry.plural: [
                    {"kind": entry.kind, "origin": entry.origin, "summary": entry.summary} for entry in registry
                ]
                for registry in zoo.registries.values()
            }
        )
    else:
        print_kinds(screen, zoo)


@app.command
def show(kind: str, *, plugin: Plugins = (), as_json: AsJson = False) -> None:
    """Show what a kind is, its fields with defaults, and what it needs and gives; or the text of a shipped spec.

    Parameters
    ----------
    kind
        A kind as `alloygan list` names it; training, evaluation, conditions or the name of an optimiser; or zoo:NAME
        for a spec that a plugin ships.
    """
    zoo = load_zoo(plugin)
    if kind.startswith("zoo:"):
        zoo.read_document(kind)  # for its message, if there is none of this name
        print(zoo.shipped[kind.removeprefix("zoo:")].read_text(encoding="utf-8"), end="")
        return
    if kind in SECTIONS:
        if as_json:
            _print_json(SECTIONS[kind].model_json_schema())
        else:
            print_section(screen, kind)
        return
    entries = [(registry, registry.get(kind)) for registry in zoo.registries.values() if kind in registry]
    if not entries:
        known = [entry.kind for registry in zoo.registries.values() for entry in registry]
        known += [*SECTIONS, *(f"zoo:{name}" for name in zoo.shipped)]
        raise SpecError(f"no kind is called {kind!r}.{nearest(kind, known)}")
    if as_json:
        _print_json(
            [
                {
                    "registry": registry.plural,
                    "kind": entry.kind,
                    "origin": entry.origin,
                    "summary": entry.summary,
                    "schema": entry.spec.model_json_schema(),
                }
                for registry, entry in entries
            ]
        )
        return
    for registry, entry in entries:
        print_show(screen, zoo, registry, entry)


@app.command
def check(
    spec: str,
    *,
    set_: Overrides = (),
    layers: Annotated[bool, Parameter(name="--layers", negative=())] = False,
    plugin: Plugins = (),
    as_json: AsJson = False,
) -> None:
    """Check a spec without training it: fields, kinds, whether the parts fit, manifest and files.

    Parameters
    ----------
    spec
        A spec file, or zoo:NAME for one that a plugin ships.
    layers
        Also build generator and critic and print their layers as the paper's Tables 1 and 2 do.
    """
    zoo = load_zoo(plugin)
    read = zoo.read_spec(spec, set_)
    read.data.check_inputs(read.conditions)
    if not layers:
        if as_json:
            _print_json(read.model_dump(mode="json"))
        else:
            print_check(screen, read)
        return
    from alloygan.assembler import assemble, example_condition
    from alloygan.layer_table import layer_rows

    gan = assemble(read, read.data.condition_space(read.conditions))
    import torch

    condition = example_condition(gan.site, 2)
    tables = {
        "generator": layer_rows(gan.generator, torch.zeros(2, gan.generator.noise_width), condition),
        "critic": layer_rows(gan.critic, torch.zeros(2, *gan.site.image_shape), condition),
    }
    if as_json:
        _print_json({name: [vars(row) for row in rows] for name, rows in tables.items()})
    else:
        print_check(screen, read)
        print_layers(screen, tables)


@app.command
def schema(*, plugin: Plugins = ()) -> None:
    """Print the JSON Schema of spec files, for editors: alloygan schema > .alloygan.schema.json."""
    from alloygan.schema import json_schema

    _print_json(json_schema(load_zoo(plugin)))


@app.command
def train(
    spec: str,
    *,
    out: Path,
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
    """
    zoo = load_zoo(plugin)
    read = zoo.read_spec(spec, set_)
    read.data.check_inputs(read.conditions)
    from alloygan.training.loop import train as train_spec

    with progress_display(messages) as display:
        folder = train_spec(read, out, report=display.training)
    if as_json:
        from alloygan.files import read_json

        _print_json({"run": str(folder), "images_seen": read_json(folder / "model.json")["images_seen"]})
    else:
        screen.print(f"trained: {folder}", markup=False, highlight=False)


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
        _print_json(samples)
    else:
        for drawn in samples["conditions"]:
            if drawn["outside"]:
                names = ", ".join(drawn["outside"])
                note = f"note: {drawn['text']}: {names} lies outside what the model was trained on: an extrapolation"
                messages.print(note, markup=False)
        screen.print(f"images of each condition: {count}; all in {out}", markup=False, highlight=False)


@app.command
def evaluate(run: Path, *, plugin: Plugins = (), as_json: AsJson = False) -> None:
    """Measure a run's generated microstructures against the real ones; writes evaluation.json.

    Parameters
    ----------
    run
        A run folder, as `alloygan train` makes it.
    """
    zoo = load_zoo(plugin)
    from alloygan.evaluation.of_run import evaluate_run

    with progress_display(messages) as display:
        result = evaluate_run(run, zoo, report=display.work)
    if as_json:
        _print_json(result)
    else:
        print_scores(screen, result)


@app.command
def report(run: Path, *, plugin: Plugins = (), as_json: AsJson = False) -> None:
    """Write a run's report.html: pictures, an atlas, scores with floors, curves; and its figures/ as PDF and PNG.

    Parameters
    ----------
    run
        A run folder, as `alloygan train` makes it; evaluated first where that was not done yet.
    """
    zoo = load_zoo(plugin)
    from alloygan.reports.page import write_report

    with progress_display(messages) as display:
        path = write_report(run, zoo, report=display.work)
    if as_json:
        _print_json({"report": str(path)})
    else:
        screen.print(str(path), markup=False, highlight=False)


@app.command
def prepare(
    manifest: Path,
    *,
    out: Path,
    patch: str,
    side_um: float | None = None,
    stride: str | None = None,
    contrast: Literal["none", "quantile", "match", "clahe"] = "quantile",
    quantiles: str | None = None,
    reference: Path | None = None,
    clip_limit: float | None = None,
    block: int | None = None,
    cracks: Literal["region", "micrograph", "off"] = "region",
    crack_margin: float | None = None,
    evaluation_fraction: float | None = None,
    max_pixels: int | None = None,
    as_json: AsJson = False,
) -> None:
    """Make real micrographs a data set: leave out cracks, crop, one contrast, one scale, training and evaluation apart.

    Writes prepared micrographs with a manifest.csv that the data set kind micrographs reads, an overlay picture of each
    micrograph to review, patches.csv, and summary.html. What was decided about cracks is overruled in the column cracks
    of the manifest: none, a list of regions x y width height, or micrograph.

    Parameters
    ----------
    manifest
        A manifest.csv: file, a column for each condition, and optionally um_per_px, roi, mask, cracks, exclude.
    out
        The folder; an earlier preparation there is replaced.
    patch
        Side of a patch in px, such as 128, or height x width, such as 128x256: the image size of the GAN.
    side_um
        Width of a patch in µm; needed where the manifest has um_per_px.
    stride
        Distance of training patches in px, such as 32 or 32x64; by default a quarter of the patch.
    contrast
        quantile: two percentiles to black and white; match: one histogram for all (which makes area fractions alike);
        clahe: adaptive; none.
    quantiles
        The two percentiles, such as 0.5,99.5.
    reference
        For match: a micrograph whose histogram the others get; by default all of them together.
    clip_limit
        For clahe: largest part of a block's px in one of 256 grey levels.
    block
        For clahe: side of a block in px.
    cracks
        region: leave out what lies around a crack; micrograph: leave out the micrograph; off: do not look for cracks.
    crack_margin
        Distance from a crack up to which nothing is used, in µm where a scale is known, otherwise in px.
    evaluation_fraction
        Part of each micrograph that is kept for evaluation.
    max_pixels
        Larger micrographs are refused before they are decoded.
    """
    from alloygan.preparation.options import read_options
    from alloygan.preparation.prepare import prepare as prepare_micrographs

    given = {
        "patch": patch, "side_um": side_um, "stride": stride, "contrast": contrast, "quantiles": quantiles,
        "reference": reference, "clip_limit": clip_limit, "block": block, "cracks": cracks,
        "crack_margin": crack_margin, "evaluation_fraction": evaluation_fraction, "max_pixels": max_pixels,
    }  # fmt: skip
    options = read_options({name: value for name, value in given.items() if value is not None})
    with progress_display(messages) as display:
        prepared = prepare_micrographs(manifest, out, options, report=display.work)
    if as_json:
        values = {name: str(value) if isinstance(value, Path) else value for name, value in vars(prepared).items()}
        _print_json(values | {"warnings": list(prepared.warnings)})
        return
    for warning in prepared.warnings:
        messages.print(f"note: {warning}", markup=False)
    left_out = f" ({prepared.left_out} left out)" if prepared.left_out else ""
    screen.print(
        f"micrographs: {prepared.micrographs}{left_out}; patches: {prepared.training_patches} for training, "
        f"{prepared.evaluation_patches} for evaluation\nreview: {prepared.summary}\nmanifest: {prepared.manifest}",
        markup=False,
        highlight=False,
    )


@app.command
def simulate(
    kind: str,
    *,
    out: Path,
    set_: Overrides = (),
    plugin: Plugins = (),
    as_json: AsJson = False,
) -> None:
    """Write the micrographs of a simulated data set: a manifest.csv with images, masks and what is true of them.

    The folder is a data set of the kind micrographs, and an input of `alloygan prepare`.

    Parameters
    ----------
    kind
        A kind of data set that simulates, such as spinodal or synthetic_alloy; or a spec file (or zoo:NAME), whose
        data section is meant.
    out
        The folder; an earlier simulation there is replaced.
    set_
        Override a field of the data set, such as composition=[0.4,0.5]; of a spec file, such as data.runs=2.
    """
    zoo = load_zoo(plugin)
    if kind.startswith("zoo:") or Path(kind).suffix in (".yaml", ".yml"):
        read = zoo.read_spec(kind, set_)
        data, columns = read.data, read.conditions
    else:
        data, columns = zoo.read_component("dataset", kind, set_), ()
    from alloygan.data.simulation_folder import write_simulation

    about = {"data": data.model_dump(mode="json")}
    with progress_display(messages) as display:
        summary = write_simulation(data.micrographs(columns), out, about, report=display.counting("micrographs"))
    if as_json:
        _print_json({"out": str(out), "manifest": str(out / "manifest.csv"), **summary})
    else:
        screen.print(
            f"micrographs: {summary['micrographs']}; manifest: {out / 'manifest.csv'}", highlight=False, markup=False
        )


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
    screen.print(f"report: {result.report}", markup=False, highlight=False)
