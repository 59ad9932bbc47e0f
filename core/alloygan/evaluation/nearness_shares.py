"""The share of generated images that are nearer to training patches than nearly all held-out real images are.

"Nearly all" is told by an end of the real images of the condition: their k-th smallest value, where k is 5 % of them
rounded down, at least 1. Of a generator whose images are to the training patches as n real ones are, the share below it
is k/(n + 1) on average, and for m of its images has a beta-binomial law, whatever the law of the values, if images are
independent. A share above the 95 % range of that law is more than chance.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.bootstrap import CONFIDENCE, Resampler, interval
from alloygan.evaluation.nearness import ImageSet, Nearness

FloatArray = NDArray[np.float64]
Measure = Callable[[ImageSet], FloatArray]
"""A value an image; the smaller, the nearer."""

QUANTILE = 0.05
"""The share of held-out real images that mark the end of a condition."""

_DRAWS = 20_000


def end_of(real: FloatArray) -> float | None:
    """The low end of the real images' values."""
    return float(np.sort(real)[_rank(len(real)) - 1]) if len(real) else None


def share_below(values: FloatArray, end: float | None) -> float | None:
    """The share of the generated images' values below the end."""
    return float((values < end).mean()) if end is not None and len(values) else None


def expected_share(real: int) -> float:
    """The share below the end, if generated images are to the training patches as so many real ones are."""
    return _rank(real) / (real + 1)


def pooled_share(found: Sequence[Nearness], measure: Measure, resamples: int, seed: int) -> dict[str, Any] | None:
    """The share of all generated images that are nearer than the end of their condition, in one measure."""
    judged = [condition for condition in found if len(condition.real) and len(condition.generated)]
    if not judged:
        return None
    sizes = [len(condition.generated) for condition in judged]
    values = [(measure(condition.generated), measure(condition.real), condition.units) for condition in judged]
    random = np.random.default_rng([seed, len(judged)])
    score = float(np.average([share_below(generated, end_of(real)) for generated, real, _ in values], weights=sizes))
    drawn = [float(np.average([_redrawn(*some, random) for some in values], weights=sizes)) for _ in range(resamples)]
    bounds = interval(score, drawn)
    return {
        "share": score,
        "interval": [min(1.0, bound) for bound in bounds] if bounds else None,
        "expected": float(np.average([expected_share(len(condition.real)) for condition in judged], weights=sizes)),
        "expected_interval": _expected_interval(judged, random),
        "quantile": QUANTILE,
    }


def _rank(real: int) -> int:
    """Which of so many real images, counted from the nearest, marks the end."""
    return max(1, int(QUANTILE * (real + 1)))


def _expected_interval(judged: Sequence[Nearness], random: np.random.Generator) -> list[float]:
    """The 95 % range of the pooled share where generated images are to the training patches as real ones are."""
    drawn = np.zeros(_DRAWS)
    for condition in judged:
        rank, real = _rank(len(condition.real)), len(condition.real)
        beyond = random.beta(rank, real + 1 - rank, _DRAWS)
        drawn += random.binomial(len(condition.generated), beyond)
    drawn /= sum(len(condition.generated) for condition in judged)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return [float(low), float(high)]


def _redrawn(generated: FloatArray, real: FloatArray, units: Resampler, random: np.random.Generator) -> float:
    """The share of one condition with generated and real images drawn again."""
    generated = generated[random.integers(0, len(generated), len(generated))]
    # Sources differ in size, so the number of images drawn may differ too.
    return share_below(generated, end_of(np.repeat(real, units.weights(random)))) or 0.0
