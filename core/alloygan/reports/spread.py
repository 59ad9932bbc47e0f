"""Which conditions are drawn where there are too many to draw them all."""

from collections.abc import Sequence

from torch import Tensor

MOST_CONDITIONS = 12


def spread_out(values: Tensor, most: int = MOST_CONDITIONS, preferred: Sequence[int] = ()) -> list[int]:
    """Rising positions of at most `most` conditions (N, F) that lie far apart: each next one is the farthest
    from all before.

    Even steps through a sorted table would show one value of a column again and again. Two thirds of the
    places are for `preferred` positions, such as held-out conditions, if there are as many.
    """
    count = len(values)
    if count <= most:
        return list(range(count))
    chosen = _farthest(values, [], list(preferred), 2 * most // 3)
    return sorted(_farthest(values, chosen, list(range(count)), most))


def _farthest(values: Tensor, chosen: list[int], among: list[int], most: int) -> list[int]:
    """Add to the chosen positions, until there are `most`, the farthest from them of those that are left."""
    chosen = list(chosen)
    left = [position for position in among if position not in chosen]
    while left and len(chosen) < most:
        if chosen:
            distance = (values[left][:, None] - values[chosen][None]).norm(dim=2).amin(dim=1)
            chosen.append(left.pop(int(distance.argmax())))
        else:
            chosen.append(left.pop(0))
    return chosen


def spread_words(shown: Sequence[int], count: int, *, tabled: bool = True) -> str | None:
    """What the page says of a choice, or None if nothing was left out. `tabled`: the tables have all conditions."""
    if len(shown) >= count:
        return None
    tables = "; the tables have all" if tabled else ""
    return f"{len(shown)} of {count} conditions, chosen to lie far apart{tables}."
