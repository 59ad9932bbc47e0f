"""The tables and the figure of docs/continuous-study.md, from the folder of the ablation or from what is kept of it.

python benchmarks/continuous_study.py studies/continuous --keep kept.csv
python benchmarks/continuous_study.py kept.csv --figure docs/continuous_study.png
"""

import argparse
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from alloygan.files import read_json
from alloygan.sweeps.held_out_nodes import NodeScore, read_node_scores, write_node_scores
from alloygan.sweeps.remainders import Remainder, remainder_by_gap, remainders

HEADLINES = {
    "two_point": "two-point",
    "area_fraction": "area fraction",
    "interface_density": "interface",
    "characteristic_length": "length",
    "lite0_features.kid_lite0": "KID-Lite0",
    "fidelity.composition": "judge: composition",
    "fidelity.time": "judge: time",
}
LAWS = {
    "lever_rule": "area fraction − composition",
    "mean_composition": "mean grey − composition",
    "length_order": "length against time, rank",
    "length_exponent": "length against time, exponent",
}
GREY_RANGE = (-0.1, 1.1)  # of the data set spinodal, by default


@dataclass(frozen=True)
class Kept:
    """What is kept of a study: scores of held-out conditions, and of each run what it does along the conditions.

    `along`: by cell, seed and law; `real`: the same of the real images, by law.
    """

    nodes: list[NodeScore]
    along: dict[tuple[str, int, str], float]
    real: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, print the tables, and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="+", type=Path, help="folder of an ablation, or a CSV file made with --keep")
    parser.add_argument("--keep", type=Path, metavar="CSV", help="write everything that the tables are made from")
    parser.add_argument("--figure", type=Path, metavar="PNG", help="draw the remainders over the width of the gap")
    options = parser.parse_args(arguments)
    study = _joined([_of_folder(path) if path.is_dir() else _of_file(path) for path in options.source])
    console = Console()
    for split in dict.fromkeys(_split(one.cell) for one in study.nodes):
        mine = [one for one in study.nodes if _split(one.cell) == split]
        for place in dict.fromkeys(one.place for one in mine):
            console.print(_remainder_table(mine, split, place))
    console.print(_law_table(study))
    if options.keep is not None:
        _keep(study, options.keep)
    if options.figure is not None:
        _draw(study.nodes, options.figure)


def _of_folder(out: Path) -> Kept:
    nodes = read_node_scores(out / "held_out.csv")
    along: dict[tuple[str, int, str], float] = {}
    real: dict[str, float] = {}
    for cell in read_json(out / "ablation.json")["cells"]:
        for seed, folder in cell["runs"].items():
            path = out / folder / "run" / "evaluation.json"
            if not path.is_file():
                continue
            sweeps = read_json(path)["condition_sweeps"]
            along |= {(cell["name"], int(seed), law): value for law, value in laws(sweeps, "generated").items()}
            real |= laws(sweeps, "real")
    return Kept(nodes, along, real)


def laws(sweeps: Sequence[Mapping[str, Any]], of: str) -> dict[str, float]:
    """What is known of spinodals, of the generated images of a sweep or of the real ones beside them."""
    composition = next(sweep for sweep in sweeps if sweep["column"] == "composition")
    time = next(sweep for sweep in sweeps if sweep["column"] == "time")
    low, high = GREY_RANGE
    shares, compositions = _curve(composition, "area_fraction", of)
    grey, of_grey = _curve(composition, "mean_grey", of)
    lengths, times = _curve(time, "characteristic_length", of)
    return {
        "lever_rule": float(np.abs(shares - compositions).mean()),
        "mean_composition": float(np.abs(low + grey * (high - low) - of_grey).mean()),
        "length_order": float(spearmanr(lengths, times).statistic),
        "length_exponent": float(np.polyfit(np.log(times), np.log(lengths), 1)[0]),
    }


def _curve(sweep: Mapping[str, Any], name: str, of: str) -> tuple[np.ndarray, np.ndarray]:
    found = sweep["descriptors"][name]
    if of == "real":
        return np.array([one["mean"] for one in found["real"]]), np.array([one["value"] for one in found["real"]])
    return np.array(found["generated"]), np.array(sweep["values"])


def _keep(study: Kept, path: Path) -> None:
    """One table: held-out scores, and laws as scores without a condition."""
    real = [
        NodeScore("real", "", 0, "", "along", 0, law, value, None, None, False) for law, value in study.real.items()
    ]
    along = [
        NodeScore(cell, "", seed, "", "along", 0, law, value, None, None, False)
        for (cell, seed, law), value in study.along.items()
    ]
    write_node_scores([*study.nodes, *real, *along], path)


def _of_file(path: Path) -> Kept:
    rows = read_node_scores(path)
    along = {
        (one.cell, one.seed, one.score): one.value for one in rows if one.place == "along" and one.value is not None
    }
    return Kept(
        [one for one in rows if one.place != "along"],
        {key: value for key, value in along.items() if key[0] != "real"},
        {law: value for (cell, _, law), value in along.items() if cell == "real"},
    )


def _joined(parts: Sequence[Kept]) -> Kept:
    along: dict[tuple[str, int, str], float] = {}
    real: dict[str, float] = {}
    for part in parts:
        along |= part.along
        real |= part.real
    return Kept([one for part in parts for one in part.nodes], along, real)


def _method(cell: str) -> str:
    return cell.rpartition(", ")[0] or cell


def _split(cell: str) -> str:
    return cell.rpartition(", ")[2]


def _remainder_table(nodes: Sequence[NodeScore], split: str, place: str) -> Table:
    found = {score: remainders(nodes, score, place) for score in HEADLINES}
    shown = [score for score in HEADLINES if any(one.value is not None for one in found[score].values())]
    table = Table(title=f"{split}, {place} conditions trained on: remainder", title_justify="left")
    table.add_column("method")
    for score in shown:
        some = [one.conditions for one in found[score].values()]
        table.add_column(f"{HEADLINES[score]} ({max(some)} nodes)", justify="right")
    for cell in dict.fromkeys(one.cell for one in nodes):
        table.add_row(_method(cell), *(_words(found[score].get(cell)) for score in shown))
    return table


def _words(one: Remainder | None) -> str:
    if one is None or one.value is None:
        return "–"
    text = f"{one.value:.2f}"
    if one.interval is not None:
        text += f" [{one.interval[0]:.2f}, {one.interval[1]:.2f}]"
    if one.difference is not None and one.difference_interval is not None:
        low, high = one.difference_interval
        text += f"\n{one.difference:+.2f} [{low:+.2f}, {high:+.2f}]"
    return text


def _law_table(study: Kept) -> Table:
    table = Table(
        title="along the conditions, from the same noises: mean over seeds and their range", title_justify="left"
    )
    table.add_column("cell")
    for words in LAWS.values():
        table.add_column(words, justify="right")
    cells = dict.fromkeys(cell for cell, _, _ in study.along)
    for cell in cells:
        table.add_row(cell, *(_over_seeds(study, cell, law) for law in LAWS))
    table.add_row("real images", *(f"{study.real[law]:.3f}" if law in study.real else "–" for law in LAWS))
    return table


def _over_seeds(study: Kept, cell: str, law: str) -> str:
    values = [value for (one, _, name), value in study.along.items() if (one, name) == (cell, law)]
    return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})" if values else "–"


def _points(nodes: Sequence[NodeScore], method: str, score: str) -> Iterator[tuple[float, float]]:
    """The remainder over the width of the gap, all splits together; between conditions only."""
    for cell in dict.fromkeys(one.cell for one in nodes if _method(one.cell) == method):
        mine = [one for one in nodes if one.cell == cell and one.place == "between"]
        yield from remainder_by_gap(mine, cell, score).items()


def _draw(nodes: Sequence[NodeScore], path: Path) -> None:
    from matplotlib.figure import Figure

    from alloygan.reports.style import BLUE, GREY, SERIES, styled

    methods = list(dict.fromkeys(_method(one.cell) for one in nodes))
    styles = ("-", "--", ":")
    shown = [score for score in HEADLINES if any(list(_points(nodes, method, score)) for method in methods)]
    with styled():
        figure = Figure(figsize=(2.5 * len(shown), 2.9))
        for i, score in enumerate(shown):
            axes = figure.add_subplot(1, len(shown), i + 1)
            axes.axhline(1, color=BLUE, linestyle=":", linewidth=1.1)
            axes.axhline(0, color=GREY, linewidth=2)
            for number, method in enumerate(methods):
                points = sorted(_points(nodes, method, score))
                if points:
                    axes.plot(
                        *zip(*points, strict=True), color=SERIES[number % len(SERIES)], label=method,
                        linestyle=styles[number // len(SERIES)], linewidth=1.2, marker="o", markersize=3.5,
                    )  # fmt: skip
            axes.set_title(HEADLINES[score], fontsize="medium")
            axes.set_xlabel("distance to the nearest\nknown condition")
            axes.margins(x=0.15)
            if i == 0:
                axes.set_ylabel("remainder")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=len(methods), frameon=False, fontsize="small")
        figure.tight_layout(rect=(0, 0.08, 1, 1))
        figure.savefig(path, dpi=150, facecolor="white")


if __name__ == "__main__":
    main()
