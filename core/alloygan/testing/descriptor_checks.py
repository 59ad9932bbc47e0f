"""Rules for descriptors."""

from typing import Any

import numpy as np

from alloygan.interfaces.descriptor import Descriptor, Measurement, Specimens
from alloygan.testing.randomness import global_random_left_alone
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import require


def _specimens(count: int = 6, *, seed: int = 0, um_per_px: float | None = None) -> Specimens:
    """Images with blobs of several sizes in fine lamellae, and the masks of the blobs."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:48, 0:64]
    masks = np.zeros((count, 48, 64), dtype=np.bool_)
    for mask in masks:
        for _ in range(6):
            y, x, radius = rng.uniform(8, 40), rng.uniform(8, 56), rng.uniform(2, 6)
            mask |= (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    noise = rng.integers(-20, 21, masks.shape)
    lamellae = 25 * np.sin(2 * np.pi * columns / 6)
    images = (np.where(masks, 180, 70 + lamellae) + noise).astype(np.uint8)[:, None]
    return Specimens(images, masks, um_per_px)


def _uniform(value: bool) -> Specimens:
    shape = (3, 48, 64)
    return Specimens(np.full((3, 1, 48, 64), 255 * value, dtype=np.uint8), np.full(shape, value, dtype=np.bool_))


def _descriptor(subject: Subject) -> Descriptor:
    spec: Any = subject.spec
    built: Descriptor = spec.build()
    return built


def measures_numbers(subject: Subject) -> None:
    """Finite float64 values, a number or a curve each, for many images and for one, in px and in µm."""
    descriptor = _descriptor(subject)
    for specimens in (_specimens(), _specimens(1), _specimens(um_per_px=0.1)):
        measured = descriptor.measure(specimens)
        _require_form(measured, len(specimens.masks))
        # One image alone may have no value, such as a spread over the images of a set.
        few = len(specimens.masks) == 1
        require(few or measured.values.size > 0, "finds nothing in images full of particles")
        require(isinstance(measured.unit, str), f"the unit is {measured.unit!r}, not a text")


def measures_images_with_nothing_in_them(subject: Subject) -> None:
    """An image without grains gives no value, or a finite one: never NaN, never an error."""
    descriptor = _descriptor(subject)
    for specimens in (_uniform(False), _uniform(True)):
        measured = descriptor.measure(specimens)
        _require_form(measured, len(specimens.masks))
        summary = descriptor.summary(measured)
        require(summary is None or np.isfinite(summary), f"the summary of uniform images is {summary}")
        distance = descriptor.distance(measured, descriptor.measure(_specimens()))
        require(
            distance is None or (np.isfinite(distance) and distance >= 0),
            f"the distance of uniform images from others is {distance}, expected None or a number ≥ 0",
        )


def has_a_distance(subject: Subject) -> None:
    """0 from a set to itself, the same in both directions, ≥ 0, and the same again."""
    descriptor = _descriptor(subject)
    one, other = descriptor.measure(_specimens()), descriptor.measure(_specimens(seed=1))
    with global_random_left_alone("distance"):
        there, back = descriptor.distance(one, other), descriptor.distance(other, one)
    itself = descriptor.distance(one, one)
    require(itself is not None and abs(itself) < 1e-9, f"the distance of a set from itself is {itself}")
    if there is None or back is None:
        require(False, "finds no distance between two sets of images full of particles")
        return
    require(there >= 0 and np.isfinite(there), f"the distance of two sets is {there}")
    require(abs(there - back) <= 1e-9 * max(1.0, abs(there)), f"the distance is {there} one way and {back} the other")


def measures_the_same_twice(subject: Subject) -> None:
    """The same images give the same values, and the global random numbers stay where they were."""
    descriptor = _descriptor(subject)
    with global_random_left_alone("measure"):
        one, two = descriptor.measure(_specimens()), _descriptor(subject).measure(_specimens())
    require(np.array_equal(one.values, two.values), "the same images give other values")


def has_percentages_only_on_a_ratio_scale(subject: Subject) -> None:
    """No summary below 0 where `ratio_scale` is True (its default): a deviation in per cent would mean nothing."""
    descriptor = _descriptor(subject)
    # Along the rows and along the columns, where a direction shows both of its signs.
    for specimens in (_specimens(), *_stripes()):
        summary = descriptor.summary(descriptor.measure(specimens))
        require(
            not descriptor.ratio_scale or summary is None or summary >= 0,
            f"the summary is {summary}, below 0, and ratio_scale is True: relative deviations of such values mean "
            "nothing; set ratio_scale = False",
        )


def draws_a_set_again_as_it_measures_it(subject: Subject) -> None:
    """`redrawn`, where there is one, gives for every image taken once what `measure` gives, and one result a row."""
    descriptor, specimens = _descriptor(subject), _specimens()
    images = len(specimens.masks)
    weights = np.ones((2, images), dtype=np.int64)
    weights[1, : images // 2], weights[1, images // 2 :] = 2, 0
    found = descriptor.redrawn(specimens, weights)
    if found is None:
        return
    require(len(found) == 2, f"two sets drawn again give {len(found)} measurements")
    twice = np.repeat(np.arange(images // 2), 2)
    some = Specimens(specimens.images[twice], specimens.masks[twice], specimens.um_per_px)
    for again, expected in zip(found, (descriptor.measure(specimens), descriptor.measure(some)), strict=True):
        one, other = descriptor.summary(again), descriptor.summary(expected)
        alike = one == other if one is None or other is None else bool(np.isclose(one, other, rtol=1e-3))
        require(alike, f"a set drawn again has the summary {one}, measured as it is {other}")


def _stripes() -> tuple[Specimens, Specimens]:
    """Images with stripes along the rows, and along the columns."""
    rows, columns = np.mgrid[0:48, 0:48]
    both = []
    for place in (rows, columns):
        masks = np.stack([(place + shift) % 12 < 5 for shift in range(4)])
        both.append(Specimens(np.where(masks, 180, 70).astype(np.uint8)[:, None], masks))
    return both[0], both[1]


def _require_form(measured: Measurement, images: int) -> None:
    values = measured.values
    require(
        values.dtype == np.float64 and values.ndim in (1, 2), f"values are {values.dtype} with {values.ndim} dimensions"
    )
    require(bool(np.isfinite(values).all()), "some values are not finite")
    if values.ndim == 2 and len(values):
        require(
            measured.axis is not None and measured.axis.shape == (values.shape[1],),
            "curves need an axis with as many points",
        )
    if measured.image is not None:
        require(
            measured.image.shape == (len(values),) and bool(((measured.image >= 0) & (measured.image < images)).all()),
            "`image` does not say, for each value, which image it belongs to",
        )


DESCRIPTOR_CHECKS = (
    measures_numbers,
    measures_images_with_nothing_in_them,
    has_a_distance,
    measures_the_same_twice,
    has_percentages_only_on_a_ratio_scale,
    draws_a_set_again_as_it_measures_it,
)
