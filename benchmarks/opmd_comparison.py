"""Do simulations of the data set `spinodal` look like published phase-field simulations, and have they their spectra?

Reads the gallery of the Open Phase-field Microstructure Database (microstructures.net): Mg2Si-Mg2Sn, a folder `opmd1`
(with elasticity, coloured) and a folder `opmd2` (without, grey). The pictures come without parameters, so for each a
simulation is made with its area fraction, and looked at when its phases are as distinct as those of the picture.
Nothing else is fitted: the radial spectra over the mean wavenumber are then compared, half of the gallery against the
simulations of the other half, and against the other half (the floor). Writes comparison.png and comparison.json.

python benchmarks/opmd_comparison.py opmd_mg2sisn --out opmd
"""

import argparse
import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from scipy.spatial import cKDTree

from alloygan_plugins.spinodal.elasticity import MODULI
from alloygan_plugins.spinodal.initial_fields import initial_composition
from alloygan_plugins.spinodal.solver import evolve, evolve_each
from failures import refuse, told_in_one_message
from numbers_given import at_least, not_negative, positive

Field = NDArray[np.float32]

SETS = {"opmd1": "with elasticity", "opmd2": "without elasticity"}
FRACTIONS = ((0.2, 0.3), (0.3, 0.4), (0.4, 0.5))  # of the minority phase
EDGES = np.append(np.arange(0, 3, 0.1), np.inf)  # of the wavenumber over its mean

# MATLAB's colour map parula at sixteen equidistant values.
PARULA = (
    (0.2422, 0.1504, 0.6603), (0.2717, 0.2184, 0.8439), (0.2814, 0.3095, 0.9483), (0.2647, 0.4030, 0.9935),
    (0.1847, 0.5030, 0.9819), (0.1540, 0.5902, 0.9218), (0.1085, 0.6669, 0.8734), (0.0009, 0.7248, 0.7815),
    (0.1609, 0.7635, 0.6671), (0.2809, 0.7964, 0.5266), (0.5044, 0.7993, 0.3480), (0.7344, 0.7679, 0.1852),
    (0.9184, 0.7308, 0.1890), (0.9962, 0.7798, 0.2095), (0.9619, 0.8840, 0.1557), (0.9769, 0.9839, 0.0805),
)  # fmt: skip


@dataclass(frozen=True)
class Pattern:
    """A field (H, W), its range stretched to [0, 1], and what is measured of it.

    `bimodality` is the share of px in the outer fifths of the range, `cycles` the mean wavenumber in cycles per side of
    the box, `alignment` the mean of cos 4θ over the power (1: waves along the axes, −1: along the diagonals), and
    `spectrum` the share of the power in each interval of `EDGES`.
    """

    field: Field
    area_fraction: float
    bimodality: float
    cycles: float
    alignment: float
    spectrum: NDArray[np.float64]

    @property
    def minority(self) -> float:
        """Area fraction of the rarer phase."""
        return min(self.area_fraction, 1 - self.area_fraction)


def measure(field: Field) -> Pattern:
    """Measure a periodic field that is not uniform; a box that is not square counts as one stretched to it."""
    low, high = float(field.min()), float(field.max())
    field = (field - low) / (high - low)
    power = np.abs(np.fft.fft2(field.astype(np.float64) - field.mean())) ** 2
    power /= power.sum()
    rows, columns = (np.fft.fftfreq(n, 1 / n) for n in field.shape)
    cycles = np.hypot(rows[:, None], columns)
    mean = float((power * cycles).sum())
    return Pattern(
        field,
        area_fraction=float((field > 0.5).mean()),
        bimodality=float(((field < 0.2) | (field > 0.8)).mean()),
        cycles=mean,
        alignment=float((power * np.cos(4 * np.arctan2(rows[:, None], columns))).sum()),
        spectrum=np.histogram(cycles / mean, EDGES, weights=power)[0],
    )


def read_picture(path: Path, side: int) -> Field | None:
    """The values behind a gallery picture, averaged to (side, side), or None where it is uniform.

    The title band on top is cut off. The boxes were square; colour pictures show them a little wide.
    """
    with Image.open(path) as picture:
        is_grey = picture.mode == "L"
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float64)
    # The band is nearly white, which no value is. Its lower edge is blurred by the compression.
    band = np.flatnonzero(pixels[: len(pixels) // 8].mean(axis=(1, 2)) > 200)
    pixels = pixels[band[-1] + 2 if len(band) else 0 :]
    values = pixels[..., 0] if is_grey else uncoloured(pixels)
    small = Image.fromarray(values.astype(np.float32)).resize((side, side), Image.Resampling.BOX)
    field = np.asarray(small)
    return field if field.max() > field.min() else None


def uncoloured(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value in [0, 1] of the nearest colour of parula to each pixel (H, W, 3) in 0..255."""
    at = np.linspace(0, 1, 256)
    colours = [np.interp(at, np.linspace(0, 1, len(PARULA)), channel) for channel in zip(*PARULA, strict=True)]
    nearest = cKDTree(255 * np.stack(colours, axis=1)).query(pixels.reshape(-1, 3))[1]
    values: NDArray[np.float64] = at[nearest].reshape(pixels.shape[:2])
    return values


def read_gallery(folder: Path, side: int, limit: int | None) -> tuple[list[Pattern], int]:
    """Pictures with two distinct phases, neither rarer than the least of `FRACTIONS`, and how many there are in all."""
    paths = sorted(folder.glob("*.jpg"))
    found = [measure(field) for field in (read_picture(path, side) for path in paths) if field is not None]
    chosen = [one for one in found if one.minority >= FRACTIONS[0][0] and one.bimodality >= 0.5]
    if limit is not None:
        chosen = chosen[:: max(1, -(-len(chosen) // limit))]
    return chosen, len(paths)


def composition_for(area_fraction: float) -> float:
    """The composition whose pattern has this area fraction; the interfaces take more from the rarer phase."""
    return 0.5 + (area_fraction - 0.5) / 1.12


def simulated(gallery: Sequence[Pattern], options: argparse.Namespace, what: str) -> tuple[list[Pattern], list[float]]:
    """For each picture a simulation, when its area fraction and bimodality are nearest to the picture's; the times."""
    found: dict[int, tuple[float, Pattern, float]] = {}
    left, fields, now = list(range(len(gallery))), start(gallery, options), 0.0
    with Progress() as bar:
        for time in options.times:
            task = bar.add_task(f"{what}: {len(left)} to t = {time:g}", total=1)
            fields = evolve(
                fields,
                torch.full((len(left),), options.gradient_energy),
                [time - now],
                # By the first time the steps have grown to their full length.
                dt_start=0.05 if now == 0 else 1.0,
                progress=partial(_advance, bar, task),
            )[0]
            now, going_on = time, []
            for row, (i, field) in enumerate(zip(left, fields.numpy(), strict=True)):
                pattern, picture = measure(field), gallery[i]
                gap = abs(pattern.bimodality - picture.bimodality) + abs(pattern.area_fraction - picture.area_fraction)
                if i not in found or gap < found[i][0]:
                    found[i] = gap, pattern, time
                # A mixture that has only begun to separate may look bimodal, but its rarer phase is rarer still.
                if pattern.bimodality < picture.bimodality or pattern.minority < 0.9 * picture.minority:
                    going_on.append(row)
            if not going_on:
                break
            left, fields = [left[row] for row in going_on], fields[going_on]
    chosen = [found[i] for i in range(len(gallery))]
    return [pattern for _, pattern, _ in chosen], [time for _, _, time in chosen]


def _advance(bar: Progress, task: TaskID, done: float) -> None:
    bar.update(task, completed=done)


def simulated_with_misfit(
    gallery: Sequence[Pattern], times: Sequence[float], options: argparse.Namespace
) -> list[Pattern]:
    """The same simulations at the same times, with a misfit."""
    kappa, misfit = (torch.full((len(gallery),), x) for x in (options.gradient_energy, options.misfit))
    return [measure(field) for field in evolve_each(start(gallery, options), kappa, times, misfit=misfit).numpy()]


def start(gallery: Sequence[Pattern], options: argparse.Namespace) -> torch.Tensor:
    """(B, H, W) at time 0, a field for each picture."""
    composition = torch.tensor([composition_for(one.area_fraction) for one in gallery])
    return initial_composition(composition, (options.size, options.size), options.seed)


def compare(gallery: Sequence[Pattern], ours: Sequence[Pattern], random: np.random.Generator) -> dict[str, Any]:
    """Medians over random halves: how far half of the gallery is from the other half of ours, and of the gallery.

    The distance of two mean spectra is half the sum of absolute differences: the share of the power that has to move.
    """
    real, fake = (np.stack([one.spectrum for one in some]) for some in (gallery, ours))
    distances, floors = [], []
    for _ in range(400):
        order = random.permutation(len(real))
        one, other = order[: len(real) // 2], order[len(real) // 2 :]
        floors.append(_distance(real[one], real[other]))
        distances.append(_distance(real[one], fake[other]))
    return {
        "pictures": len(real),
        "distance": float(np.median(distances)),
        "floor": float(np.median(floors)),
        "floor_95": float(np.quantile(floors, 0.95)),
    }


def _distance(some: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    return float(np.abs(some.mean(axis=0) - others.mean(axis=0)).sum() / 2)


def means(patterns: Iterable[Pattern]) -> dict[str, Any]:
    """What the tables show of a set: means, and three quantiles of the alignment."""
    patterns = list(patterns)
    alignment = [one.alignment for one in patterns]
    return {
        **{
            name: float(np.mean([getattr(one, name) for one in patterns]))
            for name in ("minority", "bimodality", "cycles")
        },
        "alignment": [float(x) for x in np.quantile(alignment, (0.1, 0.5, 0.9))],
    }


def draw(results: dict[str, dict[str, list[Pattern]]], path: Path) -> None:
    """Pictures side by side, chosen by their area fraction alone, and the mean spectra."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown, height = 8, len(results)
    figure = plt.figure(figsize=(11, 4.6 * height), layout="constrained")
    parts = figure.subfigures(height, 1, squeeze=False)[:, 0]
    for part, (name, patterns) in zip(parts, results.items(), strict=True):
        part.suptitle(f"{name}: OPMD gallery {SETS[name]} (above, © 2024 Vahid Attari, MIT) and simulations (below)")
        above, below = part.subfigures(2, 1, height_ratios=(1.15, 1))
        grid = above.subplots(2, shown)
        by_fraction = sorted(range(len(patterns["gallery"])), key=lambda i: patterns["gallery"][i].area_fraction)
        chosen = [by_fraction[round(i)] for i in np.linspace(0, len(by_fraction) - 1, shown)]
        for row, kind in zip(grid, ("gallery", "simulated"), strict=True):
            for axes, i in zip(row, chosen, strict=True):
                axes.imshow(patterns[kind][i].field, cmap="gray", vmin=0, vmax=1)
                axes.set_axis_off()
        middle = (EDGES[:-2] + EDGES[1:-1]) / 2
        for axes, (low, high) in zip(below.subplots(1, len(FRACTIONS), sharey=True), FRACTIONS, strict=True):
            inside = [i for i, one in enumerate(patterns["gallery"]) if low <= one.minority <= high]
            for kind, colour in (("gallery", "black"), ("simulated", "tab:red")):
                spectra = np.stack([patterns[kind][i].spectrum for i in inside])[:, :-1] / 0.1
                axes.plot(middle, spectra.mean(axis=0), color=colour, label=kind)
                axes.fill_between(middle, *np.quantile(spectra, (0.1, 0.9), axis=0), color=colour, alpha=0.15, lw=0)
            axes.set_title(f"minority phase {low:g} to {high:g}: {len(inside)} pictures", fontsize="medium")
            axes.set_xlabel("wavenumber / mean wavenumber")
            axes.set_xlim(0, 2.5)
        below.axes[0].set_ylabel("share of the power")
        below.axes[0].legend(frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    # Sixty-four colours are enough here, and a third of the size.
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(64, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, simulate, compare; print tables, and write the figure and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gallery", type=Path, help="folder with opmd1 and opmd2")
    parser.add_argument("--out", type=Path, required=True, help="folder for comparison.png and comparison.json")
    parser.add_argument("--size", type=at_least(8), default=192, help="box, px a side, of pictures and simulations")
    parser.add_argument("--gradient-energy", type=positive, default=0.25, help="κ, W px²")
    parser.add_argument(
        "--times",
        type=positive,
        nargs="+",
        default=[125, 177, 250, 354, 500, 707, 1000, 1414, 2000, 2828, 4000, 5657],
        help="rising times to choose from, the first at least 100",
    )
    parser.add_argument(
        "--misfit", type=not_negative, default=0.2, help="of more simulations, for the set with elasticity"
    )
    parser.add_argument("--limit", type=at_least(1), help="at most so many pictures of a set")
    parser.add_argument("--seed", type=int, default=0, help="of the simulations and the halves")
    options = parser.parse_args(arguments)
    missing = [name for name in SETS if not any((options.gallery / name).glob("*.jpg"))]
    if missing:
        refuse(f"{options.gallery}: no pictures in {' and '.join(missing)}; name a folder that has both, with *.jpg")
    if options.times != sorted(set(options.times)) or options.times[0] < 100:
        refuse("--times: they are to rise, the first at least 100")
    with told_in_one_message():
        options.out.mkdir(parents=True, exist_ok=True)

    results: dict[str, dict[str, list[Pattern]]] = {}
    summary: dict[str, Any] = {}
    for name in SETS:
        gallery, in_all = read_gallery(options.gallery / name, options.size, options.limit)
        ours, times = simulated(gallery, options, name)
        results[name] = {"gallery": gallery, "simulated": ours}
        if name == "opmd1":
            results[name]["with misfit"] = simulated_with_misfit(gallery, times, options)
        kinds = [kind for kind in results[name] if kind != "gallery"]
        quantiles = [float(x) for x in np.quantile(times, (0.1, 0.5, 0.9))]
        summary[name] = {"pictures": in_all, "used": len(gallery), "times": quantiles, "spectra": {}}
        summary[name]["means"] = {kind: means(patterns) for kind, patterns in results[name].items()}
        for kind in kinds:
            summary[name]["spectra"][kind] = {}
            for low, high in FRACTIONS:
                inside = [i for i, one in enumerate(gallery) if low <= one.minority <= high]
                if len(inside) < 2:
                    refuse(f"{name}: fewer than two pictures with {low:g} to {high:g} of the minority phase")
                some, ours = ([results[name][key][i] for i in inside] for key in ("gallery", kind))
                scores = compare(some, ours, np.random.default_rng(options.seed))
                summary[name]["spectra"][kind][f"{low:g} to {high:g}"] = scores
    draw(results, options.out / "comparison.png")
    settings = {key: value for key, value in vars(options).items() if key not in ("gallery", "out")}
    about = {
        "date": str(date.today()),
        "hardware": f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "settings": settings | {"moduli": MODULI},
    }
    text = json.dumps(about | {"sets": summary}, indent=1, ensure_ascii=False)
    (options.out / "comparison.json").write_text(text + "\n", encoding="utf-8")
    _print(summary)


def _print(summary: dict[str, Any]) -> None:
    console = Console()
    for name, one in summary.items():
        times = ", ".join(f"{time:g}" for time in one["times"])
        title = f"{name}: {one['used']} of {one['pictures']} pictures; times (10 %, 50 %, 90 %): {times}"
        table = Table("", "minority phase", "bimodality", "cycles a side", "cos 4θ: 10 %, 50 %, 90 %", title=title)
        for kind, mean in one["means"].items():
            alignment = ", ".join(f"{x:+.2f}" for x in mean["alignment"])
            numbers = (f"{mean['minority']:.3f}", f"{mean['bimodality']:.2f}", f"{mean['cycles']:.1f}")
            table.add_row(kind, *numbers, alignment)
        console.print(table)
        table = Table("spectra", "minority phase", "pictures", "distance", "floor", "floor, 95 %")
        for kind, groups in one["spectra"].items():
            for group, scores in groups.items():
                shares = (f"{scores[key]:.3f}" for key in ("distance", "floor", "floor_95"))
                table.add_row(kind, group, str(scores["pictures"]), *shares)
        console.print(table)


if __name__ == "__main__":
    main()
