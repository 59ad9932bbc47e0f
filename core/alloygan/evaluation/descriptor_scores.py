"""The scores of one descriptor in one condition, beside their floors and intervals."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.bootstrap import Resampler, interval, redrawn, thinned
from alloygan.evaluation.distances import kolmogorov_smirnov
from alloygan.evaluation.modality import peaks
from alloygan.evaluation.subjects import Subject
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens

MOST_VALUES = 1000
"""At most this many values of a set are kept as a sample."""

SETS = ("real", "generated", "other")
"""The sets of images; a score of the last two is one against the first."""

RESAMPLED = ("deviation", "floor_deviation", "distance", "floor", "ks", "floor_ks")

Found = Mapping[str, Measurement]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class ConditionScore:
    """The scores of one condition, ready for JSON; and, by name, the same scores of each bootstrap resample.

    `summaries`: of each of `SETS`; their resamples are in `resampled` too.
    """

    values: dict[str, Any]
    summaries: dict[str, float | None]
    resampled: dict[str, list[float | None]] = field(default_factory=dict)


def condition_score(
    descriptor: Descriptor,
    found: Found,
    specimens: Mapping[str, Specimens],
    subject: Subject,
    resamples: Mapping[str, list[IntArray]],
) -> ConditionScore:
    """Compare what was found in the sets `real`, `generated` and `other` (those that there are) of `specimens`.

    `resamples`: for each set, how often each of its images is drawn, a resample at a time (`weights_of`); empty lists
    give no intervals.
    """
    summaries = {key: descriptor.summary(measurement) for key, measurement in found.items()}
    values = {key: _finite(summary) for key, summary in summaries.items()}
    real, generated, other = (values.get(key) for key in SETS)
    sets = dict(zip(SETS, (real, generated, other), strict=True))
    measured = found["generated"]
    scores = _compared(descriptor, found, values)
    resampled = _resampled(descriptor, found, specimens, resamples)
    score: dict[str, Any] = {
        "unit": descriptor.summary_unit(measured, specimens["generated"]),
        "real": real,
        "generated": generated,
        "training": other if subject.other_is_training else None,
        "distance": scores["distance"],
        "floor": scores["floor"],
        "distance_unit": measured.unit,
        "deviation": scores["deviation"],
        "floor_deviation": scores["floor_deviation"],
        "interval": interval(scores["distance"], resampled["distance"]),
        "floor_interval": interval(scores["floor"], resampled["floor"]),
        "deviation_interval": interval(scores["deviation"], resampled["deviation"]),
        "floor_deviation_interval": interval(scores["floor_deviation"], resampled["floor_deviation"]),
        "ks": scores["ks"],
        "floor_ks": scores["floor_ks"],
        "ks_interval": interval(scores["ks"], resampled["ks"]),
        "floor_ks_interval": interval(scores["floor_ks"], resampled["floor_ks"]),
        "peaks": _peaks(descriptor, found, subject),
    }
    notes = [subject.note, *_notes(found, summaries, subject)]
    if real == 0 and descriptor.ratio_scale:
        notes.append("real is 0, so there is no relative deviation")
    text = "; ".join(note for note in notes if note)
    return ConditionScore(score | ({"note": text} if text else {}), sets, resampled)


def weights_of(subject: Subject, count: int, seed: Sequence[int]) -> dict[str, list[IntArray]]:
    """How often each image of each set is drawn, `count` times; the same for all descriptors."""
    random = np.random.default_rng(seed)
    # Generated images are independent of each other; real ones may share a micrograph.
    resamplers = {
        "real": Resampler(subject.real_source, len(subject.real)),
        "generated": Resampler(None, subject.count),
        "other": Resampler(subject.other_source, len(subject.other)),
    }
    return {key: [resampler.weights(random) for _ in range(count)] for key, resampler in resamplers.items()}


def sample(found: Found, specimens: Specimens, subject: Subject) -> dict[str, Any]:
    """What figures are drawn from: sorted values, at most 1,000 of each set, or the mean curve over `axis`; and in
    `counts` how many values or curves there were.
    """
    one = found["generated"]
    kept: dict[str, Any] = {"unit": one.unit, "counts": {}}
    if one.axis is not None:
        kept |= {"axis": _rounded(one.axis), "axis_unit": specimens.unit}
    for key in SETS:
        title = key if key != "other" else "training"
        measurement = found.get(key)
        there = measurement is not None and not (key == "other" and not subject.other_is_training)
        kept["counts"][title] = len(measurement.values) if there and measurement is not None else 0
        if measurement is None or not there:
            kept[title] = []
        elif measurement.axis is not None:
            kept[title] = _rounded(measurement.values.mean(axis=0)) if len(measurement.values) else []
        else:
            kept[title] = _rounded(_ranks(measurement.values))
    return kept


def _compared(descriptor: Descriptor, found: Found, values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {
        "deviation": _deviation(descriptor, values.get("generated"), values.get("real")),
        "floor_deviation": _deviation(descriptor, values.get("other"), values.get("real")),
        "distance": _distance(descriptor, found, "generated"),
        "floor": _distance(descriptor, found, "other"),
        "ks": _ks(found, "generated"),
        "floor_ks": _ks(found, "other"),
    }


def _resampled(
    descriptor: Descriptor,
    found: Found,
    specimens: Mapping[str, Specimens],
    resamples: Mapping[str, list[IntArray]],
) -> dict[str, list[float | None]]:
    scores: dict[str, list[float | None]] = {name: [] for name in (*RESAMPLED, *SETS)}
    if "real" not in found or not resamples or not resamples["real"]:
        return scores
    drawn = {key: _redrawn(descriptor, found[key], specimens[key], resamples[key]) for key in found}
    kept = {key: sets for key, sets in drawn.items() if sets is not None}
    if "real" not in kept:
        return scores
    for measurements in zip(*kept.values(), strict=True):
        some = {key: one for key, one in zip(kept, measurements, strict=True) if one is not None}
        summaries = {key: _finite(descriptor.summary(measurement)) for key, measurement in some.items()}
        for name, score in _compared(descriptor, some, summaries).items():
            scores[name].append(score)
        for key in SETS:
            scores[key].append(summaries.get(key))
    return scores


def _redrawn(
    descriptor: Descriptor, measurement: Measurement, specimens: Specimens, weights: Sequence[IntArray]
) -> Iterable[Measurement | None] | None:
    """The measurement drawn again; None where its values belong to no image, and cannot be measured anew either."""
    few = thinned(measurement)
    if redrawn(few, weights[0]) is None:
        return descriptor.redrawn(specimens, np.stack(weights))
    return (redrawn(few, one) for one in weights)


def _peaks(descriptor: Descriptor, found: Found, subject: Subject) -> dict[str, Any] | None:
    if not descriptor.one_value_a_particle:
        return None
    counted: dict[str, Any] = {}
    for key, measurement in found.items():
        there = peaks(measurement.values)
        title = key if key != "other" else ("training" if subject.other_is_training else "other")
        counted[title] = None if there is None else {"count": there.count, "p": there.p}
    return counted if any(counted.values()) else None


def _ks(found: Found, key: str) -> float | None:
    if "real" not in found or key not in found or not np.isfinite(found[key].values).all():
        return None
    return _finite(kolmogorov_smirnov(found[key], found["real"]))


def _notes(found: Found, summaries: Mapping[str, float | None], subject: Subject) -> Iterable[str]:
    for key, measurement in found.items():
        title = key if key != "other" else ("training" if subject.other_is_training else "other half")
        for note in measurement.notes:
            yield f"{title}: {note}"
        summary = summaries[key]
        if summary is None and not measurement.notes:
            yield f"{title}: nothing to measure"
        if summary is not None and not math.isfinite(summary):
            yield f"{title}: the descriptor's value is not finite"


def _distance(descriptor: Descriptor, found: Found, key: str) -> float | None:
    if "real" not in found or key not in found:
        return None
    return _finite(descriptor.distance(found[key], found["real"]))


def _deviation(descriptor: Descriptor, value: float | None, real: float | None) -> float | None:
    if not descriptor.ratio_scale or value is None or real is None or real == 0:
        return None
    return _finite(abs(value - real) / abs(real))


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evenly spaced ranks of the sorted values: the same distribution in fewer numbers."""
    ordered = np.sort(values.ravel())
    if len(ordered) <= MOST_VALUES:
        return ordered
    return ordered[np.linspace(0, len(ordered) - 1, MOST_VALUES).round().astype(np.int64)]


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.6g}") for value in values if math.isfinite(value)]
