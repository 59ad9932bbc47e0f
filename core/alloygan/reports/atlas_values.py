"""What the atlas says of a picture: the evaluation's descriptors, measured on that picture alone."""

from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import NDArray

from alloygan.data.condition_space import Row
from alloygan.errors import AlloyganError
from alloygan.evaluation.segmentation import segment
from alloygan.interfaces.descriptor import Descriptor, Specimens
from alloygan.reports.wording import ABSENT, number, spoken
from alloygan.sharing import SharedGenerator
from alloygan.zoo import Zoo


def summary_name(descriptor: dict[str, Any]) -> str:
    """What its values are: `correlation length (two point)`, in whose unit they are, rather than the curve's name."""
    name, summary = spoken(str(descriptor["name"])), descriptor.get("summary_name")
    return f"{summary} ({name})" if summary else name


def descriptors_of(evaluation: dict[str, Any], zoo: Zoo) -> dict[str, Descriptor | None]:
    """The evaluation's descriptors; None for one whose plugin is not there any more."""
    found: dict[str, Descriptor | None] = {}
    for one in evaluation["descriptors"]:
        try:
            spec = zoo.spec_from_values(one["spec"], "descriptor")
            found[one["name"]] = spec.build()
        except (AlloyganError, KeyError, TypeError):
            found[one["name"]] = None
    return found


def primary_bright(model: SharedGenerator, evaluation: dict[str, Any], row: Row) -> bool:
    """Whether the primary phase is the bright one: as the evaluation took it at this or at the nearest condition."""
    near = model.space.nearest_row(row)
    label = model.space.label(near) if near is not None else -1
    conditions = evaluation["conditions"]
    same = (one for one in conditions if (_in_bin(model, one, row) if label < 0 else one["label"] == label))
    primary = next((one["primary"] for one in same), conditions[0]["primary"])
    return bool(primary == "bright")


def _in_bin(model: SharedGenerator, condition: dict[str, Any], row: Row) -> bool:
    named = model.space.named(row)
    return all(low <= float(named[name]) <= high for name, (low, high) in (condition.get("ranges") or {}).items())


def measured(
    descriptors: dict[str, Descriptor | None],
    images: NDArray[Any],
    segmentation: dict[str, Any],
    bright: bool,
    um_per_px: float | None,
) -> list[list[str]]:
    """The descriptors' values of each image alone, as text."""
    masks = segment(
        images, segmentation["threshold"], segmentation["smooth"], bright, int(segmentation.get("specks", 0))
    )
    rows = []
    for i in range(len(images)):
        alone = Specimens(images[i : i + 1], masks[i : i + 1], um_per_px)
        rows.append([_value(descriptor, alone) for descriptor in descriptors.values()])
    return rows


def _value(descriptor: Descriptor | None, specimens: Specimens) -> str:
    return ABSENT if descriptor is None else number(descriptor.summary(descriptor.measure(specimens)))


def measurable(entries: Sequence[dict[str, Any]], names: Iterable[str]) -> list[str]:
    """Leave out of all entries what no single image has a value of, such as the spread of a set; the names left."""
    kept = {
        i: name for i, name in enumerate(names) if any(row[i] != ABSENT for entry in entries for row in entry["values"])
    }
    for entry in entries:
        entry["values"] = [[row[i] for i in kept] for row in entry["values"]]
        entry |= {key: [entry[key][i] for i in kept] for key in ("real", "generated")}
    return list(kept.values())
