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

from alloygan.evaluation.score_list import listed_scores
from alloygan.files import read_json
from alloygan.sweeps.held_out_scores import HeldOutScore, read_held_out_scores, write_held_out_scores
from alloygan.sweeps.remainders import Remainder, blend_remainder, remainder_by_gap, remainders
from failures import told_in_one_message
from result_page import file_to_write

HEADLINES = {
    "two_point": "two-point",
    "area_fraction": "area fraction",
    "interface_density": "interface",
    "characteristic_length": "length",
    "lite0_features.kid_lite0": "KID-Lite0",
    "fidelity.composition": "judge: composition",
    "fidelity.time": "judge: time",
}
MEANS = {f"{name}.mean": HEADLINES[name] for name in ("area_fraction", "interface_density", "characteristic_length")}
OF_RUNS = {
    "mean_deviation": "deviation, trained",
    "fidelity.accuracy": "judge, trained",
    "held_out.fidelity.accuracy": "judge, held out",
    "embedding.spearman": "embedding: Spearman",
}
OF_EMBEDDINGS = {
    "embedding.image_distance": "mean d(l, l)",
    "embedding.condition_distance": "mean d(e, e)",
    "embedding.alpha": "fitted alpha",
    "held_out.embedding.residual": "residual",
    "held_out.embedding.pearson": "Pearson",
    "held_out.embedding.spearman": "Spearman",
    "held_out.embedding.triplets": "triplets in order",
}
BY_L2 = {name.replace("embedding.", "embedding_l2."): words for name, words in OF_EMBEDDINGS.items() if "held" in name}
LAWS = {
    "lever_rule": "area fraction − composition",
    "mean_composition": "mean grey − composition",
    "length_order": "length against time, rank",
    "length_exponent": "length against time, exponent",
}
REAL = "real images, "
RUN = "run"
"""In the place of a condition's place: a score of a whole run."""
LEAST = 0.03
"""The logarithmic figure's least remainder; what is less, or below the floor, is drawn there."""
GREY_RANGE = (-0.1, 1.1)  # of the data set spinodal, by default


@dataclass(frozen=True)
class Kept:
    """What is kept of a study: scores of held-out conditions, and of each run its scores over all and the laws.

    `runs`: by cell, seed, and score or law; what real images have in their place is of the cell `real images, SPLIT`.
    """

    scores: list[HeldOutScore]
    runs: dict[tuple[str, int, str], float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, print the tables, and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="+", type=Path, help="folder of an ablation, or a CSV file made with --keep")
    parser.add_argument("--keep", type=file_to_write, metavar="CSV", help="write all that the tables are made from")
    parser.add_argument("--figure", type=file_to_write, metavar="PNG", help="draw remainders over the width of the gap")
    options = parser.parse_args(arguments)
    console = Console()
    with told_in_one_message():
        study, twice = _joined({path: _of_folder(path) if path.is_dir() else _of_file(path) for path in options.source})
    for cell, path in twice:
        console.print(f"{cell}: of {path}; the same seeds of it in later sources are left out")
    for split in dict.fromkeys(_split(one.cell) for one in study.scores):
        mine = [one for one in study.scores if _split(one.cell) == split]
        for place in dict.fromkeys(one.place for one in mine):
            console.print(_remainder_table(mine, split, place, HEADLINES))
            console.print(_remainder_table(mine, split, place, MEANS))
    console.print(_run_table(study, "along the conditions, from the same noises", LAWS))
    console.print(_run_table(study, "over all conditions", OF_RUNS))
    console.print(_run_table(study, "embeddings of held-out images, by 1 − cosine", OF_EMBEDDINGS))
    console.print(_run_table(study, "the same by Euclidean distance, which fixed label distances train", BY_L2))
    if options.keep is not None:
        _keep(study, options.keep)
    if options.figure is not None:
        _draw(study.scores, options.figure)


def _of_folder(out: Path) -> Kept:
    nodes = read_held_out_scores(out / "held_out.csv")
    runs: dict[tuple[str, int, str], float] = {}
    for cell in read_json(out / "ablation.json")["cells"]:
        for seed, folder in cell["runs"].items():
            path = out / folder / "run" / "evaluation.json"
            if not path.is_file():
                continue
            evaluation = read_json(path)
            listed = [one for one in listed_scores(evaluation) if one.name in {**OF_RUNS, **OF_EMBEDDINGS, **BY_L2}]
            found = laws(evaluation.get("condition_sweeps") or (), "generated") | {
                one.name: one.value for one in listed
            }
            runs |= {(cell["name"], int(seed), name): value for name, value in found.items()}
            runs |= {(cell["name"], int(seed), name): value for name, value in _embedding(evaluation).items()}
            floors = laws(evaluation.get("condition_sweeps") or (), "real")
            floors |= {one.name: one.floor for one in listed if one.floor is not None}
            # Real images are the same in all runs of a split.
            runs |= {(f"{REAL}{_split(cell['name'])}", 0, name): value for name, value in floors.items()}
    return Kept(nodes, runs)


def _embedding(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Mean distances (both are 0 where the embedding has collapsed) and the fitted α, of held-out images by cosine."""
    embedding = evaluation.get("embedding") or {}
    for row in embedding.get("rows", ()):
        if row["distance"] == "cosine" and row["pairs"] == "held_out" and row["judged_under"] == "own condition":
            found = {
                "embedding.image_distance": row["mean"],
                "embedding.condition_distance": embedding.get("embedded_condition_distance"),
                "embedding.alpha": row["alpha"],
            }
            return {name: value for name, value in found.items() if value is not None}
    return {}


def laws(sweeps: Sequence[Mapping[str, Any]], of: str) -> dict[str, float]:
    """What is known of spinodals, of the generated images of a sweep or of the real ones beside them.

    Without what cannot be told, since a column is not swept or there is nothing to measure.
    """
    low, high = GREY_RANGE
    found: dict[str, float] = {}
    shares, compositions = _curve(sweeps, "composition", "area_fraction", of)
    if len(shares):
        found["lever_rule"] = float(np.abs(shares - compositions).mean())
    grey, compositions = _curve(sweeps, "composition", "mean_grey", of)
    if len(grey):
        found["mean_composition"] = float(np.abs(low + grey * (high - low) - compositions).mean())
    lengths, times = _curve(sweeps, "time", "characteristic_length", of)
    if len(lengths) > 1:
        found["length_order"] = float(spearmanr(lengths, times).statistic) if np.ptp(lengths) > 0 else 0.0
        found["length_exponent"] = float(np.polyfit(np.log(times), np.log(lengths), 1)[0])
    return found


def _curve(sweeps: Sequence[Mapping[str, Any]], column: str, name: str, of: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean values and the conditions that they were measured at; empty where there are none."""
    pairs: list[tuple[float | None, float]] = []
    for sweep in sweeps:
        if sweep["column"] == column and name in sweep["descriptors"]:
            one = sweep["descriptors"][name]
            real = [(node["mean"], node["value"]) for node in one["real"]]
            pairs += real if of == "real" else list(zip(one["generated"], sweep["values"], strict=True))
    known = np.array([pair for pair in pairs if pair[0] is not None], dtype=np.float64).reshape(-1, 2)
    return known[:, 0], known[:, 1]


def _keep(study: Kept, path: Path) -> None:
    """One table: the held-out scores that are shown, and those of runs as scores of no condition."""
    shown = [one for one in study.scores if one.score in HEADLINES or one.score in MEANS]
    of_runs = [
        HeldOutScore(cell, "", seed, "", RUN, 0, name, value, None, None, False)
        for (cell, seed, name), value in study.runs.items()
    ]
    write_held_out_scores([*shown, *of_runs], path)


def _of_file(path: Path) -> Kept:
    rows = read_held_out_scores(path)
    runs = {(one.cell, one.seed, one.score): one.value for one in rows if one.place == RUN and one.value is not None}
    return Kept([one for one in rows if one.place != RUN], runs)


def _joined(parts: Mapping[Path, Kept]) -> tuple[Kept, list[tuple[str, Path]]]:
    """All sources together, seed by seed. Of a cell's seed that several have the first counts, since two trainings of
    one seed are no pair; those cells are returned too.
    """
    scores: list[HeldOutScore] = []
    runs: dict[tuple[str, int, str], float] = {}
    first: dict[tuple[str, int], Path] = {}
    twice: dict[tuple[str, Path], None] = {}
    for path, part in parts.items():
        for one in dict.fromkeys([*((s.cell, s.seed) for s in part.scores), *((c, seed) for c, seed, _ in part.runs)]):
            if one in first and not one[0].startswith(REAL):
                twice[one[0], first[one]] = None
            first.setdefault(one, path)
        scores += [one for one in part.scores if first[one.cell, one.seed] == path]
        runs |= {key: value for key, value in part.runs.items() if first[key[:2]] == path}
    return Kept(scores, runs), list(twice)


def _method(cell: str) -> str:
    return cell.rpartition(", ")[0] or cell


def _split(cell: str) -> str:
    return cell.rpartition(", ")[2]


def _remainder_table(nodes: Sequence[HeldOutScore], split: str, place: str, scores: Mapping[str, str]) -> Table:
    found = {score: remainders(nodes, score, place) for score in scores}
    shown = [score for score in scores if any(one.value is not None for one in found[score].values())]
    what = "remainder" if scores is HEADLINES else "remainder of the mean values"
    table = Table(title=f"{split}, {place} conditions trained on: {what}", title_justify="left")
    table.add_column("method")
    for score in shown:
        some = [one.conditions for one in found[score].values()]
        table.add_column(f"{scores[score]} ({max(some)} nodes)", justify="right")
    for cell in dict.fromkeys(one.cell for one in nodes):
        table.add_row(_method(cell), *(_words(found[score].get(cell)) for score in shown))
    blends = [blend_remainder(nodes, score, place) for score in shown]
    if any(blend is not None for blend in blends):
        table.add_row("blend of the neighbours", *("–" if blend is None else f"{blend:.2f}" for blend in blends))
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


def _run_table(study: Kept, title: str, names: Mapping[str, str]) -> Table:
    table = Table(title=f"{title}: mean over seeds and their range", title_justify="left")
    table.add_column("cell")
    for words in names.values():
        table.add_column(words, justify="right")
    for cell in dict.fromkeys(cell for cell, _, _ in study.runs):
        table.add_row(cell, *(_over_seeds(study, cell, name) for name in names))
    return table


def _over_seeds(study: Kept, cell: str, name: str) -> str:
    values = [value for (one, _, found), value in study.runs.items() if (one, found) == (cell, name)]
    return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})" if values else "–"


def _points(nodes: Sequence[HeldOutScore], method: str, score: str) -> Iterator[tuple[float, float]]:
    """The remainder over the width of the gap, all splits together; between conditions only."""
    for cell in dict.fromkeys(one.cell for one in nodes if _method(one.cell) == method):
        mine = [one for one in nodes if one.cell == cell and one.place == "between"]
        yield from remainder_by_gap(mine, cell, score).items()


def _draw(nodes: Sequence[HeldOutScore], path: Path) -> None:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    from alloygan.reports.style import BLUE, SERIES, styled

    methods = list(dict.fromkeys(_method(one.cell) for one in nodes))
    styles = ("-", "--", ":")
    widths = {score: {gap for method in methods for gap, _ in _points(nodes, method, score)} for score in HEADLINES}
    # One width is no curve.
    most = max(map(len, widths.values()))
    shown = [score for score in HEADLINES if widths[score] and len(widths[score]) >= min(2, most)]
    with styled():
        figure = Figure(figsize=(2.5 * len(shown), 2.9))
        for i, score in enumerate(shown):
            axes = figure.add_subplot(1, len(shown), i + 1)
            axes.axhline(1, color=BLUE, linestyle=":", linewidth=1.1)
            for number, method in enumerate(methods):
                points = sorted((gap, max(value, LEAST)) for gap, value in _points(nodes, method, score))
                if points:
                    axes.plot(
                        *zip(*points, strict=True), color=SERIES[number % len(SERIES)], label=method,
                        linestyle=styles[number // len(SERIES)], linewidth=1.2, marker="o", markersize=3.5,
                    )  # fmt: skip
            axes.set_title(HEADLINES[score], fontsize="medium")
            axes.set_xlabel("width of the gap")
            axes.margins(x=0.15)
            # From a tenth of the way to ten times as far as the nearest known images.
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
            if i == 0:
                axes.set_ylabel("remainder")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=len(methods), frameon=False, fontsize="small")
        figure.tight_layout(rect=(0, 0.08, 1, 1))
        figure.savefig(path, dpi=150, facecolor="white")


if __name__ == "__main__":
    main()
