"""The report of a run: one HTML file that needs nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, StrictUndefined

from alloygan.data.patches import Data
from alloygan.errors import DataError, RunFolderError
from alloygan.evaluation.of_run import evaluate_run, run_spec
from alloygan.files import read_json, write_text
from alloygan.reports import wording
from alloygan.reports.deviations import deviation_panel
from alloygan.reports.distributions import FEWEST_FOR_CURVE, distribution_panels, per_particle
from alloygan.reports.loss_curves import loss_panels, read_metrics
from alloygan.reports.measured_curves import curve_names, curve_panels
from alloygan.reports.microstructure_grid import microstructure_grid
from alloygan.reports.parity import FEWEST_FOR_R2, parity_panels
from alloygan.reports.score_tables import COLUMNS, OVERALL_COLUMNS, overall_rows, score_tables
from alloygan.reports.spread import spread_out, spread_words
from alloygan.reports.stored_evaluation import stored_evaluation, stored_samples
from alloygan.reports.style import GREY, SETS, VERMILLION, Panel
from alloygan.reports.verdict import verdict
from alloygan.sharing import SharedGenerator, load_generator
from alloygan.zoo import Zoo

REPORT = "report.html"

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Section:
    """Panels of one descriptor, a panel a condition, with what is said above them."""

    title: str
    panels: list[Panel]


def write_report(run: str | Path, zoo: Zoo, *, data: Data | None = None, report: Report | None = None) -> Path:
    """Write a run's `report.html` and return its path.

    The run is evaluated first where that was not done yet, or not since it was trained further. `data` spares
    building the data set again. `report(part, done, total)` is told of the progress. What the run lacks (curves of
    the training, values behind the scores, a data set that is no longer there) the page says in words. Raises
    AlloyganError if the run has no model, or must be evaluated and cannot be.
    """
    run = Path(run)
    spec = run_spec(run, zoo)
    model = load_generator(run, zoo, "cuda" if torch.cuda.is_available() else "cpu")
    evaluation = stored_evaluation(run, model.images_seen)
    problem = None
    if data is None:
        try:
            data = spec.data.build(spec.conditions)
        except DataError as error:
            if evaluation is None:
                raise
            problem = str(error)
    if evaluation is None:
        evaluation = evaluate_run(run, zoo, data=data, report=report)
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
        "environment": _environment(run),
        "data_problem": problem,
    }
    steps = (_pictures, _scores, _measured, _training)
    for done, step in enumerate(steps):
        if report is not None:
            report("draw", done, len(steps))
        parts |= step(run, model, data, evaluation, spec.evaluation.seed)
    if report is not None:
        report("draw", len(steps), len(steps))
    path = run / REPORT
    write_text(path, _template(parts))
    return path


def _pictures(
    run: Path, model: SharedGenerator, data: Data | None, evaluation: dict[str, Any], seed: int
) -> dict[str, Any]:
    return {"grid": microstructure_grid(model, data, _shown_labels(model), seed)}


def _scores(
    run: Path, model: SharedGenerator, data: Data | None, evaluation: dict[str, Any], seed: int
) -> dict[str, Any]:
    held_out = "overall_held_out" in evaluation
    return {
        "verdict": verdict(evaluation),
        "overall": overall_rows(evaluation),
        "overall_held_out": overall_rows(evaluation, "overall_held_out") if held_out else [],
        "score_tables": score_tables(evaluation),
        "deviations": deviation_panel(evaluation),
        "parity": parity_panels(evaluation, stored_samples(run) or {}),
    }


def _measured(
    run: Path, model: SharedGenerator, data: Data | None, evaluation: dict[str, Any], seed: int
) -> dict[str, Any]:
    samples = stored_samples(run)
    known = samples or {}
    labels = {*_shown_labels(model), -1}
    conditions = evaluation["conditions"]
    shown = [i for i, condition in enumerate(conditions) if condition["label"] in labels]
    return {
        "has_samples": samples is not None,
        "shown_words": spread_words(shown, len(conditions)),
        "distributions": [
            Section(wording.spoken(name), distribution_panels(evaluation, known, name, shown))
            for name in per_particle(evaluation, known)
        ],
        "curves": [
            Section(wording.spoken(name), curve_panels(evaluation, known, name, shown, f"curve{i}"))
            for i, name in enumerate(curve_names(evaluation, known))
        ],
    }


def _training(
    run: Path, model: SharedGenerator, data: Data | None, evaluation: dict[str, Any], seed: int
) -> dict[str, Any]:
    lines = read_metrics(run / "metrics.jsonl")
    return {kind: loss_panels(lines, kind) for kind in ("terms", "observed")}


def _shown_labels(model: SharedGenerator) -> list[int]:
    table = model.space.table
    return spread_out(model.space.condition(table).values) if table else []


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
    text = files("alloygan.reports").joinpath("template.html").read_text(encoding="utf-8")
    # Everything is escaped but what style.to_svg marked as the report's own drawing.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text).render(
        parts,
        wording=wording,
        sets=SETS,
        point=VERMILLION,
        bar=GREY,
        score_columns=COLUMNS,
        overall_columns=OVERALL_COLUMNS,
        fewest_for_r2=FEWEST_FOR_R2,
        fewest_for_curve=FEWEST_FOR_CURVE,
    )
