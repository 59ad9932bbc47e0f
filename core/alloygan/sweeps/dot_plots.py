"""The scores that one looks at first, as small panels: a row a cell, a dot a seed, beside the floor."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from alloygan.evaluation.score_list import HELD_OUT
from alloygan.reports.style import BLUE, GREY, VERMILLION, Panel, drawn, round_ticks
from alloygan.reports.wording import known, number
from alloygan.sweeps.against_baseline import AgainstBaseline
from alloygan.sweeps.score_names import full_name

LONGEST_NAME = 16
"""Longer names of cells leave no room for the dots; letters then stand alone."""


def dot_panels(comparison: AgainstBaseline) -> list[Panel]:
    """A panel for the mean deviation, the judge's accuracy, kernel distances, and the deviation of each descriptor."""
    return [
        _panel(comparison, score, f"dots{position}")
        for position, score in enumerate(headlines(comparison.results.scores))
    ]


def headlines(scores: Sequence[str]) -> list[str]:
    """The scores that one looks at first."""
    first = ("mean_deviation", f"{HELD_OUT}mean_deviation", "fidelity.accuracy")
    return [
        *(score for score in first if score in scores),
        *(score for score in scores if score.endswith(".kid_lite0") and not score.startswith(HELD_OUT)),
        *(score for score in scores if score.endswith(".deviation") and not score.startswith(HELD_OUT)),
    ]


def _panel(comparison: AgainstBaseline, score: str, identity: str) -> Panel:
    arrow = "↑" if comparison.results.higher_is_better[score] else "↓"

    def draw(axes: Axes) -> None:
        _draw(axes, comparison, score)

    means = [
        f"{comparison.called(cell.name)} {number(found.score.mean.mean) if found else 'no value'}"
        for cell in comparison.ablation.cells
        for found in (comparison.of(cell.name, score),)
    ]
    size = (3.1, 0.62 + 0.27 * len(means))
    name = full_name(score)
    return Panel(f"{name} {arrow}", drawn(draw, size, identity, f"{name}: {'; '.join(means)}"))


def _draw(axes: Axes, comparison: AgainstBaseline, score: str) -> None:
    ablation, floors = comparison.ablation, comparison.floors(score)
    for row, cell in enumerate(ablation.cells):
        found = comparison.of(cell.name, score)
        base = found if cell.name in ablation.baselines else comparison.of(cell.baseline or "", score)
        if base is not None:
            at = [base.score.mean.mean] * 2
            axes.plot(at, [row - 0.5, row + 0.5], color=BLUE, linestyle=":", linewidth=1.1, zorder=1)
        if cell.name in floors:
            axes.plot(
                [floors[cell.name]] * 2,
                [row - 0.5, row + 0.5],
                color=GREY,
                linewidth=2.5,
                zorder=1.5,
                solid_capstyle="butt",
            )
        if found is None:
            # Where x is of no matter: in parts of the axis.
            axes.text(
                0.03, row, "no value", transform=axes.get_yaxis_transform(), color="#595959", va="center", size="small"
            )
            continue
        low, high = found.score.mean.interval or (found.score.mean.mean,) * 2
        axes.plot([low, high], [row, row], color=VERMILLION, linewidth=2.5, zorder=3, solid_capstyle="butt")
        seeds = [value for one in comparison.results.values[cell.name][score].values() if (value := known(one.value))
                 is not None]  # fmt: skip
        axes.plot(seeds, [row + 0.26] * len(seeds), "o", markersize=3.5, color="#333333", fillstyle="none", zorder=4)
        axes.plot([found.score.mean.mean], [row], "o", color=VERMILLION, markersize=6, zorder=5, clip_on=False)
    names = [cell.name for cell in ablation.cells]
    short = all(len(name) <= LONGEST_NAME for name in names)
    labels = [f"{comparison.letters[name]}  {name}" if short else comparison.letters[name] for name in names]
    axes.set_yticks(range(len(names)), labels)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.06)
    axes.grid(visible=False, axis="y")
    round_ticks(axes.xaxis, 4)
