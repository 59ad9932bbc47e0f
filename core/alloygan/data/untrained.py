"""Conditions that would be evaluated, but of which a manifest leaves nothing to train on."""

from collections.abc import Callable, Hashable, Iterable

from alloygan.data.manifest import Micrograph


def untrained(micrographs: Iterable[Micrograph], condition: Callable[[Micrograph], Hashable]) -> list[Micrograph]:
    """The first micrograph of each condition whose micrographs are all for evaluation only (`evaluation`: all).

    `condition` gives equal values for micrographs of one condition.
    """
    first: dict[Hashable, Micrograph] = {}
    trained: set[Hashable] = set()
    for one in micrographs:
        key = condition(one)
        first.setdefault(key, one)
        if one.trains:
            trained.add(key)
    return [one for key, one in first.items() if key not in trained]
