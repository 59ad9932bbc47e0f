"""The page of a search: its history, what mattered, the best spec; one HTML file that needs nothing else."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter
from optuna.study import Study
from optuna.trial import FrozenTrial

from alloygan.files import write_text
from alloygan.reports.style import BLUE, GREY, VERMILLION, Panel, drawn, round_ticks
from alloygan.reports.templates import rendered, style_sheet
from alloygan.reports.wording import number, percent
from alloygan.sweeps.search import Search
from alloygan.sweeps.study import done
from alloygan.sweeps.trials import importances, state_of, value_of

PAGE = "tune.html"


def write_search_page(search: Search, study: Study, out: Path, best_spec: str | None) -> Path:
    """Write `tune.html` into the folder of a search and return its path; also where no trial is done yet."""
    trials = study.get_trials(deepcopy=False)
    finished = done(study)
    shares = importances(study)
    page = rendered(
        "sweeps/search.html",
        style=style_sheet("reports/report.css"),
        name=search.base.name,
        objective=search.spec.objective,
        higher=study.direction.name == "MAXIMIZE",
        verdict=_verdict(search, trials, finished),
        history=[_history(search, study, trials)] if finished else [],
        shares=[(name, percent(share)) for name, share in shares.items()],
        importance=[_importance(shares)] if shares else [],
        slices=[_slice(search, name, i, finished) for i, name in enumerate(search.parameters)] if finished else [],
        ranges=[(name, _range(search, name)) for name in search.parameters],
        parameters=list(search.parameters),
        rows=[_row(search, trial) for trial in trials],
        best_spec=best_spec,
        colors={"done": BLUE, "hopeless": GREY, "best": VERMILLION},
    )
    write_text(out / PAGE, page)
    return out / PAGE


def _verdict(search: Search, trials: list[FrozenTrial], finished: list[FrozenTrial]) -> str:
    hopeless = sum(state_of(trial) == "hopeless" for trial in trials)
    failed = sum(state_of(trial) == "failed" for trial in trials)
    if not finished:
        return f"No trial is done yet; {len(trials)} were begun, and {failed} failed."
    best = finished[0]
    said = f"The best of {len(finished)} finished trials, number {best.number}, has a {search.spec.objective} of "
    said += number(best.value)
    floor = best.user_attrs.get("floor")
    if floor is not None:
        said += f"; real images in the place of generated ones have {number(floor)}"
    said += f". {hopeless} trials were ended early as hopeless" if hopeless else ""
    said += f", and {failed} failed" if hopeless and failed else f". {failed} failed" if failed else ""
    return (
        said + ". It is the best of many noisy values, so expect somewhat worse of the same spec with another seed: "
        "an ablation over seeds tells."
    )


def _history(search: Search, study: Study, trials: list[FrozenTrial]) -> Panel:
    points = [(trial.number, value) for trial in trials if (value := value_of(trial)) is not None]
    early = [
        (trial.number, list(trial.intermediate_values.values())[-1])
        for trial in trials
        if state_of(trial) == "hopeless" and trial.intermediate_values
    ]
    better = max if study.direction.name == "MAXIMIZE" else min
    best = [better(value for _, value in points[: i + 1]) for i in range(len(points))]

    def draw(axes: Axes) -> None:
        axes.step([at for at, _ in points], best, where="post", color=VERMILLION, linewidth=1.6)
        axes.plot(*zip(*points, strict=True), "o", color=BLUE, markersize=5)
        if early:
            axes.plot(*zip(*early, strict=True), "x", color=GREY, markersize=5)
        axes.set_xlabel("trial")
        axes.set_ylabel(search.spec.objective)
        round_ticks(axes.xaxis, 6)

    label = f"{search.spec.objective} over the trials; the best is {number(best[-1])}"
    return Panel("History", drawn(draw, (3.1, 2.2), "history", label), draw=draw)


def _importance(shares: dict[str, float]) -> Panel:
    names = list(shares)

    def draw(axes: Axes) -> None:
        axes.barh(range(len(names)), [100 * shares[name] for name in names], color=BLUE, height=0.6)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("share of the variation (%)")

    label = "; ".join(f"{name} {percent(share)}" for name, share in shares.items())
    return Panel("Importance", drawn(draw, (3.1, 0.8 + 0.3 * len(names)), "importance", label), draw=draw)


def _slice(search: Search, name: str, index: int, finished: list[FrozenTrial]) -> Panel:
    parameter = search.parameters[name]
    values = [trial.params.get(name) for trial in finished]
    places = (
        [list(map(str, parameter.choices)).index(str(value)) for value in values]
        if parameter.choices is not None
        else [float(value) for value in values if value is not None]
    )

    def draw(axes: Axes) -> None:
        scores = [float(trial.value or 0) for trial in finished]
        axes.plot(places, scores, "o", color=BLUE, markersize=4, alpha=0.7)
        axes.plot(places[:1], scores[:1], "D", color=VERMILLION, markersize=7)
        if parameter.choices is not None:
            axes.set_xticks(range(len(parameter.choices)), list(map(str, parameter.choices)))
        elif parameter.log:
            axes.set_xscale("log")
            # Exponents as text: the page's figures have no formulas.
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        if parameter.low is not None and parameter.high is not None:
            axes.set_xlim(float(parameter.low), float(parameter.high))
            for line in axes.lines:
                line.set_clip_on(False)
        axes.set_ylabel(search.spec.objective)

    label = f"{search.spec.objective} over {name}; the best at {values[0]}"
    return Panel(name, drawn(draw, (3.1, 2.2), f"slice{index}", label), draw=draw)


def _range(search: Search, name: str) -> str:
    parameter = search.parameters[name]
    if parameter.choices is not None:
        return ", ".join(map(str, parameter.choices))
    return f"{parameter.low:g} to {parameter.high:g}" + (", by its logarithm" if parameter.log else "")


def _row(search: Search, trial: FrozenTrial) -> tuple[str, ...]:
    values = [trial.params.get(name) for name in search.parameters]
    shown = [number(value) if isinstance(value, float) else "" if value is None else str(value) for value in values]
    value = value_of(trial)
    return (
        str(trial.number), state_of(trial), number(value) if value is not None else "", *shown,
        str(trial.user_attrs.get("folder", "")), str(trial.user_attrs.get("error", "")),
    )  # fmt: skip
