"""The page's section on held-out conditions: what is left of the way from the nearest known images to real ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from alloygan.evaluation.interpolation import PLACES
from alloygan.reports.style import BLUE, GREY, Panel, drawn, round_ticks
from alloygan.reports.wording import ABSENT, number, number_interval, spoken
from alloygan.sweeps.ablation_tables import Entry
from alloygan.sweeps.cell_curves import line_style
from alloygan.sweeps.grid import Ablation
from alloygan.sweeps.held_out_scores import MEAN_VALUE, HeldOutScore
from alloygan.sweeps.remainders import Remainder, blend_remainder, remainder_by_gap, remainders

_PLACES = {"between": "Between conditions that were trained on", "beyond": "Beyond them"}


@dataclass(frozen=True)
class RemainderTable:
    """A row a cell, with its letter, an entry a score; the last row may be the blend, without a letter."""

    title: str
    scores: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Entry]]]


@dataclass(frozen=True)
class HeldOutSection:
    """Remainders of distances and of mean values, panels of the remainder over the width of the gap, and what to keep
    in mind of the data.
    """

    notes: Sequence[str]
    distances: Sequence[RemainderTable]
    means: Sequence[RemainderTable]
    gaps: Sequence[Panel]
    left_out: Sequence[str]


def held_out_section(
    ablation: Ablation, scores: Sequence[HeldOutScore], letters: Mapping[str, str], notes: Sequence[str]
) -> HeldOutSection | None:
    """The section, with the `notes` of the evaluations; None where no run has held-out conditions."""
    if not scores:
        return None
    names = list(dict.fromkeys(one.score for one in scores))
    of_distances = [name for name in names if not name.endswith(MEAN_VALUE)]
    of_means = [name for name in names if name.endswith(MEAN_VALUE)]
    return HeldOutSection(
        notes,
        list(_tables(ablation, scores, letters, of_distances)),
        list(_tables(ablation, scores, letters, of_means)),
        _gap_panels(ablation, scores, letters, of_distances),
        list(_left_out(ablation, scores, letters, [*of_distances, *of_means])),
    )


def _tables(
    ablation: Ablation, scores: Sequence[HeldOutScore], letters: Mapping[str, str], names: Sequence[str]
) -> "list[RemainderTable]":
    tables = []
    for place in PLACES:
        found = {name: remainders(scores, name, place) for name in names}
        for group in _groups(ablation, scores):
            cells = [cell for cell in group if any(cell in of_cell for of_cell in found.values())]
            shown = [name for name in names if any(_known(found[name].get(cell)) for cell in cells)]
            if not shown:
                continue
            rows = [(letters[cell], cell, [_entry(found[name].get(cell)) for name in shown]) for cell in cells]
            mine = [one for one in scores if one.cell in group]
            blends = [blend_remainder(mine, name, place) for name in shown]
            if any(blend is not None for blend in blends):
                rows.append(("", "blend of the neighbours", [Entry(number(blend)) for blend in blends]))
            tables.append(RemainderTable(_PLACES[place], [_words(name) for name in shown], rows))
    return tables


def _groups(ablation: Ablation, scores: Sequence[HeldOutScore]) -> list[list[str]]:
    """Cells with one baseline and the same conditions held out, which can stand in one table."""
    groups: dict[tuple[str, frozenset[str]], list[str]] = {}
    for cell in ablation.cells:
        base = cell.baseline or (cell.name if cell.name in ablation.baselines else "")
        held_out = frozenset(one.condition for one in scores if one.cell == cell.name)
        groups.setdefault((base, held_out), []).append(cell.name)
    return list(groups.values())


def _known(one: Remainder | None) -> bool:
    return one is not None and one.value is not None


def _words(name: str) -> str:
    mean = ", mean value" if name.endswith(MEAN_VALUE) else ""
    words = spoken(name.removesuffix(MEAN_VALUE).removeprefix("lite0_features."))
    return words.replace("fidelity.", "judge's error: ") + mean


def _entry(one: Remainder | None) -> Entry:
    if one is None or one.value is None:
        return Entry(ABSENT)
    verdict = "" if one.better is None else "better" if one.better else "worse"
    notes = [f"of {one.conditions} condition{'s' * (one.conditions > 1)}, {one.seeds} seed{'s' * (one.seeds > 1)}"]
    if one.lost:
        notes.append(f"nothing to measure in {'; '.join(one.lost)}")
    if one.difference is not None:
        sign = "+" if one.difference > 0 else ""
        notes.insert(0, f"difference {sign}{number(one.difference)} {number_interval(one.difference_interval)}".strip())
    return Entry(number(one.value), number_interval(one.interval), verdict, notes)


def _left_out(
    ablation: Ablation, scores: Sequence[HeldOutScore], letters: Mapping[str, str], names: Sequence[str]
) -> Iterator[str]:
    """What is in no sum, since real images of the nearest condition cannot be told from those of the condition: which
    that is depends on what was trained on.
    """
    groups = _groups(ablation, scores)
    for group in groups:
        found: dict[str, dict[str, None]] = {}
        for one in scores:
            if one.cell in group and one.score in names and not one.told_apart:
                found.setdefault(_words(one.score), {})[one.condition] = None
        cells = f" (in {', '.join(letters[cell] for cell in group)})" if len(groups) > 1 else ""
        yield from (f"{name}{cells}: {'; '.join(conditions)}" for name, conditions in found.items())


def _gap_panels(
    ablation: Ablation, scores: Sequence[HeldOutScore], letters: Mapping[str, str], names: Sequence[str]
) -> list[Panel]:
    panels = []
    for i, name in enumerate(names):
        lines = {cell.name: found for cell in ablation.cells if (found := remainder_by_gap(scores, cell.name, name))}
        if not lines:
            continue

        def draw(axes: Axes, lines: Mapping[str, Mapping[float, float]] = lines) -> None:
            _draw(axes, ablation, letters, lines)

        said = "; ".join(
            f"{letters[cell]}: {', '.join(f'{number(value)} at {gap:g}' for gap, value in found.items())}"
            for cell, found in lines.items()
        )
        panels.append(Panel(_words(name), drawn(draw, (3.1, 2.4), f"gap{i}", f"{_words(name)}, remainder: {said}")))
    return panels


def _draw(
    axes: Axes, ablation: Ablation, letters: Mapping[str, str], lines: Mapping[str, Mapping[float, float]]
) -> None:
    axes.axhline(1, color=BLUE, linestyle=":", linewidth=1.1, zorder=1)
    axes.axhline(0, color=GREY, linewidth=2, zorder=1)
    order = [cell.name for cell in ablation.cells]
    for cell, found in lines.items():
        style = line_style(order.index(cell))
        axes.plot(
            list(found), list(found.values()), color=style.color, linestyle=style.linestyle, linewidth=1.2, marker="o",
            markersize=3.5,
        )  # fmt: skip
        axes.annotate(
            letters[cell], (list(found)[-1], list(found.values())[-1]), xytext=(4, 0), textcoords="offset points",
            color=style.color, va="center", size="small", weight="bold", annotation_clip=False,
        )  # fmt: skip
    axes.set_xlabel("width of the gap")
    axes.margins(x=0.1)
    round_ticks(axes.yaxis, 5)
