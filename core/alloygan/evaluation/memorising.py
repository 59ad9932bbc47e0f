"""Memorising: whether generated images lie closer to training patches than held-out real images do.

Each image is compared with its nearest training patch, mirrored, turned and shifted (see `nearest`). A generated image
counts as close where it lies below the low end of the held-out real images of its condition: their k-th smallest
distance, k being 5 % of them rounded down, at least 1. Of n real images, k/(n + 1) is the share that a generator which
memorises nothing is expected to have below. Distances are root mean squares in grey levels, not normalised: images of
little contrast, or blurred ones, lie closer to everything, so the contrast stands beside the distances.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.bootstrap import Resampler, interval
from alloygan.evaluation.nearest import TRANSFORMS, Group, Nearest, TrainingSearch

Images = NDArray[np.uint8]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

QUANTILE = 0.05
"""The share of held-out real images that mark the low end of a condition."""
MOST_SHOWN = 12
"""So many generated images are named in `nearest`."""

_LESS_CONTRAST = 0.9
_NO_PATCHES = "there are no training patches to compare with"
_NO_REAL = "there are no held-out real images to compare with, so the distances stand alone"


@dataclass(frozen=True)
class _Found:
    label: int
    generated: Nearest
    real: Nearest
    units: Resampler
    contrast: tuple[float | None, float | None]

    @property
    def rank(self) -> int:
        """The real image, counted from the nearest, that marks the low end."""
        return max(1, int(QUANTILE * (len(self.real.distance) + 1)))

    @property
    def low(self) -> float | None:
        """The low end of the real distances."""
        if not len(self.real.distance):
            return None
        return float(np.sort(self.real.distance)[self.rank - 1])

    @property
    def expected(self) -> float:
        """The share below the low end, if generated images are to the training patches as real ones are."""
        return self.rank / (len(self.real.distance) + 1)


def memorising(
    generated: Mapping[int, Images],
    held_out: Mapping[int, Images],
    training: Images,
    *,
    sources: Mapping[int, IntArray] | None = None,
    shift: int = 4,
    group: Group = "d4",
    resamples: int = 1000,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compare generated and held-out real images uint8 (n, C, H, W) of each label with training patches (M, C, H, W).

    Ready for JSON, without NaN: `conditions`, a list of `{label, generated, real, closer, expected, note}` with
    `{images, median, smallest, contrast}` for either set (`real` has `low`, its low end, as well); `closer`, the share
    of all generated images below the low end of their condition, with its 95 % interval, what is `expected` where
    nothing is memorised, and the `quantile`; `nearest`, the generated images that are closest in units of the median
    real distance of their condition (`ratio`), with `label`, `sample` (its number within the condition), `distance`,
    `training` (the number of the patch), `transform` and `shift` ([down, right] in px), which turn the patch into the
    image; `shift` and `group` as they were searched, and `note` where something is missing.

    `sources`: for each label the micrograph or simulation of each real image, (n,), for the interval.
    `progress("memorising", done, total)` is called before each condition, and at the end.
    """
    result: dict[str, Any] = {"unit": "grey level", "training_images": len(training)}
    if not len(training):
        return result | {"conditions": [], "closer": None, "nearest": [], "note": _NO_PATCHES}
    search = TrainingSearch(training, shift=shift, group=group, device=device)
    found: list[_Found] = []
    for done, (label, images) in enumerate(generated.items()):
        if progress is not None:
            progress("memorising", done, len(generated))
        real = held_out.get(label, images[:0])
        found.append(
            _Found(
                label=label,
                generated=search.nearest(images),
                real=search.nearest(real),
                units=Resampler(sources.get(label) if sources else None, len(real)),
                contrast=(_contrast(images), _contrast(real)),
            )
        )
    if progress is not None:
        progress("memorising", len(generated), len(generated))
    result |= {
        "shift": search.shift,
        "group": search.group,
        "conditions": [_entry(condition) for condition in found],
        "closer": _closer(found, resamples, seed),
        "nearest": _shown(found),
    }
    notes = [_NO_REAL] if result["closer"] is None else []
    return result | ({"note": "; ".join(notes)} if notes else {})


def _entry(condition: _Found) -> dict[str, Any]:
    low = condition.low
    entry = {
        "label": condition.label,
        "generated": _summary(condition.generated, condition.contrast[0]),
        "real": _summary(condition.real, condition.contrast[1]) | {"low": low},
        "closer": _share(condition.generated.distance, low),
        "expected": condition.expected if low is not None else None,
    }
    note = _note(condition)
    return entry | ({"note": note} if note else {})


def _summary(nearest: Nearest, contrast: float | None) -> dict[str, Any]:
    distance = nearest.distance
    return {
        "images": len(distance),
        "median": float(np.median(distance)) if len(distance) else None,
        "smallest": float(distance.min()) if len(distance) else None,
        "contrast": contrast,
    }


def _note(condition: _Found) -> str | None:
    if not len(condition.real.distance):
        return "no held-out real images of this condition"
    if not len(condition.generated.distance):
        return "no generated images of this condition"
    generated, real = condition.contrast
    if generated is not None and real is not None and generated < _LESS_CONTRAST * real:
        return (
            f"generated images have less contrast than real ones (standard deviation {generated:.1f} against "
            f"{real:.1f} grey levels), which alone may bring them closer to every training patch"
        )
    return None


def _contrast(images: Images) -> float | None:
    """The median standard deviation of the grey levels of an image."""
    return float(np.median([image.std() for image in images])) if len(images) else None


def _share(distance: FloatArray, low: float | None) -> float | None:
    return float((distance < low).mean()) if low is not None and len(distance) else None


def _closer(found: list[_Found], resamples: int, seed: int) -> dict[str, Any] | None:
    judged = [condition for condition in found if condition.low is not None and len(condition.generated.distance)]
    if not judged:
        return None
    sizes = np.array([len(condition.generated.distance) for condition in judged])

    def pooled(shares: list[float]) -> float:
        return float((np.array(shares) * sizes).sum() / sizes.sum())

    random = np.random.default_rng([seed, len(judged)])
    score = pooled([_share(condition.generated.distance, condition.low) or 0.0 for condition in judged])
    drawn = [pooled([_redrawn(condition, random) for condition in judged]) for _ in range(resamples)]
    bounds = interval(score, drawn)
    return {
        "share": score,
        "interval": [min(1.0, bound) for bound in bounds] if bounds else None,
        "expected": pooled([condition.expected for condition in judged]),
        "quantile": QUANTILE,
    }


def _redrawn(condition: _Found, random: np.random.Generator) -> float:
    """The share of one condition with real and generated images drawn again."""
    generated = condition.generated.distance
    generated = generated[random.integers(0, len(generated), len(generated))]
    real = np.sort(np.repeat(condition.real.distance, condition.units.weights(random)))
    # Sources differ in size, so the number of images drawn may differ too.
    rank = max(1, int(QUANTILE * (len(real) + 1)))
    return float((generated < real[rank - 1]).mean())


def _shown(found: list[_Found]) -> list[dict[str, Any]]:
    rows = []
    for condition in found:
        nearest = condition.generated
        typical = float(np.median(condition.real.distance)) if len(condition.real.distance) else 0.0
        for sample, distance in enumerate(nearest.distance.tolist()):
            rows.append(
                {
                    "label": condition.label,
                    "sample": sample,
                    "distance": distance,
                    "ratio": distance / typical if typical > 0 else None,
                    "training": int(nearest.index[sample]),
                    "transform": TRANSFORMS[nearest.transform[sample]],
                    "shift": nearest.shift[sample].tolist(),
                }
            )
    # Conditions without real images come last: their distances have no measure.
    rows.sort(key=lambda row: (row["ratio"] is None, row["ratio"] or 0.0, row["distance"]))
    return rows[:MOST_SHOWN]
