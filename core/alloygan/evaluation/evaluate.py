"""Measures generated images against real ones, a condition at a time, with the real-against-real floor.

Three sets of equally many images of a condition are measured alike: evaluation images (`real`), images
asked of the generator (`generated`), and training images (`training`), which come from other regions or
simulations than the evaluation images. The distance of the first two is the score. The distance of the
first and the last is its floor: what two sets of real images differ by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alloygan.data.patches import Data, joined
from alloygan.evaluation.descriptor_scores import ConditionScore
from alloygan.evaluation.fidelity import fidelity
from alloygan.evaluation.interpolation import interpolation, nearest_images, sources_note
from alloygan.evaluation.judge import Judge, train_judge
from alloygan.evaluation.measuring import Generate, Measuring, Progress
from alloygan.evaluation.memorising import memorising
from alloygan.evaluation.overall_scores import overall
from alloygan.evaluation.segmentation import fit_threshold
from alloygan.evaluation.subjects import (
    NOT_KEPT_APART,
    Images,
    Subject,
    conditions_asked,
    evaluation_is_training,
    host,
    subjects_of,
)
from alloygan.specs.evaluation import EvaluationSpec

SCHEMA = 1


@dataclass(frozen=True)
class Evaluation:
    """What was measured: plain values, ready for JSON, without NaN or infinity.

    `scores`: the content of evaluation.json. `samples`: descriptor name → label as text → `{unit, real,
    generated, training}`, each a sorted list of at most 1000 values (or fewer), or the mean curve over
    `axis` (in `axis_unit`).
    """

    scores: dict[str, Any]
    samples: dict[str, dict[str, dict[str, Any]]]


def measure(spec: EvaluationSpec, data: Data, generate: Generate, progress: Progress | None = None) -> Evaluation:
    """Measure every condition of the table (bins of conditions with labels −1, −2, … where the table is empty).

    `generate(label, count)` gives images (count, C, H, W) uint8 of that condition; for a negative label, of the
    conditions that `conditions_asked` names. `progress(step, done, total)` is called before each condition,
    and at the end. n images of a condition are compared with n: `spec.images`, or as many as there are
    evaluation images and training images. A held-out condition takes its floor from its images that were kept out of
    training (`Data.held_back`); a condition with neither those nor training images from two halves of its evaluation
    images that share no source; without evaluation images there is
    nothing to compare with, and the entry says so.

    Raises DataError where the grey level between the phases cannot be fitted, and ValueError where
    `generate` does not give what was asked.
    """
    train_images = host(data.train.images)
    threshold = spec.threshold if spec.threshold is not None else fit_threshold(train_images, spec.smooth)
    descriptors = {n: d.build() for n, d in zip(spec.descriptor_names, spec.descriptors, strict=True)}
    subjects = subjects_of(spec, data, threshold)
    measuring = Measuring(spec, data, threshold, descriptors)
    found = measuring.conditions(subjects, generate, progress)
    conditions, scored = found.conditions, found.scored
    held_out = [subject.held_out for subject in subjects]
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "segmentation": {
            "threshold": float(threshold),
            "smooth": spec.smooth,
            "specks": spec.specks,
            "phase": spec.phase,
        },
        "descriptors": [
            {
                "name": name,
                "unit": next((c["scores"][name]["unit"] for c in conditions), ""),
                "summary": _first_line(type(component)),
                "summary_name": descriptor.summary_name,
                "ratio_scale": descriptor.ratio_scale,
                "spec": component.model_dump(mode="json"),
            }
            for (name, descriptor), component in zip(descriptors.items(), spec.descriptors, strict=True)
        ],
        "conditions": conditions,
        "overall": {name: overall(descriptors[name], _where(s, held_out, False)) for name, s in scored.items()},
    }
    if any(held_out):
        # Apart: a mean over seen and unseen conditions says nothing of either.
        result["overall_held_out"] = {
            name: overall(descriptors[name], _where(s, held_out, True)) for name, s in scored.items()
        }
    result["comparisons"] = [comparison.result() for comparison in found.comparisons]
    judge = _judge(spec, data, progress)
    result["fidelity"] = _fidelity(spec, data, judge, subjects, found.generated)
    apart = not evaluation_is_training(data)
    result["memorising"] = (
        _memorising(spec, train_images, subjects, found.generated, progress) if apart else _cannot_tell_memorising()
    )
    if not apart:
        result["note"] = NOT_KEPT_APART
        if result["fidelity"] is not None:
            notes = [NOT_KEPT_APART, result["fidelity"].get("note")]
            result["fidelity"]["note"] = "; ".join(note for note in notes if note)
    unseen = [subject for subject in subjects if subject.held_out and len(subject.real)]
    if unseen:
        near = measuring.conditions(unseen, lambda label, count: nearest_images(data, label, count, spec.seed), None)
        result["interpolation"] = interpolation(
            data.space,
            result,
            {
                "conditions": near.conditions,
                "comparisons": [comparison.result() for comparison in near.comparisons],
                "fidelity": _fidelity(spec, data, judge, unseen, near.generated),
            },
            list(descriptors),
        )
        result["interpolation"]["note"] = sources_note(data, [subject.label for subject in unseen])
    return Evaluation(result, found.samples)


def _judge(spec: EvaluationSpec, data: Data, progress: Progress | None) -> Judge | None:
    if not spec.judge_images:
        return None
    # The generator never meets held-out conditions, the judge of them may.
    known = data.train if data.held_back is None else joined(data.train, data.held_back)
    return train_judge(known, data.space, images=spec.judge_images, seed=spec.seed, device=_device(), progress=progress)


def _fidelity(
    spec: EvaluationSpec, data: Data, judge: Judge | None, subjects: Sequence[Subject], generated: Mapping[int, Images]
) -> dict[str, Any] | None:
    if judge is None:
        return None
    bins = [subject for subject in subjects if subject.label < 0]
    return fidelity(
        judge,
        {subject.label: subject.real for subject in subjects},
        generated,
        sources={subject.label: subject.real_source for subject in subjects},
        real_values={one.label: one.real_values for one in bins},
        generated_values={
            one.label: conditions_asked(data, one.label, one.count, spec.seed).values.cpu().numpy() for one in bins
        },
        held_out=data.space.held_out,
        seed=spec.seed,
    )


def _memorising(
    spec: EvaluationSpec,
    training: Images,
    subjects: Sequence[Subject],
    generated: Mapping[int, Images],
    progress: Progress | None,
) -> dict[str, Any] | None:
    if not spec.memorising_images:
        return None
    some = {subject.label: _spread(len(subject.real), spec.memorising_images) for subject in subjects}
    return memorising(
        {label: images[: spec.memorising_images] for label, images in generated.items()},
        {subject.label: subject.real[some[subject.label]] for subject in subjects},
        training,
        sources={subject.label: subject.real_source[some[subject.label]] for subject in subjects},
        shift=spec.memorising_shift,
        seed=spec.seed,
        device=_device(),
        progress=progress,
    )


def _cannot_tell_memorising() -> dict[str, Any]:
    return {"conditions": [], "closer": None, "alike": None, "nearest": [], "note": NOT_KEPT_APART}


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """At most so many positions, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)) if count else np.arange(0)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _where(scores: Sequence[ConditionScore], held_out: Sequence[bool], wanted: bool) -> list[ConditionScore]:
    return [score for score, one in zip(scores, held_out, strict=True) if one == wanted]


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").strip().split("\n", 1)[0]
