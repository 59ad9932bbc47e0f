"""Names of scores as a page prints them, in groups of one descriptor, judge or comparison."""

from collections.abc import Sequence

from alloygan.evaluation.score_list import ALONG, HELD_OUT
from alloygan.reports.wording import spoken

_WORDS = {"ks": "KS", "r2": "R²", "": "all descriptors", "fidelity": "judge of the condition"}


def score_groups(scores: Sequence[str]) -> dict[str, list[str]]:
    """Names of scores by the title of their group, both in the order in which they come."""
    groups: dict[str, list[str]] = {}
    for score in scores:
        groups.setdefault(group_title(score), []).append(score)
    return groups


def group_title(score: str) -> str:
    """What a score is of: `area fraction`, `judge of the condition: time`, `all descriptors (held-out conditions)`."""
    of_what = score.removeprefix(HELD_OUT).rpartition(".")[0]
    kind, _, column = of_what.partition(".")
    if score.startswith(ALONG):
        along, _, descriptor = column.rpartition(".")
        return f"{spoken(descriptor)} along {along}"
    title = _WORDS.get(kind, spoken(kind)) + (f": {column}" if column else "")
    return title + (" (held-out conditions)" if score.startswith(HELD_OUT) else "")


def score_words(score: str) -> str:
    """Which score of its group it is."""
    last = score.rpartition(".")[2]
    return _WORDS.get(last, spoken(last))


def full_name(score: str) -> str:
    """Group and score in one."""
    return f"{group_title(score)}, {score_words(score)}"
