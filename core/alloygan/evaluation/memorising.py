"""Memorising: whether generated images are nearer to training patches than held-out real images are.

Each image is compared with its nearest training patch, mirrored, turned and shifted (see `nearest`). Two shares of the
generated images are taken (see `nearness_shares`): those *closer* by the distance, a root mean square in grey levels,
and those more *alike* by the correlation, each with the training patch that is nearest in that measure. Beside them,
single images that are so alike that chance does not explain it are named as *copies* (see `copies`).

The distance is not normalised: images of little contrast, or blurred ones, are closer to everything. The correlation
does not see contrast and brightness. So copies of the same grey levels raise both shares, and copies of other contrast
or brightness the second one, if not both.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.evaluation.bootstrap import Resampler
from alloygan.evaluation.copies import copies
from alloygan.evaluation.nearest import TrainingSearch
from alloygan.evaluation.nearness import ImageSet, Nearness, contrast_of
from alloygan.evaluation.nearness_shares import end_of, expected_share, pooled_share, share_below
from alloygan.evaluation.square_symmetries import Group

Images = NDArray[np.uint8]
IntArray = NDArray[np.int64]
Progress = Callable[[str, int, int], None]

MOST_SHOWN = 12
"""So many generated images are named in `nearest`."""

_LESS_CONTRAST = 0.9
_NO_PATCHES = "there are no training patches to compare with"
_CLOSER_ONLY = (
    "more generated images than expected are closer to a training patch than real ones, but not more are alike: little "
    "contrast or other grey levels bring them closer, not copying"
)
_NO_REAL = "there are no held-out real images to compare with, so the distances stand alone"
_NOT_JUDGED = (
    "copies are not named: that takes at least two real images with some contrast, none of them a copy of a training "
    "patch itself, and generated images with some contrast"
)


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

    Ready for JSON, without NaN: `conditions`, a list of `{label, generated, real, closer, alike, expected, copies,
    note}` with `{images, median, smallest, correlation, contrast}` for either set (distances, median correlation with
    the patch that is most alike, and standard deviation of the grey levels of the median image) and for `real` its
    `end`s; `closer` and `alike`, the shares of all generated images with their 95 % `interval` (bootstrap over images),
    what is `expected` on average where nothing is memorised, the 95 % range of that, `expected_interval`, and the
    `quantile`; `copies`, `{count, of, false_alarm, images}` of all and `{count, of, above}` of a condition: how many of
    the images that could be judged are copies, the correlation above which they are, and which they are, at most 12, as
    in `nearest`, but with the patch that is most alike; `nearest`, the generated images that are closest in units of
    the median real distance of their condition (`ratio`), with `label`, `sample` (its number within the condition),
    `distance`, `correlation`, `training` (the number of the patch), `transform` and `shift` ([down, right] in px),
    which take the patch to the image; `shift` and `group` as they were searched; `note`, where something is missing or
    to be read with care.

    `sources`: for each label the micrograph or simulation of each real image, (n,), for the interval.
    `progress("memorising", done, total)` is called before each condition, and at the end.
    """
    result: dict[str, Any] = {"unit": "grey level", "training_images": len(training)}
    if not len(training):
        nothing: dict[str, Any] = {"conditions": [], "closer": None, "alike": None, "copies": None, "nearest": []}
        return result | nothing | {"note": _NO_PATCHES}
    search = TrainingSearch(training, shift=shift, group=group, device=device)
    found: list[Nearness] = []
    for done, (label, images) in enumerate(generated.items()):
        if progress is not None:
            progress("memorising", done, len(generated))
        real = held_out.get(label, images[:0])
        generated_set, real_set = (ImageSet(search.nearest(some), contrast_of(some)) for some in (images, real))
        units = Resampler(sources.get(label) if sources else None, len(real))
        found.append(Nearness(label, generated_set, real_set, units))
    if progress is not None:
        progress("memorising", len(generated), len(generated))
    copies_of_each, copies_of_all = copies(found)
    result |= {
        "shift": search.shift,
        "group": search.group,
        "conditions": [_entry(*one) for one in zip(found, copies_of_each, strict=True)],
        "closer": pooled_share(found, lambda images: images.distances, resamples, seed),
        "alike": pooled_share(found, lambda images: images.unlikeness, resamples, seed),
        "copies": copies_of_all,
        "nearest": _shown(found),
    }
    note = _note_of_all(result)
    return result | ({"note": note} if note else {})


def _entry(condition: Nearness, copied: dict[str, Any] | None) -> dict[str, Any]:
    generated, real = condition.generated, condition.real
    distance, unlikeness = end_of(real.distances), end_of(real.unlikeness)
    entry = {
        "label": condition.label,
        "generated": _summary(generated),
        "real": _summary(real)
        | {"end": {"distance": distance, "correlation": 1.0 - unlikeness if unlikeness is not None else None}},
        "closer": share_below(generated.distances, distance),
        "alike": share_below(generated.unlikeness, unlikeness),
        "expected": expected_share(len(real)) if len(real) else None,
        "copies": copied,
    }
    note = _note(condition, copied)
    return entry | ({"note": note} if note else {})


def _summary(images: ImageSet) -> dict[str, Any]:
    some = len(images) > 0
    return {
        "images": len(images),
        "median": float(np.median(images.distances)) if some else None,
        "smallest": float(images.distances.min()) if some else None,
        "correlation": float(np.median(images.nearest.alike.correlation)) if some else None,
        "contrast": float(np.median(images.contrast)) if some else None,
    }


def _note(condition: Nearness, copied: dict[str, Any] | None) -> str | None:
    if not len(condition.real):
        return "no held-out real images of this condition"
    if not len(condition.generated):
        return "no generated images of this condition"
    notes = []
    generated, real = (float(np.median(some.contrast)) for some in (condition.generated, condition.real))
    if generated < _LESS_CONTRAST * real:
        notes.append(
            f"generated images have less contrast than real ones (standard deviation {generated:.1f} against "
            f"{real:.1f} grey levels), which alone may bring them closer to every training patch"
        )
    if copied is None:
        notes.append(_NOT_JUDGED)
    return "; ".join(notes) or None


def _note_of_all(result: Mapping[str, Any]) -> str | None:
    closer, alike, copied = result["closer"], result["alike"], result["copies"]
    if closer is None or alike is None:
        return _NO_REAL
    if _beyond(closer) and not _beyond(alike) and not (copied and copied["count"]):
        return _CLOSER_ONLY
    return None


def _beyond(share: Mapping[str, Any]) -> bool:
    return bool(share["share"] > share["expected_interval"][1])


def _shown(found: list[Nearness]) -> list[dict[str, Any]]:
    rows = []
    for condition in found:
        closest = condition.generated.nearest.closest
        typical = float(np.median(condition.real.distances)) if len(condition.real) else 0.0
        for sample, distance in enumerate(closest.distance.tolist()):
            rows.append(condition.pair(closest, sample) | {"ratio": distance / typical if typical > 0 else None})
    # Conditions without real images come last: their distances have no measure.
    rows.sort(key=lambda row: (row["ratio"] is None, row["ratio"] or 0.0, row["distance"]))
    return rows[:MOST_SHOWN]
