"""The report of a run: one HTML file that needs nothing else, and its figures for a paper."""

import shlex
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from markupsafe import Markup

from alloygan.data.held_out import load_data
from alloygan.data.patches import Data
from alloygan.errors import DataError, RunFolderError
from alloygan.evaluation.of_run import evaluate_run, run_spec
from alloygan.evaluation.r_squared import FEWEST_FOR_R2
from alloygan.files import read_json, write_text
from alloygan.reports import comparison_tables, embedding, fidelity, held_out, nearest_patches, wording
from alloygan.reports.atlas import atlas
from alloygan.reports.condition_sweeps import sweep_panels
from alloygan.reports.deviations import deviation_panel
from alloygan.reports.distributions import FEWEST_FOR_CURVE, distribution_panels, per_particle
from alloygan.reports.loss_curves import loss_panels, read_metrics
from alloygan.reports.measured_curves import curve_names, curve_panels
from alloygan.reports.microstructure_grid import REAL, microstructure_grid
from alloygan.reports.paper_figures import CAPTIONS, FOLDER, PaperFigure, write_figures
from alloygan.reports.parity import parity_panels
from alloygan.reports.phases import particle_words
from alloygan.reports.score_tables import OVERALL_COLUMNS, overall_rows, score_tables, shape_columns, shape_rows
from alloygan.reports.spread import spread_out, spread_words
from alloygan.reports.stored_evaluation import stored_evaluation, stored_overrides, stored_samples
from alloygan.reports.style import GREY, SETS, VERMILLION, Panel
from alloygan.reports.templates import rendered, style_sheet
from alloygan.reports.verdict import verdict
from alloygan.sharing import SharedGenerator, load_generator
from alloygan.zoo import Zoo

REPORT = "report.html"

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Section:
    """Panels of one descriptor, a panel a condition, with what is said above them."""

    name: str
    title: str
    panels: list[Panel]


@dataclass(frozen=True)
class Source:
    """What a report is made of: the run folder, its model and evaluation, and its data set if that is there.

    `seed`: of the generated images. `report(part, done, total)` is told of the progress.
    """

    run: Path
    model: SharedGenerator
    data: Data | None
    evaluation: dict[str, Any]
    zoo: Zoo
    seed: int
    report: Report


def write_report(
    run: str | Path,
    zoo: Zoo,
    *,
    overrides: Sequence[str] = (),
    data: Data | None = None,
    report: Report | None = None,
) -> Path:
    """Write a run's `report.html` and return its path; its figures for a paper go to `figures/` beside it.

    The run is evaluated first where that was not done yet, or not since it was trained further or its spec changed.
    `overrides` of the evaluation are those of the last evaluation where none are given. `data` spares building the data
    set again. `report(part, done, total)` is told of the progress. What the run lacks (curves of the training, values
    behind the scores, a data set that is no longer there) the page says in words. Raises AlloyganError if the run has
    no model, or must be evaluated and cannot be.
    """
    run = Path(run)
    overrides = overrides or stored_overrides(run)
    spec = run_spec(run, zoo, overrides)
    model = load_generator(run, zoo, "cuda" if torch.cuda.is_available() else "cpu")
    evaluation = stored_evaluation(run, model.images_seen, spec.evaluation)
    problem = None
    if data is None:
        try:
            data = load_data(spec)
        except DataError as error:
            if evaluation is None:
                raise
            problem = str(error)
    if evaluation is None:
        evaluation = evaluate_run(run, zoo, overrides=overrides, data=data, report=report)
    if data is not None and data.space.table != model.space.table:
        # An id would stand for another condition than the model's.
        data, problem = None, "its conditions are no longer those that the model was trained on"

    parts: dict[str, Any] = {
        "name": spec.name,
        "parts": _parts(spec.model_dump(mode="json")),
        "images_seen": model.images_seen,
        "evaluation": evaluation,
        "threshold_fitted": spec.evaluation.threshold is None,
        "spec_text": (run / "spec.yaml").read_text(encoding="utf-8"),
        "set_words": "".join(f" --set {shlex.quote(one)}" for one in overrides),
        "environment": _environment(run),
        "data_problem": problem,
    }
    source = Source(run, model, data, evaluation, zoo, spec.evaluation.seed, report or _silent)
    steps = (_pictures, _scores, _measured, _judged, _training)
    for done, step in enumerate(steps):
        source.report("draw", done, len(steps))
        parts |= step(source)
    source.report("draw", len(steps), len(steps))
    figures = _paper_figures(parts)
    write_figures(run, figures, lambda done, total: source.report("figures", done, total))
    path = run / REPORT
    write_text(path, _template(parts))
    return path


def _silent(part: str, done: int, total: int) -> None:
    """Tell nobody."""


def _pictures(source: Source) -> dict[str, Any]:
    grid = microstructure_grid(source.model, source.data, _shown_labels(source.model), source.seed)
    asked = [row.condition for row in grid.rows]
    drawn = atlas(
        source.model, source.data, source.evaluation, source.zoo, asked, source.seed,
        lambda done, total: source.report("atlas", done, total),
    )  # fmt: skip
    return {"grid": grid, "atlas": drawn}


def _scores(source: Source) -> dict[str, Any]:
    evaluation = source.evaluation
    has_intervals = any(one.get("mean_deviation_interval") for one in evaluation["overall"].values())
    return {
        "verdict": verdict(evaluation),
        "overall": {
            key: [
                (OVERALL_COLUMNS, overall_rows(evaluation, key)),
                (shape_columns(evaluation, key), shape_rows(evaluation, key)),
            ]
            for key in ("overall", "overall_held_out")
            if key in evaluation
        },
        "intervals_words": " In brackets: 95 % intervals." if has_intervals else "",
        "score_tables": score_tables(evaluation),
        "comparisons": comparison_tables.comparison_tables(evaluation),
        "particle_words": particle_words(evaluation),
        "deviations": deviation_panel(evaluation),
        "parity": parity_panels(evaluation, stored_samples(source.run) or {}),
    }


def _measured(source: Source) -> dict[str, Any]:
    evaluation = source.evaluation
    samples = stored_samples(source.run)
    known = samples or {}
    labels = set(_shown_labels(source.model))
    conditions = evaluation["conditions"]
    shown = [i for i, condition in enumerate(conditions) if condition["label"] < 0 or condition["label"] in labels]
    return {
        "has_samples": samples is not None,
        "has_peaks": any(score.get("peaks") for one in conditions for score in one["scores"].values()),
        "shown_words": spread_words(shown, len(conditions)),
        "distributions": [
            Section(name, wording.spoken(name), distribution_panels(evaluation, known, name, shown))
            for name in per_particle(evaluation, known)
        ],
        "curves": [
            Section(name, wording.spoken(name), curve_panels(evaluation, known, name, shown, f"curve{i}"))
            for i, name in enumerate(curve_names(evaluation, known))
        ],
        "sweeps": [Section(title, title, panels) for title, panels in sweep_panels(evaluation)],
    }


def _judged(source: Source) -> dict[str, Any]:
    return {
        "fidelity": fidelity.fidelity(source.evaluation),
        "held_out": held_out.held_out(source.evaluation),
        "embedding": embedding.embedding_rows(source.evaluation),
        "nearest": nearest_patches.nearest_patches(source.evaluation, source.model, source.data, source.seed),
    }


def _training(source: Source) -> dict[str, Any]:
    lines = read_metrics(source.run / "metrics.jsonl")
    return {kind: loss_panels(lines, kind) for kind in ("terms", "observed")}


def _paper_figures(parts: dict[str, Any]) -> list[PaperFigure]:
    """The page's figures as a paper prints them, with their captions."""
    name, judged = parts["name"], parts["fidelity"]
    grey_bars = "grey bars reach as far as a second set of real images lies from the first (the floor)"
    figures = [
        PaperFigure(
            "microstructures",
            f"Real and generated microstructures of {name}. A row is a condition; z1, z2, … are noises, each the same "
            "in every row.",
            grid=parts["grid"],
        ),
        PaperFigure(
            "parity",
            f"Mean descriptors of generated against real images, a point a condition; {grey_bars}. R² is about "
            "the line generated = real, with its 95 % interval; its floor is that of the second set of real images.",
            parts["parity"],
            size=(7 / 3, 2.35),
        ),
        PaperFigure(
            "deviations",
            "Mean absolute deviation of each descriptor over the conditions seen in training (dots), beside that of "
            "two sets of real images (bars, the floor).",
            [parts["deviations"]] if parts["deviations"] is not None else [],
            size=(4.6, 0.5 + 0.28 * len(parts["evaluation"]["descriptors"])),
        ),
    ]
    for kind, what in (("distributions", "Distributions"), ("curves", "Mean curves")):
        for section in parts[kind]:
            caption = f"{what} of {section.title} in real, generated and training images, a panel a condition."
            stem = "".join(letter if letter.isalnum() else "_" for letter in section.name)
            figures.append(PaperFigure(f"{kind}_{stem}", caption, section.panels, sets=True))
    if judged is not None:
        caption = f"Conditions as a judge that was trained on real patches reads them. {judged.sentence}"
        figures.append(PaperFigure("confusion", caption, judged.confusion, size=(3.3, 2.9)))
        caption = (
            "Continuous processing parameters as the judge reads them from real and generated images, over those asked."
        )
        figures.append(PaperFigure("judged", caption, judged.judged, size=(7 / 3, 2.35)))
    figures.append(PaperFigure("losses", "Terms of the objective over the images seen.", parts["terms"]))
    return figures


def _shown_labels(model: SharedGenerator) -> list[int]:
    table = model.space.table
    held_out = sorted(model.space.held_out)
    return spread_out(model.space.condition(table).values, preferred=held_out) if table else []


def _parts(spec: dict[str, Any]) -> list[tuple[str, str]]:
    """What the model is composed of, by kind."""
    rows = [("data", str(spec["data"]["kind"]))]
    for part in ("generator", "critic"):
        conditioner = spec[part].get("conditioner")
        kind = conditioner.get("kind") if isinstance(conditioner, dict) else None
        rows.append((part, spec[part]["kind"] + (f", conditioner {kind}" if kind else "")))
    losses = [f"{name}: {loss['kind']}, weight {loss['weight']:g}" for name, loss in spec["losses"].items()]
    return [*rows, ("losses", "; ".join(losses))]


def _environment(run: Path) -> list[tuple[str, str]]:
    try:
        environment = read_json(run / "environment.json")
    except RunFolderError:
        return []
    packages = environment.pop("packages", {})
    rows = [(str(key), str(value)) for key, value in environment.items()]
    if isinstance(packages, dict):
        rows += [(f"package {name}", str(version)) for name, version in packages.items()]
    return rows


def _template(parts: dict[str, Any]) -> str:
    script = files("alloygan.reports").joinpath("atlas.js").read_text(encoding="utf-8")
    return rendered(
        "reports/template.html",
        **parts,
        wording=wording,
        sets=SETS,
        point=VERMILLION,
        bar=GREY,
        style=style_sheet("reports/report.css"),
        script=Markup(script),
        # The one script that a browser may run in this page.
        script_hash=f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}",
        real_columns=REAL,
        comparison_columns=comparison_tables.COLUMNS,
        judge_columns=fidelity.COLUMNS,
        embedding_columns=embedding.COLUMNS,
        remainder_columns=held_out.REMAINDER_COLUMNS,
        held_out_columns=held_out.CONDITION_COLUMNS,
        held_out_judge_columns=held_out.JUDGE_COLUMNS,
        nearest_columns=nearest_patches.COLUMNS,
        fewest_for_r2=FEWEST_FOR_R2,
        fewest_for_curve=FEWEST_FOR_CURVE,
        figures_folder=FOLDER,
        captions=CAPTIONS,
    )
