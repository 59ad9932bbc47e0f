"""What an ablation has found, in plain words made from the numbers alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from alloygan.reports.wording import number, number_interval
from alloygan.sweeps.against_baseline import AgainstBaseline, ComparedScore
from alloygan.sweeps.cell_folder import Status
from alloygan.sweeps.score_names import full_name


@dataclass(frozen=True)
class Finding:
    """What is said of one cell."""

    letter: str
    name: str
    words: str


def ablation_verdict(comparison: AgainstBaseline, statuses: Mapping[str, Status]) -> str:
    """How many differences from the baseline there are, beside how many chance alone would give."""
    ablation = comparison.ablation
    done = sum(status.state == "done" for status in statuses.values())
    if not done:
        return f"No run is done yet (0 of {len(statuses)}), so there is nothing to compare."
    failed = sum(status.state == "failed" for status in statuses.values())
    and_failed = f", and {failed} failed" if failed else ""
    so_far = f"So far, {done} of {len(statuses)} runs are done{and_failed}. " if done < len(statuses) else ""
    others = [cell.name for cell in ablation.cells if cell.name not in ablation.baselines]
    several = len(ablation.baselines) > 1
    if not others and several:
        return (
            f"{so_far}Every cell is the baseline of its levels, so nothing is compared; the tables have their scores."
        )
    if not others:
        return f"{so_far}There is one cell only, so nothing is compared; the tables have its scores."
    called = ", ".join(comparison.called(name) for name in ablation.baselines)
    if not any(comparison.of_cell(name) for name in ablation.baselines):
        return (
            f"{so_far}{'None of the baselines' if several else 'The baseline'} {called} has {'' if several else 'no '}"
            f"scores, so nothing can be compared with {'them' if several else 'it'}; the tables have the scores of the "
            "other cells."
        )
    compared = {name: _with_interval(comparison, name) for name in others}
    with_any = [name for name in others if compared[name]]
    if not with_any:
        if any(found.score.difference for name in others for found in comparison.of_cell(name).values()):
            return (
                f"{so_far}No cell shares two seeds with {'its' if several else 'the'} baseline, {called}: a "
                "difference may be chance, however large it is."
            )
        return f"{so_far}No cell beside the baseline{'s' if several else ''} {called} has scores yet."
    every = [found for name in with_any for found in compared[name].values()]
    differ, chance = sum(found.better is not None for found in every), sum(found.by_chance for found in every)
    seeds = sorted({found.score.difference.count for found in every if found.score.difference})
    over = f"{seeds[0]} seeds" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    where = "the other cell" if len(others) == 1 else f"{len(with_any)} other cells"
    return (
        f"{so_far}{differ or 'None'} of {len(every)} scores of {where} differ{'s' if differ <= 1 else ''} from the "
        f"baseline{f' of their cell ({called})' if several else f' {called}'}, with a 95 % interval over {over} that "
        "leaves 0 out; chance "
        f"alone would give about {_about(chance)}" + (", so no difference is shown yet." if differ <= chance else ".")
    )


def findings(comparison: AgainstBaseline) -> list[Finding]:
    """A line a cell: how many scores differ, and the clearest of them."""
    ablation = comparison.ablation
    return [
        Finding(comparison.letters[cell.name], cell.name, _of_cell(comparison, cell.name)) for cell in ablation.cells
    ]


def _of_cell(comparison: AgainstBaseline, cell: str) -> str:
    base = comparison.ablation.cell(cell).baseline
    if cell in comparison.ablation.baselines:
        return "A baseline." if len(comparison.ablation.baselines) > 1 else "The baseline."
    if not comparison.of_cell(cell):
        return "No scores: none of its runs is done."
    if base is None:
        return "Cannot be compared: no cell has its levels with those of the baseline."
    compared = _with_interval(comparison, cell)
    if not compared:
        return "Cannot be compared: it does not share two seeds with the baseline."
    differ = {score: found for score, found in compared.items() if found.better is not None}
    chance = _about(sum(found.by_chance for found in compared.values()))
    if not differ:
        return f"None of {len(compared)} scores differs (chance alone would give about {chance})."
    better = sum(found.better is True for found in differ.values())
    said = (
        f"{len(differ)} of {len(compared)} scores differ{'s' if len(differ) == 1 else ''}: {better} better, "
        f"{len(differ) - better} worse{_than(comparison, base)} (chance alone would give about {chance})."
    )
    telling = {score: found for score, found in differ.items() if not found.at_floor}
    if not telling:
        return f"{said} In all of them both cells are at the floor, so that says nothing."
    return f"{said} Clearest: {_clearest(comparison, base, telling)}"


def _than(comparison: AgainstBaseline, base: str) -> str:
    """Which of several baselines it is that a cell is compared with."""
    return f" than {comparison.letters[base]}" if len(comparison.ablation.baselines) > 1 else ""


def _clearest(comparison: AgainstBaseline, baseline: str, differ: Mapping[str, ComparedScore]) -> str:
    score = max(differ, key=lambda name: differ[name].clear)
    found, base = differ[score], comparison.of(baseline, score)
    difference = found.score.difference
    if base is None or difference is None:
        return ""
    return (
        f"{full_name(score)}, {number(base.score.mean.mean)} → {number(found.score.mean.mean)}, "
        f"{'better' if found.better else 'worse'} by {number(abs(difference.mean))} "
        f"(difference {number_interval(difference.interval)})."
    )


def _with_interval(comparison: AgainstBaseline, cell: str) -> dict[str, ComparedScore]:
    return {score: found for score, found in comparison.of_cell(cell).items() if found.has_interval}


def _about(count: float) -> str:
    return f"{count:.0f}" if count >= 1 else "less than 1"
