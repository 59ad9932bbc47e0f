"""The scores of an evaluation on a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def print_scores(console: Console, evaluation: Mapping[str, Any]) -> None:
    """A table a descriptor: scores per condition, each beside its floor, then the mean over conditions."""
    for descriptor in evaluation["descriptors"]:
        name, unit = descriptor["name"], descriptor["unit"]
        console.print(f"{name}{f' [{unit}]' if unit else ''}", style="bold", markup=False, highlight=False)
        console.print(descriptor["summary"], style="dim", markup=False, highlight=False)
        console.print(_score_table(evaluation, name), highlight=False)
        for condition in evaluation["conditions"]:
            score = condition["scores"][name]
            if score.get("note") and None in (score["real"], score["generated"]):
                console.print(f"– {condition['text']}: {score['note']}", style="dim", markup=False, highlight=False)
        console.print()
    if evaluation.get("note"):
        console.print(f"note: {evaluation['note']}\n", markup=False, highlight=False)
    for comparison in evaluation.get("comparisons", ()):
        _print_comparison(console, comparison)
    _print_fidelity(console, evaluation.get("fidelity"))
    _print_memorising(console, evaluation.get("memorising"))
    console.print(
        "dev.: |generated − real| / real. distance: between the two sets of values. floor: the same score between "
        "real training and real evaluation images, as many as were generated; what lies below it means nothing.",
        style="dim",
        highlight=False,
    )


def _score_table(evaluation: Mapping[str, Any], name: str) -> Table:
    conditions = evaluation["conditions"]
    columns = list(conditions[0]["condition"]) if conditions else []
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns or ["condition"]:
        table.add_column(escape(column), no_wrap=True)
    for heading in ("real", "generated", "dev.", "floor", "distance", "floor"):
        table.add_column(heading, justify="right", style="dim" if heading == "floor" else None, no_wrap=True)
    for condition in conditions:
        score = condition["scores"][name]
        values = [_value(value) for value in condition["condition"].values()] or [condition["text"]]
        if condition["held_out"]:
            values[-1] += " (held out)"
        table.add_row(
            *map(escape, values),
            _number(score["real"]),
            _number(score["generated"]),
            _percent(score["deviation"]),
            _percent(score["floor_deviation"]),
            _number(score["distance"], 2),
            _number(score["floor"], 2),
        )
    overall = evaluation["overall"][name]
    table.add_section()
    table.add_row(
        "mean",
        *[""] * (len(columns or [""]) - 1),
        "",
        "",
        _percent(overall["mean_deviation"]),
        _percent(overall["mean_floor_deviation"]),
        _number(overall["mean_distance"], 2),
        _number(overall["mean_floor"], 2),
    )
    return table


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}g}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _print_comparison(console: Console, comparison: Mapping[str, Any]) -> None:
    console.print(comparison["kind"], style="bold", markup=False, highlight=False)
    if "missing" in comparison:
        console.print(f"left out: {comparison['missing']}\n", markup=False, highlight=False)
        return
    notes = "; ".join([*comparison["notes"], "↓ lower is better, ↑ higher"])
    console.print(notes, style="dim", markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("a condition", "floor", "all", "95 %", "floor"):
        table.add_column(heading, justify="right", style="dim" if heading == "floor" else None, no_wrap=True)
    for name, about in comparison["names"].items():
        overall, pooled = comparison["overall"][name], comparison["pooled"][name]
        table.add_row(
            f"{name} {'↑' if about['higher_is_better'] else '↓'}",
            _number(overall["generated"]),
            _number(overall["floor"]),
            _number(pooled["generated"]),
            _interval(pooled["interval"]),
            _number(pooled["floor"]),
        )
    console.print(table, highlight=False)
    console.print()


def _print_fidelity(console: Console, fidelity: Mapping[str, Any] | None) -> None:
    if not fidelity:
        return
    console.print("condition fidelity", style="bold", highlight=False)
    console.print("A judge trained on real patches tells the condition from an image.", style="dim", highlight=False)
    accuracy = fidelity.get("accuracy")
    if accuracy and accuracy["generated"] is not None:
        console.print(
            f"told right: {_percent(accuracy['generated'])} {_interval(accuracy['generated_interval'], 100)} of "
            f"generated images, {_percent(accuracy['real'])} {_interval(accuracy['real_interval'], 100)} of real "
            "evaluation images, "
            f"{_percent(accuracy['chance'])} by chance",
            markup=False,
            highlight=False,
        )
    for column in fidelity.get("columns", ()):
        console.print(
            f"{column['name']}: mean error {_number(column['generated']['error'])} of its range for generated images, "
            f"{_number(column['real']['error'])} for real ones",
            markup=False,
            highlight=False,
        )
    if fidelity.get("note"):
        console.print(fidelity["note"], markup=False, highlight=False)
    console.print()


def _print_memorising(console: Console, memorising: Mapping[str, Any] | None) -> None:
    if not memorising:
        return
    console.print("memorising", style="bold", highlight=False)
    for key, words in (
        ("closer", "are closer to a training patch than the closest evaluation images"),
        ("alike", "correlate with it more than the most alike evaluation images do"),
    ):
        share = memorising[key]
        if share is not None:
            console.print(
                f"{_percent(share['share'])} of generated images {words}; expected if nothing is memorised: "
                f"{_percent(share['expected'])} {_interval(share['expected_interval'], 100)}",
                markup=False,
                highlight=False,
            )
    if memorising.get("note"):
        console.print(memorising["note"], markup=False, highlight=False)
    console.print()


def _interval(interval: list[float] | None, factor: float = 1.0) -> str:
    return "" if interval is None else f"[{factor * interval[0]:.3g}, {factor * interval[1]:.3g}]"
