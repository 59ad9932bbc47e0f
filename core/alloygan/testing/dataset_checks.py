"""Rules for data sets. They build the data set: pass a `spec` that makes a small one."""

from typing import Any

import torch

from alloygan.data.patches import Patches
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.testing.randomness import global_random_left_alone
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import require


def knows_its_columns(subject: Subject) -> None:
    """At least one condition column; asked for again, its own columns are accepted unchanged."""
    spec: Any = subject.spec
    columns = spec.columns(subject.columns)
    require(
        bool(columns) and all(isinstance(column, ColumnSpec) for column in columns),
        f"columns() gives {columns!r}, expected ColumnSpecs",
    )
    require(tuple(spec.columns(columns)) == tuple(columns), "refuses or changes its own columns when asked for them")


def gives_patches_of_the_shape_it_declares(subject: Subject) -> None:
    """uint8 (N, C, H, W) as `image_shape` says before anything is read, with a condition and a source for each."""
    spec: Any = subject.spec
    spec.check_inputs(subject.columns)
    data = spec.build(subject.columns)
    for name, patches in (("training", data.train), ("evaluation", data.evaluation)):
        count = len(patches)
        require(count > 0, f"there are no {name} patches")
        require(
            tuple(patches.images.shape[1:]) == tuple(spec.image_shape) and patches.images.dtype == torch.uint8,
            f"{name} patches are {patches.images.dtype} {tuple(patches.images.shape[1:])}, declared uint8 "
            f"{tuple(spec.image_shape)}",
        )
        condition = patches.condition
        require(
            tuple(condition.values.shape) == (count, data.space.width) and condition.values.dtype == torch.float32,
            f"{name} conditions have values {tuple(condition.values.shape)}, expected ({count}, {data.space.width})",
        )
        require(bool(condition.values.isfinite().all()), f"{name} conditions are not finite")
        require(
            tuple(condition.label.shape) == (count,) and tuple(patches.source.shape) == (count,),
            f"{name} labels and sources do not have one entry for each of {count} patches",
        )


def gives_ids_if_it_says_so(subject: Subject) -> None:
    """With `label` in its gives every patch has an id of the table; without, there is no table."""
    spec: Any = subject.spec
    data = spec.build(subject.columns)
    if "label" not in spec.gives:
        require(not data.space.table, "has a table of conditions, but no label in its gives")
        return
    for name, patches in (("training", data.train), ("evaluation", data.evaluation)):
        label = patches.condition.label
        require(
            bool(((label >= 0) & (label < len(data.space.table))).all()),
            f"says that it gives ids, and {name} patches have some off the table",
        )
    table = data.space.condition(data.space.table)
    own = data.train.condition
    require(
        torch.allclose(table.values[own.label], own.values, atol=1e-5),
        "the values of a patch's condition are not those of its id",
    )


def finds_its_conditions_without_images(subject: Subject) -> None:
    """`condition_space` agrees with `build`: `alloygan check --layers` uses it."""
    spec: Any = subject.spec
    quick, built = spec.condition_space(subject.columns), spec.build(subject.columns).space
    require(
        quick.to_json() == built.to_json(), "condition_space() and build() do not agree on columns, bounds or table"
    )


def builds_the_same_data_twice(subject: Subject) -> None:
    """The same spec gives the same bits, and leaves the global random numbers alone."""
    spec: Any = subject.spec
    with global_random_left_alone("building the data set"):
        one, two = spec.build(subject.columns), spec.build(subject.columns)
    for name in ("train", "evaluation"):
        first: Patches = getattr(one, name)
        second: Patches = getattr(two, name)
        require(torch.equal(first.images, second.images), f"two builds give other {name} images")
        require(
            torch.equal(first.condition.values, second.condition.values), f"two builds give other {name} conditions"
        )


DATASET_CHECKS = (
    knows_its_columns,
    gives_patches_of_the_shape_it_declares,
    gives_ids_if_it_says_so,
    finds_its_conditions_without_images,
    builds_the_same_data_twice,
)
