"""How often a difference is marked although there is none: an interval over few seeds is too narrow."""

_SEEDS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 30)
_SHARES = (0.5, 0.25, 0.2, 0.16, 0.14, 0.12, 0.115, 0.1, 0.09, 0.08, 0.075, 0.065)


def chance_rate(seeds: int) -> float:
    """The share of differences whose 95 % bootstrap interval over so many seeds leaves 0 out by chance alone.

    Of differences that scatter normally about 0. Two seeds agree in sign in a half of all cases and three in a
    quarter, and their interval is their range; the rest is simulated. It tends to 0.05.
    """
    known = [share for count, share in zip(_SEEDS, _SHARES, strict=True) if count <= seeds]
    return known[-1] if known else 0.0
