"""Memorising: whether generated images are nearer to training patches than held-out real images are.

Each image is compared with its nearest training patch, mirrored, turned and shifted (see `nearest`). Two shares of the
generated images are taken: those *closer* by the distance, a root mean square in grey levels, and those more *alike* by
the correlation with the same patch. Either is measured at an end of the held-out real images of the condition: their
k-th smallest distance or largest correlation, where k is 5 % of them rounded down, at least 1. Of a generator whose
images are to the training patches as n real ones are, the share beyond that end is k/(n + 1) on average, and for m of
its images has a beta-binomial law, whatever the law of the distances, if images are independent. A share above the 95 %
range of that law is more than chance.

The distance is not normalised: images of little contrast, or blurred ones, are closer to everything. The correlation
does not see contrast. Copies raise both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.bootstrap import CONFIDENCE, Resampler, interval
from alloygan.evaluation.nearest import TRANSFORMS, Group, Nearest, TrainingSearch

Images = NDArray[np.uint8]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

QUANTILE = 0.05
"""The share of held-out real images that mark the end of a condition."""
MOST_SHOWN = 12
"""So many generated images are named in `nearest`."""

_DRAWS = 20_000
_LESS_CONTRAST = 0.9
_NO_PATCHES = "there are no training patches to compare with"
_CLOSER_ONLY = (
    "more generated images than expected are closer to a training patch than real ones, but not more are alike: little "
    "contrast or other grey levels bring them closer, not copying"
)
_NO_REAL = "there are no held-out real images to compare with, so the distances stand alone"


@dataclass(frozen=True)
class _Found:
    label: int
    generated: Nearest
    real: Nearest
    units: Resampler
    contrast: tuple[float | None, float | None]

    @property
    def expected(self) -> float:
        """The share beyond the end, if generated images are to the training patches as real ones are."""
        return _rank(self.real.distance) / (len(self.real.distance) + 1)


def _rank(values: FloatArray) -> int:
    """Which real image, counted from the nearest, marks the end."""
    return max(1, int(QUANTILE * (len(values) + 1)))


def _end(values: FloatArray) -> float | None:
    """The low end of the real images' values."""
    return float(np.sort(values)[_rank(values) - 1]) if len(values) else None


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

    Ready for JSON, without NaN: `conditions`, a list of `{label, generated, real, closer, alike, expected, note}` with
    `{images, median, smallest, correlation, contrast}` for either set (distances, median correlation, and standard
    deviation of the grey levels of the median image) and for `real` its `end`s; `closer` and `alike`, the shares of all
    generated images with their 95 % `interval` (bootstrap over images), what is `expected` on average where nothing is
    memorised, the 95 % range of that, `expected_interval`, and the `quantile`;
    `nearest`, the generated images that are closest in units of the median real distance of their condition (`ratio`),
    with `label`, `sample` (its number within the condition), `distance`, `correlation`, `training` (the number of the
    patch), `transform` and `shift` ([down, right] in px), which take the patch to the image; `shift` and `group` as
    they were searched; `note`, where something is missing or to be read with care.

    `sources`: for each label the micrograph or simulation of each real image, (n,), for the interval.
    `progress("memorising", done, total)` is called before each condition, and at the end.
    """
    result: dict[str, Any] = {"unit": "grey level", "training_images": len(training)}
    if not len(training):
        return result | {"conditions": [], "closer": None, "alike": None, "nearest": [], "note": _NO_PATCHES}
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
        "closer": _pooled(found, _distances, resamples, seed),
        "alike": _pooled(found, _unlikeness, resamples, seed),
        "nearest": _shown(found),
    }
    note = _note_of_all(result)
    return result | ({"note": note} if note else {})


# The smaller, the nearer.


def _distances(nearest: Nearest) -> FloatArray:
    return nearest.distance


def _unlikeness(nearest: Nearest) -> FloatArray:
    return -nearest.correlation


def _entry(condition: _Found) -> dict[str, Any]:
    distance, unlikeness = (_end(measure(condition.real)) for measure in (_distances, _unlikeness))
    entry = {
        "label": condition.label,
        "generated": _summary(condition.generated, condition.contrast[0]),
        "real": _summary(condition.real, condition.contrast[1])
        | {"end": {"distance": distance, "correlation": -unlikeness if unlikeness is not None else None}},
        "closer": _share(condition.generated.distance, distance),
        "alike": _share(-condition.generated.correlation, unlikeness),
        "expected": condition.expected if distance is not None else None,
    }
    note = _note(condition)
    return entry | ({"note": note} if note else {})


def _summary(nearest: Nearest, contrast: float | None) -> dict[str, Any]:
    distance = nearest.distance
    return {
        "images": len(distance),
        "median": float(np.median(distance)) if len(distance) else None,
        "smallest": float(distance.min()) if len(distance) else None,
        "correlation": float(np.median(nearest.correlation)) if len(distance) else None,
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


def _note_of_all(result: Mapping[str, Any]) -> str | None:
    closer, alike = result["closer"], result["alike"]
    if closer is None or alike is None:
        return _NO_REAL
    if _beyond(closer) and not _beyond(alike):
        return _CLOSER_ONLY
    return None


def _beyond(share: Mapping[str, Any]) -> bool:
    return bool(share["share"] > share["expected_interval"][1])


def _share(values: FloatArray, end: float | None) -> float | None:
    return float((values < end).mean()) if end is not None and len(values) else None


def _pooled(
    found: list[_Found], measure: Callable[[Nearest], FloatArray], resamples: int, seed: int
) -> dict[str, Any] | None:
    """The share of all generated images that are nearer than the end of their condition, in one measure."""
    judged = [condition for condition in found if len(condition.real.distance) and len(condition.generated.distance)]
    if not judged:
        return None
    sizes = [len(condition.generated.distance) for condition in judged]
    values = [(measure(condition.generated), measure(condition.real), condition.units) for condition in judged]
    random = np.random.default_rng([seed, len(judged)])
    score = float(np.average([_share(generated, _end(real)) for generated, real, _ in values], weights=sizes))
    drawn = [float(np.average([_redrawn(*some, random) for some in values], weights=sizes)) for _ in range(resamples)]
    bounds = interval(score, drawn)
    return {
        "share": score,
        "interval": [min(1.0, bound) for bound in bounds] if bounds else None,
        "expected": float(np.average([condition.expected for condition in judged], weights=sizes)),
        "expected_interval": _expected_interval(judged, random),
        "quantile": QUANTILE,
    }


def _expected_interval(judged: list[_Found], random: np.random.Generator) -> list[float]:
    """The 95 % range of the pooled share where generated images are to the training patches as real ones are."""
    drawn = np.zeros(_DRAWS)
    for condition in judged:
        rank, real = _rank(condition.real.distance), len(condition.real.distance)
        beyond = random.beta(rank, real + 1 - rank, _DRAWS)
        drawn += random.binomial(len(condition.generated.distance), beyond)
    drawn /= sum(len(condition.generated.distance) for condition in judged)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return [float(low), float(high)]


def _redrawn(generated: FloatArray, real: FloatArray, units: Resampler, random: np.random.Generator) -> float:
    """The share of one condition with generated and real images drawn again."""
    generated = generated[random.integers(0, len(generated), len(generated))]
    # Sources differ in size, so the number of images drawn may differ too.
    return _share(generated, _end(np.repeat(real, units.weights(random)))) or 0.0


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
                    "correlation": float(nearest.correlation[sample]),
                    "ratio": distance / typical if typical > 0 else None,
                    "training": int(nearest.index[sample]),
                    "transform": TRANSFORMS[nearest.transform[sample]],
                    "shift": nearest.shift[sample].tolist(),
                }
            )
    # Conditions without real images come last: their distances have no measure.
    rows.sort(key=lambda row: (row["ratio"] is None, row["ratio"] or 0.0, row["distance"]))
    return rows[:MOST_SHOWN]
