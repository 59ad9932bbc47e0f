"""Commands that make data sets: from real micrographs, and from simulations."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from alloygan.cli.app import AsJson, Overrides, Plugins, app, messages, print_json, screen
from alloygan.terminal import progress_display
from alloygan.zoo import load_zoo


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
    condition: Annotated[tuple[str, ...], Parameter(negative=())] = (),
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
        A manifest.csv: file, a column for each condition, and optionally um_per_px, roi, mask, avoid, cracks, exclude,
        and evaluation: a region x y width height, all (no training patch comes from the micrograph), or none.
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
        Part of each micrograph that is kept for evaluation, where the column evaluation says nothing.
    condition
        A column of the manifest that is a condition, such as exposure; repeatable. By default all columns that are not
        the manifest's own are; the others are taken over to the prepared manifest all the same.
    max_pixels
        Larger micrographs are refused before they are decoded.
    """
    from alloygan.preparation.options import read_options
    from alloygan.preparation.prepare import prepare as prepare_micrographs

    given = {
        "patch": patch, "side_um": side_um, "stride": stride, "contrast": contrast, "quantiles": quantiles,
        "reference": reference, "clip_limit": clip_limit, "block": block, "cracks": cracks,
        "crack_margin": crack_margin, "evaluation_fraction": evaluation_fraction, "conditions": condition or None,
        "max_pixels": max_pixels,
    }  # fmt: skip
    options = read_options({name: value for name, value in given.items() if value is not None})
    with progress_display(messages) as display:
        prepared = prepare_micrographs(manifest, out, options, report=display.work)
    if as_json:
        values = {name: str(value) if isinstance(value, Path) else value for name, value in vars(prepared).items()}
        print_json(values | {"warnings": list(prepared.warnings)})
        return
    for warning in prepared.warnings:
        messages.print(f"note: {warning}", markup=False)
    left_out = f" ({prepared.left_out} left out)" if prepared.left_out else ""
    screen.print(
        f"micrographs: {prepared.micrographs}{left_out}; patches: {prepared.training_patches} for training, "
        f"{prepared.evaluation_patches} for evaluation\nreview: {prepared.summary}\nmanifest: {prepared.manifest}",
        markup=False,
        soft_wrap=True,
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
        print_json({"out": str(out), "manifest": str(out / "manifest.csv"), **summary})
    else:
        screen.print(
            f"micrographs: {summary['micrographs']}; manifest: {out / 'manifest.csv'}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
