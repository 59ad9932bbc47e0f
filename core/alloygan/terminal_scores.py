"""The scores of an evaluation on a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_COPIES_NAMED = 3


def print_scores(console: Console, evaluation: Mapping[str, Any]) -> None:
    """A table a descriptor: scores per condition, each beside its floor, then the mean over conditions."""
    for descriptor in evaluation["descriptors"]:
        name, unit = descriptor["name"], descriptor["unit"]
        console.print(f"{name}{f' [{unit}]' if unit else ''}", style="bold", markup=False, highlight=False)
        console.print(descriptor["summary"], style="dim", markup=False, highlight=False)
        console.print(_score_table(evaluation, name), highlight=False)
        for words in _overall_words(evaluation["overall"][name]):
            console.print(words, markup=False, highlight=False)
        for condition in evaluation["conditions"]:
            score = condition["scores"][name]
            if score.get("note") and None in (score["real"], score["generated"]):
                console.print(f"– {condition['text']}: {score['note']}", style="dim", markup=False, highlight=False)
        console.print()
    if evaluation.get("note"):
        console.print(f"note: {evaluation['note']}\n", markup=False, highlight=False)
    for comparison in evaluation.get("comparisons", ()):
        _print_comparison(console, comparison)
    _print_sweeps(console, evaluation.get("condition_sweeps") or ())
    _print_held_out(console, evaluation.get("interpolation"))
    _print_embedding(console, evaluation.get("embedding"))
    _print_fidelity(console, evaluation.get("fidelity"))
    texts = {condition["label"]: condition["text"] for condition in evaluation["conditions"]}
    _print_memorising(console, evaluation.get("memorising"), texts)
    console.print(
        "dev.: |generated − real| / real. distance: between the two sets of values. floor: the same score between "
        "real training and real evaluation images, as many as were generated; what lies below it means nothing. R²: of "
        "the values about generated = real, over conditions. KS: Kolmogorov-Smirnov, averaged over conditions.",
        style="dim",
        highlight=False,
    )


def _score_table(evaluation: Mapping[str, Any], name: str) -> Table:
    conditions = evaluation["conditions"]
    columns = list(_cells(conditions[0])) if conditions else []
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns or ["condition"]:
        table.add_column(escape(column), no_wrap=True)
    for heading in ("real", "generated", "dev.", "floor", "distance", "floor"):
        table.add_column(heading, justify="right", style="dim" if heading == "floor" else None, no_wrap=True)
    for condition in conditions:
        score = condition["scores"][name]
        values = list(_cells(condition).values()) or [condition["text"]]
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


def _cells(condition: Mapping[str, Any]) -> dict[str, str]:
    """A condition by column; of a bin of conditions the columns that it was cut along."""
    if condition.get("ranges"):
        return {name: "–".join(map(_value, dict.fromkeys(ends))) for name, ends in condition["ranges"].items()}
    return {name: _value(value) for name, value in condition["condition"].items()}


def _overall_words(overall: Mapping[str, Any]) -> Iterable[str]:
    """What there is no room for in the table: R² and Kolmogorov-Smirnov, and why a mean is missing."""
    for words, score, floor in (("R²", "r2", "floor_r2"), ("KS", "mean_ks", "mean_floor_ks")):
        if overall[score] is not None:
            parts = [
                f"{what} {_number(overall[key])} {_interval(overall[f'{key}_interval'])}".rstrip()
                for what, key in ((words, score), ("floor", floor))
                if overall[key] is not None
            ]
            yield ", ".join(parts)
    for words, score in (("dev.", "mean_deviation"), ("distance", "mean_distance")):
        if score in overall["absent"]:
            yield f"– {words}: {overall['absent'][score]}"


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
    for heading in ("", "conditions"):
        table.add_column(heading, no_wrap=True)
    for heading in ("generated", "95 %", "floor", "95 %"):
        table.add_column(heading, justify="right", style="dim" if heading == "floor" else None, no_wrap=True)
    for name, about in comparison["names"].items():
        title = f"{name} {'↑' if about['higher_is_better'] else '↓'}"
        for part, words in (("overall", "one, mean"), ("pooled", "all")):
            score = comparison[part][name]
            table.add_row(
                title if part == "overall" else "",
                words,
                _number(score["generated"]),
                _interval(score["interval"], digits=2),
                _number(score["floor"]),
                _interval(score["floor_interval"], digits=2),
            )
    console.print(table, highlight=False)
    console.print()


def _print_sweeps(console: Console, sweeps: Sequence[Mapping[str, Any]]) -> None:
    if not sweeps:
        return
    console.print("along each condition", style="bold", highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("along", "held", "descriptor"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "descriptor")
    for heading in ("first", "last", "error", "order"):
        table.add_column(heading, justify="right", no_wrap=True)
    for sweep in sweeps:
        for i, (name, one) in enumerate(sweep["descriptors"].items()):
            where = (escape(sweep["column"]), escape(sweep["held"])) if i == 0 else ("", "")
            ends = (_number(one["generated"][0]), _number(one["generated"][-1]))
            table.add_row(*where, escape(name), *ends, _number(one["error"]), _number(one["order"]))
    console.print(table, highlight=False)
    console.print(
        "Mean values of generated images from the same noises, at the first and the last step. error: mean difference "
        "from the real values, interpolated between conditions, in parts of their range over all conditions. order: "
        "rank correlation with them; 1: they rise and fall together.\n",
        style="dim",
        highlight=False,
    )


def _print_held_out(console: Console, found: Mapping[str, Any] | None) -> None:
    if not found:
        return
    console.print("held-out conditions", style="bold", highlight=False)
    for part, where in (("interpolation", "between"), ("extrapolation", "beyond")):
        scores = found.get(part) or {}
        if not scores:
            continue
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(f"{where} conditions trained on", no_wrap=True)
        for heading in ("remainder", "conditions", "not told apart", "lost"):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, one in scores.items():
            apart, lost = one["not_told_apart"], one.get("lost") or ()
            numbers = [_number(one["remainder"]), *map(str, (one["conditions"], len(apart), len(lost)))]
            table.add_row(escape(name), *numbers)
        console.print(table, highlight=False)
    texts = {one["label"]: one["text"] for one in found.get("conditions") or ()}
    apart_by_score = {
        name: [texts.get(label, str(label)) for label in one["not_told_apart"]]
        for part in ("interpolation", "extrapolation")
        for name, one in (found.get(part) or {}).items()
        if one["not_told_apart"]
    }
    for name, conditions in apart_by_score.items():
        console.print(f"not told apart, {name}: {'; '.join(conditions)}", style="dim", markup=False, highlight=False)
    if found.get("note"):
        console.print(f"note: {found['note']}", markup=False, highlight=False)
    console.print(
        "remainder: (score − floor) / (nearest − floor), summed over conditions; nearest is what real images of the "
        "nearest condition trained on score. 0: as good as real images; 1: as good as the nearest ones. Where nearest "
        "and floor cannot be told apart, a condition is left out; where generated images have nothing to measure "
        "(lost), it counts as 2.\n",
        style="dim",
        highlight=False,
    )


def _print_embedding(console: Console, found: Mapping[str, Any] | None) -> None:
    if not found:
        return
    console.print("critic's embedding", style="bold", highlight=False)
    console.print(
        "Whether distances of embeddings of real images go with distances of conditions; each image judged under its "
        "own condition, or all under one.",
        style="dim",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("under", "distance", "pairs"):
        table.add_column(heading, no_wrap=True)
    keys = ("mean", "pearson", "spearman", "alpha", "residual", "triplets")
    for heading in keys:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found["rows"]:
        about = (row["judged_under"].split()[0], row["distance"], row["pairs"].replace("_", " "))
        table.add_row(*about, *(_number(row[key]) for key in keys))
    console.print(table, highlight=False)
    console.print()


def _print_fidelity(console: Console, fidelity: Mapping[str, Any] | None) -> None:
    if not fidelity:
        return
    console.print("condition fidelity", style="bold", highlight=False)
    console.print("A judge trained on real patches tells the condition from an image.", style="dim", highlight=False)
    for key, where in (("accuracy", ""), ("accuracy_held_out", "held-out conditions, ")):
        accuracy = fidelity.get(key)
        if not accuracy or accuracy["generated"] is None:
            continue
        console.print(
            f"{where}told right: {_percent(accuracy['generated'])} {_interval(accuracy['generated_interval'], 100)} of "
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


def _print_memorising(console: Console, memorising: Mapping[str, Any] | None, texts: Mapping[int, str]) -> None:
    if not memorising:
        return
    console.print("memorising", style="bold", highlight=False)
    if memorising.get("copies"):
        console.print(_of_copies(memorising["copies"], texts), markup=False, highlight=False)
    for key, words in (
        ("closer", "are closer to a training patch than the closest evaluation images"),
        ("alike", "correlate with one more than the most alike evaluation images do"),
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


def _of_copies(copied: Mapping[str, Any], texts: Mapping[int, str]) -> str:
    """How many there are, and the first of them."""
    count, of = copied["count"], copied["of"]
    if not count:
        return f"no copy of a training patch was found among {of} generated images"
    words = "is a copy of a training patch" if count == 1 else "are copies of training patches"
    pairs = [
        f"{texts[one['label']]}, z{one['sample'] + 1}: patch {one['training']} {one['transform']}"
        for one in copied["images"][:_COPIES_NAMED]
    ]
    pairs += ["…"] if count > len(pairs) else []
    return f"{count} of {of} generated images {words}, too alike for chance ({'; '.join(pairs)})"


def _interval(interval: list[float] | None, factor: float = 1.0, digits: int = 3) -> str:
    return "" if interval is None else f"[{factor * interval[0]:.{digits}g}, {factor * interval[1]:.{digits}g}]"
