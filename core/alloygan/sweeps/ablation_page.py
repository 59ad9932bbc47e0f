"""The page of an ablation: one HTML file that needs nothing else, written whether all its runs are done or none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alloygan.errors import RunFolderError
from alloygan.files import read_json, write_text
from alloygan.reports.style import BLUE, GREY, VERMILLION
from alloygan.reports.templates import rendered, style_sheet
from alloygan.sweeps.ablation_tables import ablation_tables
from alloygan.sweeps.ablation_verdict import ablation_verdict, findings
from alloygan.sweeps.against_baseline import AgainstBaseline
from alloygan.sweeps.cell_curves import SEEDS_UP_TO, curve_panels, line_style
from alloygan.sweeps.cell_folder import CELLS, CellFolder, Status
from alloygan.sweeps.cell_pictures import cell_pictures
from alloygan.sweeps.chance import chance_rate
from alloygan.sweeps.dot_plots import dot_panels
from alloygan.sweeps.grid import Ablation
from alloygan.sweeps.held_out_scores import held_out_notes_of, held_out_scores_of
from alloygan.sweeps.held_out_section import held_out_section
from alloygan.sweeps.results import Results
from alloygan.training.run_folder import to_yaml
from alloygan.zoo import Zoo

PAGE = "ablation.html"
COMMAND = "alloygan ablate ABLATION.yaml --out OUT"

_ENDED = ("done", "failed")
_WORDS = {
    "waiting": "not begun",
    "starting": "being started",
    "training": "in training",
    "interrupted": "interrupted; the same command goes on",
}


@dataclass(frozen=True)
class RunLine:
    """One run as the page lists it."""

    seed: int
    state: str
    images: int
    seconds: str
    folder: str
    error: str


def write_ablation_page(
    ablation: Ablation,
    out: Path,
    statuses: Mapping[str, Status],
    results: Results,
    zoo: Zoo,
    *,
    command: str = COMMAND,
) -> Path:
    """Write `ablation.html` into the folder of the ablation and return its path.

    `statuses` by key of the run. `command`: what made the folder. What is missing (runs, models, a data set that cannot
    be built) the page says in words.
    """
    comparison = AgainstBaseline(results)
    letters = comparison.letters
    done = _done(ablation, out, statuses)
    notes = held_out_notes_of(ablation, done)
    page = rendered(
        "sweeps/ablation.html",
        style=style_sheet("reports/report.css", "sweeps/ablation.css"),
        ablation=ablation,
        letters=letters,
        verdict=ablation_verdict(comparison, statuses),
        findings=findings(comparison),
        chance=[(seeds, f"{100 * chance_rate(seeds):.0f} %") for seeds in (2, 3, 5, 10, 20)],
        tables=ablation_tables(comparison, statuses),
        dots=dot_panels(comparison),
        held_out=held_out_section(ablation, held_out_scores_of(ablation, done), letters, notes),
        colors={"mean": VERMILLION, "floor": GREY, "baseline": BLUE},
        pictures=cell_pictures(ablation, out, statuses, letters, zoo),
        terms=curve_panels(ablation, out, statuses, letters, "terms"),
        observed=curve_panels(ablation, out, statuses, letters, "observed"),
        line_styles={cell.name: line_style(number) for number, cell in enumerate(ablation.cells)},
        seeds_drawn=len(ablation.cells) <= SEEDS_UP_TO and len(ablation.seeds) > 1,
        runs={cell.name: [_run_line(out, run.seed, run.key, statuses) for run in cell.runs] for cell in ablation.cells},
        done=sum(status.state == "done" for status in statuses.values()),
        unfinished=sum(status.state not in _ENDED for status in statuses.values()),
        failed=sum(status.state == "failed" for status in statuses.values()),
        command=command,
        baseline_spec=to_yaml(_baseline_values(ablation)),
        machines=list(_machines(ablation, out)),
    )
    path = out / PAGE
    write_text(path, page)
    return path


def _run_line(out: Path, seed: int, key: str, statuses: Mapping[str, Status]) -> RunLine:
    status = statuses[key]
    return RunLine(
        seed,
        _WORDS.get(status.state, status.state),
        # What a worker says last may be some images old.
        status.images if status.state == "done" else status.images_seen,
        f"{status.seconds:,.0f}" if status.seconds else "",
        f"{CELLS}/{key}",
        status.error,
    )


def _done(ablation: Ablation, out: Path, statuses: Mapping[str, Status]) -> dict[str, Path]:
    return {
        run.key: CellFolder(out / CELLS / run.key).run for run in ablation.runs if statuses[run.key].state == "done"
    }


def _baseline_values(ablation: Ablation) -> Mapping[str, object]:
    base = ablation.cell(ablation.baseline)
    return base.runs[0].spec.model_dump(mode="json")


def _machines(ablation: Ablation, out: Path) -> Iterator[tuple[str, str]]:
    """What the runs say of where they were trained: each value that any of them has, by name."""
    found: dict[str, dict[str, None]] = {}
    for run in ablation.runs:
        try:
            environment = read_json(CellFolder(out / CELLS / run.key).run / "environment.json")
        except RunFolderError:
            continue
        packages = environment.pop("packages", {})
        versions = {f"package {name}": value for name, value in packages.items()} if isinstance(packages, dict) else {}
        for name, value in (environment | versions).items():
            found.setdefault(str(name), {})[str(value)] = None
    for name, values in found.items():
        yield name, "; ".join(values)
