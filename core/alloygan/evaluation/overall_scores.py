"""The scores of one descriptor over conditions, beside their floors and intervals, and why one is missing."""

from collections.abc import Iterable, Sequence
from typing import Any

from alloygan.evaluation.bootstrap import interval
from alloygan.evaluation.descriptor_scores import ConditionScore
from alloygan.evaluation.r_squared import FEWEST_FOR_R2, r_squared
from alloygan.interfaces.descriptor import Descriptor

_PAIRS = (("deviation", "floor_deviation"), ("distance", "floor"), ("ks", "floor_ks"))
_R2_BOUNDS = (float("-inf"), 1.0)


def overall(descriptor: Descriptor, scores: Sequence[ConditionScore]) -> dict[str, Any]:
    """Means over conditions, and R². A score and its floor are of the same conditions, those that have both.

    `absent`: for each score that there is not, why.
    """
    result: dict[str, Any] = {}
    for score, floor in _PAIRS:
        known = [one for one in scores if one.values[score] is not None]
        both = [one for one in known if one.values[floor] is not None]
        for name, some in ((score, both or known), (floor, both)):
            found = mean([one.values[name] for one in some])
            rows = zip(*(one.resampled[name] for one in some), strict=True)
            result[f"mean_{name}"] = found
            result[f"mean_{name}_interval"] = interval(found, [_mean_of_all(row) for row in rows])
    deviations = [one.values["deviation"] for one in scores if one.values["deviation"] is not None]
    result["worst_deviation"] = max(deviations, default=None)
    paired = _having(scores, "generated")
    both = _having(paired, "other")
    for name, key, some in (("r2", "generated", both or paired), ("floor_r2", "other", both)):
        result[name] = _r2(some, key)
        result[f"{name}_interval"] = interval(result[name], _r2_of_resamples(some, key), _R2_BOUNDS)
    return result | {"absent": _absent(descriptor, scores, result)}


def mean(values: Sequence[float]) -> float | None:
    """The mean, None of nothing."""
    return sum(values) / len(values) if values else None


def _having(scores: Iterable[ConditionScore], key: str) -> list[ConditionScore]:
    return [one for one in scores if one.summaries["real"] is not None and one.summaries[key] is not None]


def _r2(scores: Sequence[ConditionScore], key: str) -> float | None:
    return _r2_of([one.summaries["real"] for one in scores], [one.summaries[key] for one in scores])


def _r2_of_resamples(scores: Sequence[ConditionScore], key: str) -> list[float | None]:
    real = zip(*(one.resampled["real"] for one in scores), strict=True)
    other = zip(*(one.resampled[key] for one in scores), strict=True)
    return [_r2_of(r, o) for r, o in zip(real, other, strict=True)]


def _r2_of(real: Sequence[float | None], other: Sequence[float | None]) -> float | None:
    """R², None unless all conditions have a value: it would be that of another set of conditions."""
    pairs = [(r, o) for r, o in zip(real, other, strict=True) if r is not None and o is not None]
    return r_squared([r for r, _ in pairs], [o for _, o in pairs]) if len(pairs) == len(real) else None


def _mean_of_all(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if len(known) == len(values) else None


def _absent(descriptor: Descriptor, scores: Sequence[ConditionScore], found: dict[str, Any]) -> dict[str, str]:
    names = [f"mean_{name}" for pair in _PAIRS for name in pair] + ["r2", "floor_r2"]
    return {name: _why(name, descriptor, scores, found) for name in names if found[name] is None}


def _why(name: str, descriptor: Descriptor, scores: Sequence[ConditionScore], found: dict[str, Any]) -> str:
    if not scores:
        return "there is no such condition"
    if "deviation" in name and not descriptor.ratio_scale:
        return "0 does not mean none of it, so a relative deviation would mean nothing"
    if "ks" in name and found["mean_distance" if name == "mean_ks" else "mean_floor"] is not None:
        return "curves, or a value a set, have no distribution of single values"
    if "r2" in name:
        paired = _having(scores, "generated")
        known = paired if name == "r2" else _having(paired, "other")
        if len(known) < FEWEST_FOR_R2:
            few = f"R² needs {FEWEST_FOR_R2} conditions with values"
            return f"{few}, and there {'is' if len(known) == 1 else 'are'} {len(known)}"
        return "the real values do not differ between conditions, so there is no R²"
    if "floor" in name and all(one.summaries["other"] is None for one in scores):
        return "no condition has a second set of real images with a value"
    notes = dict.fromkeys(str(one.values["note"]) for one in scores if one.values.get("note"))
    first = next(iter(notes), "no condition has it")
    return first + (f" (the like in {len(scores) - 1} other conditions)" if len(notes) > 1 else "")
