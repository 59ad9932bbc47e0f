"""Which conditions are drawn where there are too many to draw them all."""

from collections.abc import Sequence

from torch import Tensor

MOST_CONDITIONS = 12


def spread_out(values: Tensor, most: int = MOST_CONDITIONS) -> list[int]:
    """Rising positions of at most `most` conditions (N, F) that lie far apart: each next one is the farthest
    from all before.

    Even steps through a sorted table would show one value of a column again and again.
    """
    count = len(values)
    if count <= most:
        return list(range(count))
    chosen = [0]
    gap = (values - values[0]).norm(dim=1)
    while len(chosen) < most:
        gap[chosen] = -1.0  # never twice, even where all conditions are alike
        chosen.append(int(gap.argmax()))
        gap = gap.minimum((values - values[chosen[-1]]).norm(dim=1))
    return sorted(chosen)


def spread_words(shown: Sequence[int], count: int, *, tabled: bool = True) -> str | None:
    """What the page says of a choice, or None if nothing was left out. `tabled`: the tables have all conditions."""
    if len(shown) >= count:
        return None
    tables = "; the tables have all" if tabled else ""
    return f"{len(shown)} of {count} conditions, chosen to lie far apart{tables}."
