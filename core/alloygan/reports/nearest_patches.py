"""Generated images beside the training patches that they are nearest to: has the generator copied?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import torch
from torch import Tensor

from alloygan.data.patches import Data
from alloygan.evaluation.of_run import generate_from
from alloygan.evaluation.square_symmetries import TRANSFORMS, transformed
from alloygan.reports.pictures import Shrink, uri
from alloygan.reports.score_tables import Cell, Row
from alloygan.reports.wording import ABSENT, known, number, percent, percent_interval
from alloygan.sharing import SharedGenerator

COLUMNS = ("generated: median", "real: median", "generated: smallest", "real: smallest", "closer", "expected")
MOST_PAIRS = 12

_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Pair:
    """A generated image and its nearest training patch, mapped onto it, as data URIs; and what is said of both."""

    name: str
    generated: str
    training: str
    words: str


@dataclass(frozen=True)
class NearestPatches:
    """What the page shows: the result in words, the closest pairs, distances by condition, and what is missing."""

    sentence: str
    pairs: list[Pair]
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    crisp: bool = True


def nearest_patches(
    evaluation: dict[str, Any], model: SharedGenerator, data: Data | None, seed: int
) -> NearestPatches | None:
    """What an evaluation says of memorising, None where it says nothing. `data`: the data set, if it is there."""
    found = evaluation.get("memorising")
    if not isinstance(found, dict):
        return None
    notes = [str(found["note"])] if found.get("note") else []
    texts = {condition["label"]: condition["text"] for condition in evaluation["conditions"]}
    rows = [_row(texts.get(one.get("label"), ""), one) for one in found.get("conditions") or []]
    shrink = Shrink.to_fit(model.image_shape, 2 * MOST_PAIRS, _MOST_BYTES)
    pairs = []
    nearest = _copies_first(found)[:MOST_PAIRS]
    if data is None and nearest:
        notes.append("The pairs are missing, since the data set could not be used.")
    elif data is not None:
        generate = generate_from(model, data, seed)
        images = {condition["label"]: condition["images"] for condition in evaluation["conditions"]}
        pairs = list(_pairs(nearest, data, generate, images, texts, shrink))
        if len(pairs) < len(nearest):
            notes.append("Some of the nearest training patches are not in the data set as it is now.")
    if pairs and shrink.note:
        notes.append(shrink.note)
    return NearestPatches(_sentence(found), pairs, rows, notes, shrink.crisp)


def _copies_first(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Copies, each called that, then the nearest of the other images."""
    copied = [{**one, "copy": True} for one in (found.get("copies") or {}).get("images") or []]
    named = {(one.get("label"), one.get("sample")) for one in copied}
    nearest = found.get("nearest") or []
    return copied + [one for one in nearest if (one.get("label"), one.get("sample")) not in named]


def _sentence(found: dict[str, Any]) -> str:
    """Copies, and what the two shares say: closeness in grey levels, and likeness, which contrast does not touch."""
    closer, alike = found.get("closer"), found.get("alike")
    said = _of_copies(found.get("copies"))
    if isinstance(closer, dict) and known(closer.get("share")) is not None:
        sentence = f"{percent(closer['share'])} of the generated images are closer to a training patch than "
        quantile = known(closer.get("quantile"))
        if quantile is not None:
            sentence += f"all but the nearest {percent(quantile)} of the real images of their condition"
        else:
            sentence += "real images of their condition usually are"
        said.append(sentence + _against_chance(closer))
    if isinstance(alike, dict) and known(alike.get("share")) is not None:
        said.append(
            f"{percent(alike['share'])} correlate with it more than nearly all real images do, whatever their contrast"
            + _against_chance(alike)
        )
    return " ".join(said)


def _against_chance(share: dict[str, Any]) -> str:
    expected, bounds = known(share.get("expected")), share.get("expected_interval")
    if expected is None:
        return "."
    words = f"; {percent(expected)} {percent_interval(bounds)}".rstrip()
    words += " are expected of a generator that has memorised nothing"
    if not isinstance(bounds, list) or len(bounds) != 2:
        return words + "."
    return words + (", so that is more than chance." if share["share"] > bounds[1] else ", so that is within chance.")


def _row(name: str, one: dict[str, Any]) -> Row:
    cells = [
        Cell(number((one.get(which) or {}).get(key)))
        for key in ("median", "smallest")
        for which in ("generated", "real")
    ]
    cells += [Cell(percent(one.get("closer"))), Cell(percent(one.get("expected")))]
    return Row(name, cells, str(one.get("note") or ""))


def _pairs(
    nearest: Iterable[dict[str, Any]],
    data: Data,
    generate: Callable[[int, int], Tensor],
    images: dict[int, int],
    texts: dict[int, str],
    shrink: Shrink,
) -> Iterable[Pair]:
    drawn: dict[int, Tensor] = {}
    for one in nearest:
        label, sample, patch = one.get("label"), one.get("sample"), one.get("training")
        transform = _transform(one.get("transform"))
        if label not in images or transform is None:
            continue
        if not _within(sample, images[label]) or not _within(patch, len(data.train)):
            continue
        if label not in drawn:
            # As many as the evaluation drew: without a table their number decides their conditions.
            drawn[label] = generate(label, images[label])
        mapped = transformed(data.train.images[patch : patch + 1].cpu(), transform)[0]
        down, right = (int(known(move) or 0) for move in (one.get("shift") or (0, 0)))
        words = f"copy, correlation {_correlation(one.get('correlation'))}; " if one.get("copy") else ""
        words += f"RMS difference {number(one.get('distance'))} grey levels; training patch {patch}"
        words += f", {TRANSFORMS[transform]}" if transform else ""
        words += f", moved by {_moves(down, right)}" if (down, right) != (0, 0) else ""
        yield Pair(
            f"{texts.get(label, '')}, z{sample + 1}", uri(drawn[label][sample], shrink),
            uri(_moved(mapped, down, right), shrink), words,
        )  # fmt: skip


def _of_copies(copied: Any) -> list[str]:
    """In a sentence, or in none where copies were not looked for."""
    if not isinstance(copied, dict) or known(copied.get("count")) is None or known(copied.get("of")) is None:
        return []
    count, of = int(copied["count"]), int(copied["of"])
    if not count:
        return [f"No copy of a training patch was found among {of} generated images."]
    words = "is a copy of a training patch" if count == 1 else "are copies of training patches"
    return [f"{count} of {of} generated images {words}, up to contrast and brightness, too alike for chance."]


def _correlation(value: Any) -> str:
    """In four digits: what matters is how far it is from 1."""
    value = known(value)
    return ABSENT if value is None else f"{value:.4f}"


def _moves(down: int, right: int) -> str:
    """`2 px down and 3 px left`."""
    words = []
    if down:
        words.append(f"{abs(down)} px {'down' if down > 0 else 'up'}")
    if right:
        words.append(f"{abs(right)} px {'right' if right > 0 else 'left'}")
    return " and ".join(words)


def _transform(value: Any) -> int | None:
    """Position in TRANSFORMS, from there or from the name."""
    if isinstance(value, str):
        return TRANSFORMS.index(value) if value in TRANSFORMS else None
    return value if _within(value, len(TRANSFORMS)) else None


def _within(value: Any, count: int) -> TypeGuard[int]:
    return isinstance(value, int) and 0 <= value < count


def _moved(image: Tensor, down: int, right: int) -> Tensor:
    """The image (C, H, W) moved down and to the right, white where nothing comes after it."""
    moved = torch.full_like(image, 255)
    height, width = image.shape[1:]
    if abs(down) < height and abs(right) < width:
        part = image[:, max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)]
        moved[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = part
    return moved
