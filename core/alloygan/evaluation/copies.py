"""Which generated images are copies of training patches, so near that chance does not explain it.

Judged is u = 1 − r, for the correlation r of an image with the training patch that it is most alike: half the squared
distance of the two, each brought to mean 0 and norm 1. So copies of other contrast and brightness count, and faint
images, which are close to everything in grey levels, do not.

A generated image is named a copy where that distance is less than half the smallest of the held-out real images of its
condition: u less than a quarter. That alone would accuse honest generators where real images are few, or so smooth that
some are alike by chance: the smallest of a few values says little of how small values become. So u must also lie below
what the law of the real images reaches. For small u their distribution function grows as a power of u, so that of n
images the k lowest, k = n/2 rounded down, lie exponentially below the next one in logarithms, together by S (Hill's
estimate of the power is k/S). A new image of the same law then lies below that one by more than g·S with probability
(k + 1)/(n + 1) · (1 + g)^(−k), whatever the power. The limit is at the g for which, over all images of all conditions,
this adds up to 1 %: an honest generator has an image named in about one evaluation of a hundred, or fewer.

Few real images put the limit far down, as they should: with two to four of them hardly any copy is named.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.nearness import ImageSet, Nearness

FloatArray = NDArray[np.float64]

FALSE_ALARM = 0.01
"""How probable it may be that an honest generator has an image named, in a whole evaluation."""
FAINTEST = 2.0
"""Images whose grey levels deviate by less are not judged: of one step between two levels many are alike."""
MOST_NAMED = 12
"""So many copies are named in `images`."""

_QUARTER = 0.25
_FEWEST_REAL = 2


def copy_limit(real: FloatArray, judged: int, false_alarm: float = FALSE_ALARM) -> float | None:
    """Below which 1 − r an image is a copy, from those of the real images (n,); `judged`: so many generated images.

    None where there are fewer than two real images, or where one is itself a copy, so that nothing can be told.
    """
    ordered = np.sort(real)
    count = len(ordered)
    if count < _FEWEST_REAL or ordered[0] <= 0 or not judged:
        return None
    lower = count // 2
    depth = float(np.log(ordered[lower] / ordered[:lower]).sum())
    expected = judged * (lower + 1) / (count + 1)
    factor = max(1.0, expected / false_alarm) ** (1 / lower) - 1
    return float(min(_QUARTER * ordered[0], ordered[lower] * np.exp(-factor * depth)))


def copies(found: Sequence[Nearness]) -> tuple[list[dict[str, Any] | None], dict[str, Any] | None]:
    """Copies of each condition, `{count, of, above}`, and of all, `{count, of, false_alarm, images}`.

    `of`: how many images were judged; `above`: the correlation from which on an image is a copy; `images`: the copies
    that are most alike, at most `MOST_NAMED`, each as `Nearness.pair`. None where no image could be judged.
    """
    each: list[dict[str, Any] | None] = []
    named: list[tuple[float, dict[str, Any]]] = []
    for condition in found:
        generated, real = _judged(condition.generated), _judged(condition.real)
        limit = copy_limit(condition.real.unlikeness[real], int(generated.sum()), FALSE_ALARM / len(found))
        if limit is None:
            each.append(None)
            continue
        below = np.flatnonzero(generated & (condition.generated.unlikeness < limit))
        each.append({"count": len(below), "of": int(generated.sum()), "above": 1.0 - limit})
        named += [
            (float(condition.generated.unlikeness[sample]), condition.pair(condition.generated.nearest.alike, sample))
            for sample in below.tolist()
        ]
    judged = [one for one in each if one is not None]
    if not judged:
        return each, None
    named.sort(key=lambda one: one[0])
    return each, {
        "count": len(named),
        "of": sum(one["of"] for one in judged),
        "false_alarm": FALSE_ALARM,
        "images": [pair for _, pair in named[:MOST_NAMED]],
    }


def _judged(images: ImageSet) -> NDArray[np.bool_]:
    return images.contrast >= FAINTEST
