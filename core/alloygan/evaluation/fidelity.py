"""Condition fidelity: whether generated images have the condition that was asked of the generator.

A judge that was trained on real training patches (see `judge`) reads the condition from held-out real images first,
which says how far conditions can be told apart at all, and then from generated ones. A generator that is right is
judged as the real images are, with the same confusions; scores above those of the real images mean that it makes the
typical image of a condition too often.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.bootstrap import Resampler, interval
from alloygan.evaluation.judge import Images, Judge, continuous_positions

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

Score = Callable[[Sequence["_Answers"], Sequence[IntArray]], float | None]

_FEWEST_RIGHT = 0.2
"""Of the way from chance to always right (or from the mean to always right): below, a judge is no judge."""


@dataclass(frozen=True)
class _Answers:
    """What the judge said of the images of one label: ids (n,), and the columns as asked and as judged (n, K)."""

    label: int
    ids: IntArray
    asked: FloatArray
    judged: FloatArray
    units: Resampler


def fidelity(
    judge: Judge,
    real: Mapping[int, Images],
    generated: Mapping[int, Images],
    *,
    sources: Mapping[int, IntArray] | None = None,
    real_values: Mapping[int, NDArray[np.float32]] | None = None,
    generated_values: Mapping[int, NDArray[np.float32]] | None = None,
    held_out: Collection[int] = (),
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Judge held-out real and generated images uint8 (n, C, H, W) of each label.

    Ready for JSON, without NaN: `classes`, the labels of the conditions that the judge knows; `confusion`, for `real`
    and `generated`, the counts by condition asked (row) and judged (column); `accuracy`, the share judged right,
    averaged over conditions, with a 95 % interval (bootstrap over images; it has no width where all are right) and
    `chance`; `columns`, for each continuous column the mean absolute `error` in scaled units (bounds are 0 and 1) with
    its interval, and `r2`, both with equal weight for each condition; `held_out` beside them, and `accuracy_held_out`,
    are the same for the labels in `held_out` and those that the judge does not know;
    `conditions`, what is asked of each column, the mean of what is judged and its error; `training_images`; `held_out`,
    the labels that are not classes or that are `held_out`; `note`.

    `sources`: for each label the micrograph or simulation of each real image, (n,), for the interval. The columns of
    images with a negative label (no table) are `real_values` and `generated_values`, as `Condition.values` (n, F).
    """
    notes = [judge.note]
    labels = sorted(set(real) | set(generated))
    known = [label for label in labels if label in judge.classes or label < 0 or not judge.classes]
    seen = [label for label in known if label not in held_out]
    sets = {
        "real": _answers(judge, real, sources or {}, real_values or {}),
        "generated": _answers(judge, generated, {}, generated_values or {}),
    }
    accuracy: dict[str, Any] | None = None
    accuracy_held_out: dict[str, Any] | None = None
    confusion: dict[str, list[list[int]]] | None = None
    if judge.classes:
        answered = {name: [a for a in answers if a.label in judge.classes] for name, answers in sets.items()}
        confusion = {name: _confusion(judge.classes, answers).tolist() for name, answers in answered.items()}
        accuracy = _accuracies(judge, answered, seen, resamples, seed)
        unseen_classes = [label for label in known if label in held_out]
        accuracy_held_out = _accuracies(judge, answered, unseen_classes, resamples, seed) if unseen_classes else None
        notes.append(_doubt_of_classes(accuracy))
    columns = []
    for number, position in enumerate(judge.columns):
        column = continuous_positions(judge.space)[position]
        entry: dict[str, Any] = {"name": column.name, "unit": column.unit, "scale": column.scale}
        entry |= _column_scores(sets, number, set(seen), resamples, seed)
        unseen = set(labels) - set(seen)
        entry["held_out"] = _column_scores(sets, number, unseen, resamples, seed) if unseen else None
        columns.append(entry)
        notes.append(_doubt_of_column(entry))
    result = {
        "classes": list(judge.classes),
        "confusion": confusion,
        "accuracy": accuracy,
        "accuracy_held_out": accuracy_held_out,
        "columns": columns,
        "conditions": [_condition(label, sets) for label in labels] if columns else [],
        "training_images": judge.training_images,
        "held_out": [label for label in labels if label not in seen],
    }
    note = "; ".join(words for words in notes if words)
    return result | ({"note": note} if note else {})


def _answers(
    judge: Judge,
    images: Mapping[int, Images],
    sources: Mapping[int, IntArray],
    values: Mapping[int, NDArray[np.float32]],
) -> list[_Answers]:
    answers = []
    for label, some in images.items():
        if not len(some):
            continue
        if label >= 0:
            row = judge.space.condition([judge.space.table[label]]).values.numpy()
            asked = np.repeat(row, len(some), axis=0)
        elif len(values.get(label, ())) == len(some):
            asked = values[label]
        elif judge.columns:
            raise ValueError(f"{len(some)} images without a label need as many values of their conditions")
        else:
            asked = np.zeros((len(some), judge.space.width), dtype=np.float32)
        ids, judged = judge.classify(some)
        answers.append(
            _Answers(
                label=label,
                ids=ids,
                asked=asked[:, list(judge.columns)].astype(np.float64),
                judged=judged.astype(np.float64),
                units=Resampler(sources.get(label), len(some)),
            )
        )
    return answers


def _confusion(classes: Sequence[int], answers: Sequence[_Answers]) -> IntArray:
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for answer in answers:
        counts[classes.index(answer.label)] = [int((answer.ids == label).sum()) for label in classes]
    return counts


def _accuracies(
    judge: Judge, answered: Mapping[str, Sequence[_Answers]], labels: Collection[int], resamples: int, seed: int
) -> dict[str, Any]:
    """The share told right of the images of some labels, with its interval, and what chance would give."""
    scores: dict[str, Any] = {}
    for name, answers in answered.items():
        chosen = [answer for answer in answers if answer.label in labels]
        scores[name], scores[f"{name}_interval"] = _with_interval(_accuracy, chosen, resamples, seed)
    return scores | {"chance": 1 / len(judge.classes)}


# Scores of the answers when each image is taken so often as its weight says.


def _accuracy(answers: Sequence[_Answers], weights: Sequence[IntArray]) -> float | None:
    rights = [
        float(np.average(answer.ids == answer.label, weights=weight))
        for answer, weight in zip(answers, weights, strict=True)
    ]
    return float(np.mean(rights)) if rights else None


def _error(answers: Sequence[_Answers], weights: Sequence[IntArray], number: int) -> float | None:
    errors = [
        float(np.average(np.abs(answer.judged[:, number] - answer.asked[:, number]), weights=weight))
        for answer, weight in zip(answers, weights, strict=True)
    ]
    return float(np.mean(errors)) if errors else None


def _r2(answers: Sequence[_Answers], number: int) -> float | None:
    """The coefficient of determination, each condition with the same weight; None where the column does not vary."""
    if not answers:
        return None
    asked = np.concatenate([answer.asked[:, number] for answer in answers])
    judged = np.concatenate([answer.judged[:, number] for answer in answers])
    weight = np.concatenate([np.full(len(answer.asked), 1 / len(answer.asked)) for answer in answers])
    varies = float(np.average((asked - np.average(asked, weights=weight)) ** 2, weights=weight))
    if varies < 1e-12:
        return None
    return 1 - float(np.average((judged - asked) ** 2, weights=weight)) / varies


def _with_interval(
    score: Score, answers: Sequence[_Answers], resamples: int, seed: int
) -> tuple[float | None, list[float] | None]:
    plain = score(answers, [np.ones(len(answer.ids), dtype=np.int64) for answer in answers])
    if plain is None:
        return None, None
    random = np.random.default_rng([seed, len(answers)])
    drawn = [score(answers, [answer.units.weights(random) for answer in answers]) for _ in range(resamples)]
    return plain, interval(plain, drawn)


def _column_scores(
    sets: Mapping[str, Sequence[_Answers]], number: int, labels: set[int], resamples: int, seed: int
) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    for name, answers in sets.items():
        chosen = [answer for answer in answers if answer.label in labels]

        def score(some: Sequence[_Answers], weights: Sequence[IntArray]) -> float | None:
            return _error(some, weights, number)

        error, bounds = _with_interval(score, chosen, resamples, seed)
        scores[name] = {"error": error, "r2": _r2(chosen, number)}
        scores[f"{name}_interval"] = bounds
    return scores


def _condition(label: int, sets: Mapping[str, Sequence[_Answers]]) -> dict[str, Any]:
    """Means of the columns as asked and as judged, and the mean absolute errors, in the order of `columns`."""
    entry: dict[str, Any] = {"label": label, "asked": None}
    for name, answers in sets.items():
        chosen = next((answer for answer in answers if answer.label == label), None)
        entry[name] = chosen.judged.mean(axis=0).tolist() if chosen else None
        entry[f"{name}_error"] = np.abs(chosen.judged - chosen.asked).mean(axis=0).tolist() if chosen else None
        if chosen:
            entry["asked"] = chosen.asked.mean(axis=0).tolist()
    return entry


def _doubt_of_classes(accuracy: Mapping[str, Any]) -> str | None:
    right, chance, bounds = accuracy["real"], accuracy["chance"], accuracy["real_interval"]
    if right is None:
        return "there are no held-out real images to test the judge on, so what it says of generated ones is not known"
    if right < chance + _FEWEST_RIGHT * (1 - chance) or (bounds is not None and bounds[0] <= chance):
        return (
            f"the judge tells held-out real images of different conditions hardly apart ({right:.0%} right, "
            f"{chance:.0%} by chance), so its accuracy on generated images means nothing"
        )
    return None


def _doubt_of_column(entry: Mapping[str, Any]) -> str | None:
    r2 = entry["real"]["r2"]
    if entry["real"]["error"] is None:
        return f"there are no held-out real images to test the judge's reading of {entry['name']} on"
    if r2 is not None and r2 < _FEWEST_RIGHT:
        return (
            f"the judge cannot read {entry['name']} from held-out real images (R² {r2:.2f}), so its error on "
            "generated images means nothing"
        )
    return None
