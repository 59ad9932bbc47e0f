"""Updates that stand for a whole training: losses may be due at every n-th update alone (`every`)."""

import math
from collections import Counter

from alloygan.specs.gan import GanSpec
from alloygan.training.captured import WARM_UP
from alloygan.training.update import Due, due


def period(spec: GanSpec) -> int:
    """Generator updates after which the same losses are due again."""
    return math.lcm(*(loss.every for loss in spec.losses.values()))


def whole_periods(spec: GanSpec, updates: int) -> int:
    """At least so many updates, in whole periods."""
    return math.ceil(updates / period(spec)) * period(spec)


def of_updates(spec: GanSpec, asked: int) -> str:
    """What a page says of updates that were rounded up to whole periods."""
    updates = whole_periods(spec, asked)
    said = f"{updates} updates"
    if updates != asked:
        said += f" ({asked} asked for, rounded up: with the `every` of the losses, {period(spec)} make a period)"
    return said


def warm_up(spec: GanSpec, least: int) -> int:
    """Updates after which nothing is done for the first time, and at least so many.

    Each set of losses that are due together is new once, to the compiler above all; a CUDA graph takes some eager
    updates of each set, and one to capture.
    """
    times = WARM_UP + 1 if spec.training.cuda_graph else 1

    def at(number: int) -> Due:
        return due(spec.losses, number, spec.training.critic_updates)

    missing = Counter(dict.fromkeys(map(at, range(period(spec))), times))
    number = 0
    while missing:
        names = at(number)
        missing[names] -= 1
        if missing[names] <= 0:
            del missing[names]
        number += 1
    return max(least, number)
