"""Held-out conditions: how far a generator gets from the nearest known condition to the one that was asked.

A score of a held-out condition says little alone. Two real references tell what it is worth: the *floor*, what other
real images of that condition score, and the *nearest*, what real images of the nearest condition that was trained on
score in the place of generated ones. The remainder is (score − floor) / (nearest − floor): 0 is as good as real, 1 as
good as showing the nearest known micrographs, and above 1 worse than that. Over conditions it is the ratio of the sums.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alloygan.data.condition_space import ConditionSpace
from alloygan.data.patches import Data
from alloygan.data.training_hull import blend_weights, nearest_trained, place
from alloygan.evaluation.selection import spread_over_sources

PLACES = {"between": "interpolation", "beyond": "extrapolation"}
"""What it is to reach a condition that lies so."""

LOST = 2.0
"""What a remainder is where generated images have nothing to measure: worse than the nearest real ones."""

_TIMES_FLOOR = 2.0
"""Without intervals, nearest and floor are told apart where the first is so many times the second."""


def nearest_images(data: Data, label: int, count: int, seed: int) -> Tensor:
    """Training images (count, C, H, W) uint8 of the condition nearest to a held-out one, spread over their sources.

    Where there are fewer than asked for, they come again.
    """
    near = nearest_trained(data.space, data.space.table[label])
    if near is None:
        raise ValueError("there is no condition with training images")
    mine = np.flatnonzero(data.train.condition.label.cpu().numpy() == data.space.label(near))
    source = data.train.source.cpu().numpy()[mine]
    chosen = mine[spread_over_sources(source, min(count, len(mine)), [seed, label, 4])]
    return data.train.images[torch.from_numpy(np.resize(chosen, count))]


def sources_note(data: Data, labels: Sequence[int]) -> str | None:
    """What to keep in mind where held-out conditions, or those that they are compared with, have one source each.

    None where all of them have several micrographs or simulations.
    """
    found: dict[int, set[int]] = {}
    for patches in (data.train, data.evaluation, *(() if data.held_back is None else (data.held_back,))):
        for label, source in zip(patches.condition.label.tolist(), patches.source.tolist(), strict=True):
            found.setdefault(label, set()).add(source)
    space = data.space

    def single(some: Iterable[int]) -> str:
        return "; ".join(
            space.text(space.table[label]) for label in sorted(set(some)) if len(found.get(label, ())) == 1
        )

    rows = [space.table[label] for label in labels]
    nearest = (nearest_trained(space, row) for row in rows)
    near = single(space.label(row) for row in nearest if row is not None)
    mixed = single(space.label(row) for one in rows for row in blend_weights(space, one))
    said = []
    if held_out := single(labels):
        said.append(
            f"There is one micrograph or simulation only of {held_out}: the floor, where there is one, compares two "
            "regions of it, what another one of the condition would score is not known, and a remainder says how near "
            "the generator comes to this one."
        )
    if near:
        said.append(f"Nearest is a single micrograph or simulation of {near}.")
    if mixed and mixed != near:
        said.append(f"The blend mixes single micrographs or simulations of {mixed}.")
    return " ".join(said) or None


def interpolation(
    space: ConditionSpace, evaluation: Mapping[str, Any], nearest: Mapping[str, Any], descriptors: Sequence[str]
) -> dict[str, Any]:
    """What `evaluation` (the content of evaluation.json) says of held-out conditions beside both references.

    `nearest`: `conditions`, `comparisons` and `fidelity` of the same conditions with images of the nearest in the place
    of generated ones. The result, ready for JSON: `conditions`, each with its `place`, the `nearest` condition, the
    `gap` to it in scaled units, and for each score `{score, floor, nearest, told_apart}` (of descriptors also the
    deviations of all three and of `blend`, the mean of the neighbours' values in proportion; `fidelity.COLUMN` is the
    judge's error of a column); for `interpolation` and
    `extrapolation`, by score, the `remainder`, the number of `conditions`, and the labels `not_told_apart`, where
    nearest and floor are too close for that, and `lost`, where generated images had nothing to measure, which counts as
    a remainder of 2; and `judge`, for each column the mean `error` of generated, other real and nearest images.
    """
    entries = []
    for near in nearest["conditions"]:
        label = near["label"]
        row = space.table[label]
        beside = nearest_trained(space, row)
        assert beside is not None  # nearest_images has found it
        gap = float((space.condition([row]).values - space.condition([beside]).values).norm())
        one = next(entry for entry in evaluation["conditions"] if entry["label"] == label)
        scores = {name: _of_descriptor(one["scores"][name], near["scores"][name]) for name in descriptors}
        for name in descriptors:
            scores[name]["blend_deviation"] = _blend(space, label, evaluation, name)
        scores |= dict(_of_comparisons(evaluation["comparisons"], nearest["comparisons"], label))
        scores |= dict(_of_judge(evaluation.get("fidelity"), nearest.get("fidelity"), label))
        entries.append(
            {
                "label": label,
                "text": one["text"],
                "place": place(space, row),
                "nearest": space.text(beside),
                "gap": gap,
                "scores": scores,
            }
        )
    return {
        "conditions": entries,
        **{word: _remainders([one for one in entries if one["place"] == where]) for where, word in PLACES.items()},
        "judge": _judged(evaluation.get("fidelity"), nearest.get("fidelity")),
    }


def _judged(fidelity: Mapping[str, Any] | None, near: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """How far off the judge reads each column of held-out conditions; `nearest` is what a generator must beat."""
    if not fidelity or not near:
        return []
    return [
        {
            "name": column["name"],
            "score": column["held_out"]["generated"]["error"],
            "floor": column["held_out"]["real"]["error"],
            "nearest": other["held_out"]["generated"]["error"],
        }
        for column, other in zip(fidelity["columns"], near["columns"], strict=True)
        if column["held_out"] and other["held_out"]
    ]


def _of_descriptor(score: Mapping[str, Any], near: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "score": score["distance"],
        "floor": score["floor"],
        "nearest": near["distance"],
        "told_apart": _told_apart(near["distance"], near["interval"], score["floor"], score["floor_interval"]),
        "deviation": score["deviation"],
        "floor_deviation": score["floor_deviation"],
        "nearest_deviation": near["deviation"],
        "means_told_apart": _told_apart(
            near["deviation"], near["deviation_interval"], score["floor_deviation"], score["floor_deviation_interval"]
        ),
    }


def _of_comparisons(
    found: Sequence[Mapping[str, Any]], near: Sequence[Mapping[str, Any]], label: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Scores that are better the lower they are; of the others the remainder would mean nothing."""
    for one, other in zip(found, near, strict=True):
        for name, about in one.get("names", {}).items():
            if about["higher_is_better"]:
                continue
            mine, its = (
                next(entry["scores"][name] for entry in both["conditions"] if entry["label"] == label)
                for both in (one, other)
            )
            yield (
                f"{one['kind']}.{name}",
                {
                    "score": mine["generated"],
                    "floor": mine["floor"],
                    "nearest": its["generated"],
                    "told_apart": _told_apart(its["generated"], its["interval"], mine["floor"], mine["floor_interval"]),
                },
            )


def _of_judge(
    fidelity: Mapping[str, Any] | None, near: Mapping[str, Any] | None, label: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """How far off the judge reads each column of this condition, in parts of the column's range."""
    if not fidelity or not near:
        return
    mine, its = (next((one for one in both["conditions"] if one["label"] == label), None) for both in (fidelity, near))
    if not mine or not its:
        return
    for number, column in enumerate(fidelity["columns"]):
        score, floor, nearest = (
            None if errors is None else errors[number]
            for errors in (mine["generated_error"], mine["real_error"], its["generated_error"])
        )
        yield (
            f"fidelity.{column['name']}",
            {
                "score": score,
                "floor": floor,
                "nearest": nearest,
                "told_apart": _told_apart(nearest, None, floor, None),
            },
        )


def _told_apart(
    nearest: float | None,
    nearest_interval: Sequence[float] | None,
    floor: float | None,
    floor_interval: Sequence[float] | None,
) -> bool:
    if nearest is None or floor is None:
        return False
    if nearest_interval is not None and floor_interval is not None:
        return nearest_interval[0] > floor_interval[1]
    return nearest > _TIMES_FLOOR * max(floor, 0.0)


def _blend(space: ConditionSpace, label: int, evaluation: Mapping[str, Any], name: str) -> float | None:
    """Deviation of the neighbours' real values, mixed in proportion, from the real value; None where there is none."""
    scores = {one["label"]: one["scores"][name] for one in evaluation["conditions"]}
    mixed = 0.0
    for row, weight in blend_weights(space, space.table[label]).items():
        value = scores[space.label(row)]["real"]
        if value is None:
            return None
        mixed += weight * value
    # Without a floor's deviation the descriptor has no ratio scale, or there is nothing to compare with.
    real = scores[label]["real"]
    return float(abs(mixed - real) / abs(real)) if real and scores[label]["floor_deviation"] is not None else None


def _remainders(entries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    names = dict.fromkeys(name for entry in entries for name in entry["scores"])
    return {name: _remainder(name, entries) for name in names}


def _remainder(name: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    here = [(entry, entry["scores"][name]) for entry in entries if name in entry["scores"]]
    used = [score for _, score in here if score["told_apart"]]
    above = sum(way_left(score["score"], score["floor"], score["nearest"]) for score in used)
    whole = sum(score["nearest"] - score["floor"] for score in used)
    return {
        "remainder": above / whole if used else None,
        "conditions": len(used),
        "not_told_apart": [entry["label"] for entry, score in here if not score["told_apart"]],
        "lost": [entry["label"] for entry, score in here if score["told_apart"] and score["score"] is None],
    }


def way_left(score: float | None, floor: float, nearest: float) -> float:
    """How far a score is above its floor; where generated images had nothing to measure, twice as far as the nearest
    real ones: nothing must get better by being lost.
    """
    return LOST * (nearest - floor) if score is None else score - floor
