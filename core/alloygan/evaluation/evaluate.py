"""Measures generated images against real ones, a condition at a time, with the real-against-real floor.

Three sets of equally many images of a condition are measured alike: evaluation images (`real`), images
asked of the generator (`generated`), and training images (`training`), which come from other regions or
simulations than the evaluation images. The distance of the first two is the score. The distance of the
first and the last is its floor: what two sets of real images differ by.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from alloygan.data.patches import Data, Patches
from alloygan.evaluation.segmentation import fit_threshold, primary_is_bright, segment
from alloygan.evaluation.selection import halves_by_source, spread_over_sources
from alloygan.interfaces.condition import OFF_TABLE
from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan.specs.components import DescriptorSpec
from alloygan.specs.evaluation import EvaluationSpec

SCHEMA = 1
MOST_VALUES = 1000
"""At most this many values of a set are kept in `Evaluation.samples`."""

Images = NDArray[np.uint8]
Generate = Callable[[int, int], Tensor]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Evaluation:
    """What was measured: plain values, ready for JSON, without NaN or infinity.

    `scores`: the content of evaluation.json. `samples`: descriptor name → label as text → `{unit, real,
    generated, training}`, each a sorted list of at most 1000 values (or fewer), or the mean curve over
    `axis` (in `axis_unit`).
    """

    scores: dict[str, Any]
    samples: dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class _Subject:
    """One condition and its images. `other`: the second set of real ones, for the floor."""

    label: int
    condition: dict[str, Any]
    text: str
    held_out: bool
    real: Images
    other: Images
    other_is_training: bool
    note: str | None
    count: int
    bright: bool


def measure(spec: EvaluationSpec, data: Data, generate: Generate, progress: Progress | None = None) -> Evaluation:
    """Measure every condition of the table (all images as one entry with label −1 where the table is empty).

    `generate(label, count)` gives images (count, C, H, W) uint8 of that condition; for label −1, of
    conditions drawn as the data has them. `progress(step, done, total)` is called before each condition,
    and at the end. n images of a condition are compared with n: `spec.images`, or as many as there are
    evaluation images and training images. A condition without training images (held out) takes its floor
    from two halves of its evaluation images that share no source; without evaluation images there is
    nothing to compare with, and the entry says so.

    Raises DataError where the grey level between the phases cannot be fitted, and ValueError where
    `generate` does not give what was asked.
    """
    train_images = _host(data.train.images)
    threshold = spec.threshold if spec.threshold is not None else fit_threshold(train_images, spec.smooth)
    descriptors = _named(spec.descriptors)
    subjects = _subjects(spec, data, threshold)
    conditions: list[dict[str, Any]] = []
    samples: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in descriptors}
    for done, subject in enumerate(subjects):
        if progress is not None:
            progress("measure", done, len(subjects))
        generated = _generated(generate, subject.label, subject.count, train_images.shape[1:])
        sets = {
            name: Specimens(images, segment(images, threshold, spec.smooth, subject.bright), data.um_per_px)
            for name, images in (("real", subject.real), ("generated", generated), ("other", subject.other))
        }
        scores: dict[str, dict[str, Any]] = {}
        for name, descriptor in descriptors.items():
            found = {key: descriptor.measure(specimens) for key, specimens in sets.items() if len(specimens.images)}
            scores[name] = _score(descriptor, found, sets["real"], subject)
            samples[name][str(subject.label)] = _sample(found, sets["real"], subject)
        conditions.append(
            {
                "condition": subject.condition,
                "text": subject.text,
                "label": subject.label,
                "held_out": subject.held_out,
                "images": subject.count,
                "primary": "bright" if subject.bright else "dark",
                "floor_from": _floor_from(subject),
                "scores": scores,
            }
        )
    if progress is not None:
        progress("measure", len(subjects), len(subjects))
    seen = [condition for condition in conditions if not condition["held_out"]]
    held_out = [condition for condition in conditions if condition["held_out"]]
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "segmentation": {"threshold": float(threshold), "smooth": spec.smooth, "phase": spec.phase},
        "descriptors": [
            {
                "name": name,
                "unit": next((c["scores"][name]["unit"] for c in conditions), ""),
                "summary": _first_line(type(component)),
                "spec": component.model_dump(mode="json"),
            }
            for name, component in zip(descriptors, spec.descriptors, strict=True)
        ],
        "conditions": conditions,
        "overall": {name: _overall(name, seen) for name in descriptors},
    }
    if held_out:
        # Apart: a mean over seen and unseen conditions says nothing of either.
        result["overall_held_out"] = {name: _overall(name, held_out) for name in descriptors}
    return Evaluation(result, samples)


def _named(specs: Sequence[DescriptorSpec]) -> dict[str, Descriptor]:
    """The descriptors by kind; a second one of a kind (other settings) is called `kind_2`."""
    named: dict[str, Descriptor] = {}
    for spec in specs:
        name, again = spec.kind, 1
        while name in named:
            again += 1
            name = f"{spec.kind}_{again}"
        named[name] = spec.build()
    return named


def _subjects(spec: EvaluationSpec, data: Data, threshold: float) -> list[_Subject]:
    space = data.space
    labels = range(len(space.table)) if space.table else (OFF_TABLE,)
    subjects = []
    for label in labels:
        evaluation, evaluation_source = _of_label(data.evaluation, label)
        training, training_source = _of_label(data.train, label)
        seed = [spec.seed, label + 1]
        note = None
        other_is_training = len(training) > 0
        if not len(evaluation):
            note = "no evaluation images of this condition"
        elif not len(training):
            first, second = halves_by_source(evaluation_source, seed)
            note = "no training images of this condition"
            if len(first):
                note += "; the floor is between two halves of the evaluation images"
                training, training_source = evaluation[second], evaluation_source[second]
                evaluation, evaluation_source = evaluation[first], evaluation_source[first]
            else:
                note += " and evaluation images from one source only, hence no floor"
        count = min([spec.images, *(len(images) for images in (evaluation, training) if len(images))])
        # Without a real image of its own (a level that was never seen), the whole data set tells the
        # minority.
        known = training if len(training) else evaluation if len(evaluation) else _host(data.train.images)
        subjects.append(
            _Subject(
                label=label,
                condition=space.named(space.table[label]) if label >= 0 else {},
                text=space.text(space.table[label]) if label >= 0 else "all conditions",
                held_out=label in space.held_out,
                real=_choose(evaluation, evaluation_source, count, [*seed, 1]),
                other=_choose(training, training_source, count, [*seed, 2]),
                other_is_training=other_is_training,
                note=note,
                count=count,
                bright=primary_is_bright(spec.phase, known, threshold, spec.smooth),
            )
        )
    return subjects


def _of_label(patches: Patches, label: int) -> tuple[Images, NDArray[np.int64]]:
    chosen = patches.condition.label == label
    return _host(patches.images[chosen]), patches.source[chosen].cpu().numpy()


def _choose(images: Images, source: NDArray[np.int64], count: int, seed: Sequence[int]) -> Images:
    return images[spread_over_sources(source, count, seed)] if len(images) else images


def _generated(generate: Generate, label: int, count: int, shape: Sequence[int]) -> Images:
    images = _host(generate(label, count))
    if images.shape != (count, *shape) or images.dtype != np.uint8:
        raise ValueError(f"generate({label}, {count}) gave {images.dtype} {images.shape}, not uint8 {(count, *shape)}")
    return images


def _host(images: Tensor) -> Images:
    array: Images = images.detach().cpu().numpy()
    return array


def _score(
    descriptor: Descriptor, found: dict[str, Measurement], specimens: Specimens, subject: _Subject
) -> dict[str, Any]:
    summaries = {key: descriptor.summary(measurement) for key, measurement in found.items()}
    values = {key: _finite(summary) for key, summary in summaries.items()}
    real, generated, other = (values.get(key) for key in ("real", "generated", "other"))
    measured = found["generated"]
    score: dict[str, Any] = {
        "unit": descriptor.summary_unit(measured, specimens),
        "real": real,
        "generated": generated,
        "training": other if subject.other_is_training else None,
        "distance": _distance(descriptor, found, "generated"),
        "floor": _distance(descriptor, found, "other"),
        "distance_unit": measured.unit,
        "deviation": _deviation(generated, real),
        "floor_deviation": _deviation(other, real),
    }
    notes = [subject.note, *_notes(found, summaries, subject)]
    if real == 0:
        notes.append("real is 0, so there is no relative deviation")
    text = "; ".join(note for note in notes if note)
    return score | ({"note": text} if text else {})


def _notes(found: dict[str, Measurement], summaries: dict[str, float | None], subject: _Subject) -> Iterable[str]:
    for key, measurement in found.items():
        title = key if key != "other" else ("training" if subject.other_is_training else "other half")
        for note in measurement.notes:
            yield f"{title}: {note}"
        summary = summaries[key]
        if summary is None and not measurement.notes:
            yield f"{title}: nothing to measure"
        if summary is not None and not math.isfinite(summary):
            yield f"{title}: the descriptor's value is not finite"


def _distance(descriptor: Descriptor, found: dict[str, Measurement], key: str) -> float | None:
    if "real" not in found or key not in found:
        return None
    return _finite(descriptor.distance(found[key], found["real"]))


def _deviation(value: float | None, real: float | None) -> float | None:
    if value is None or real is None or real == 0:
        return None
    return _finite(abs(value - real) / abs(real))


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _floor_from(subject: _Subject) -> str | None:
    if not len(subject.other) or not len(subject.real):
        return None
    return "training images" if subject.other_is_training else "other evaluation images"


def _overall(name: str, conditions: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    scores = [condition["scores"][name] for condition in conditions]

    def known(key: str) -> list[dict[str, Any]]:
        return [score for score in scores if score[key] is not None]

    # A score and its floor are averaged over the same conditions, those that have both.
    means: dict[str, float | None] = {}
    for score, floor in (("deviation", "floor_deviation"), ("distance", "floor")):
        both = [c for c in known(score) if c[floor] is not None]
        compared = both or known(score)
        means[f"mean_{score}"] = _mean([c[score] for c in compared])
        means[f"mean_{floor}"] = _mean([c[floor] for c in both])
    worst = max((c["deviation"] for c in known("deviation")), default=None)
    return means | {"worst_deviation": worst}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _sample(found: dict[str, Measurement], specimens: Specimens, subject: _Subject) -> dict[str, Any]:
    one = found["generated"]
    sample: dict[str, Any] = {"unit": one.unit}
    if one.axis is not None:
        sample |= {"axis": _rounded(one.axis), "axis_unit": specimens.unit}
    for key in ("real", "generated", "other"):
        title = key if key != "other" else "training"
        measurement = found.get(key)
        if measurement is None or (key == "other" and not subject.other_is_training):
            sample[title] = []
        elif measurement.axis is not None:
            sample[title] = _rounded(measurement.values.mean(axis=0)) if len(measurement.values) else []
        else:
            sample[title] = _rounded(_thinned(measurement.values))
    return sample


def _thinned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evenly spaced ranks of the sorted values: the same distribution in fewer numbers."""
    ordered = np.sort(values.ravel())
    if len(ordered) <= MOST_VALUES:
        return ordered
    return ordered[np.linspace(0, len(ordered) - 1, MOST_VALUES).round().astype(np.int64)]


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.6g}") for value in values if math.isfinite(value)]


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").strip().split("\n", 1)[0]
