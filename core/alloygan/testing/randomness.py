"""Whether something draws from random numbers that do not belong to it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from alloygan.testing.verdicts import require


@contextmanager
def global_random_left_alone(what: str) -> Iterator[None]:
    """Raise ConformanceError if the block draws from torch's, numpy's or Python's global random numbers.

    They depend on the process that draws, so another number of processes would draw others. `what` names the block in
    the message.
    """
    before = _states()
    yield
    after = _states()
    moved = [name for name in before if before[name] != after[name]]
    require(
        not moved,
        f"{what} draws from the global random numbers of {', '.join(moved)}; draw from a torch.Generator that is "
        "handed over (a loss: step.random), so that any number of processes draws the same numbers",
    )


def _states() -> dict[str, bytes]:
    name, keys, position, *rest = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": repr((name, position, rest)).encode() + np.asarray(keys).tobytes(),
        "Python": repr(random.getstate()).encode(),
    }
