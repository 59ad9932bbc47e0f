"""Rules for samplers."""

from typing import Any

import torch
from torch import Tensor

from alloygan.assembler import site_of
from alloygan.data.patches import Data, to_grey_levels
from alloygan.interfaces.batch import Batch
from alloygan.interfaces.sampler import Sampler
from alloygan.testing.modules import changed
from alloygan.testing.randomness import global_random_left_alone
from alloygan.testing.stand_in_data import StandInDatasetSpec
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import NotApplicable, require


def _built(subject: Subject, *, table: bool = True, seed: int = 0) -> tuple[Sampler, Data]:
    dataset = StandInDatasetSpec(table=table)
    data = dataset.build(())
    spec: Any = subject.spec
    return spec.build(data.train, site_of(dataset.image_shape, data.space), seed), data


def _tensors(batch: Batch) -> dict[str, Tensor]:
    return {
        "images": batch.images,
        "weight": batch.weight,
        "own values": batch.own_condition.values,
        "own label": batch.own_condition.label,
        "target values": batch.target_condition.values,
        "target label": batch.target_condition.label,
    }


def draws_batches_of_the_size_asked_for(subject: Subject) -> None:
    """Images float32 (B, C, H, W) in [−1, 1], conditions and weights, from one image to more than there are."""
    sampler, data = _built(subject)
    for count in (1, 5, 2 * len(data.train) + 1):
        batch = sampler.draw(count, 0)
        shape = (count, *data.train.images.shape[1:])
        require(tuple(batch.images.shape) == shape, f"draws images {tuple(batch.images.shape)}, expected {shape}")
        require(batch.images.dtype == torch.float32, f"images are {batch.images.dtype}, not float32")
        require(bool((batch.images.abs() <= 1).all()), "images do not lie in [−1, 1]")
        for name, condition in (("own", batch.own_condition), ("target", batch.target_condition)):
            expected = (count, data.space.width)
            require(
                tuple(condition.values.shape) == expected,
                f"the {name} condition has values {tuple(condition.values.shape)}, expected {expected}",
            )
            require(
                tuple(condition.label.shape) == (count,) and condition.label.dtype == torch.int64,
                f"the {name} condition's label is {condition.label.dtype} {tuple(condition.label.shape)}, expected "
                f"int64 ({count},)",
            )
            require(bool(condition.values.isfinite().all()), f"the {name} condition is not finite")
        require(
            tuple(batch.weight.shape) == (count,) and bool((batch.weight.isfinite() & (batch.weight >= 0)).all()),
            f"the weight is not ({count},) finite numbers ≥ 0",
        )


def draws_the_same_batch_at_the_same_moment(subject: Subject) -> None:
    """A batch depends on (seed, count, images seen) alone, so that a resumed run draws the same ones."""
    with global_random_left_alone("draw"):
        sampler, _ = _built(subject)
        first = _tensors(sampler.draw(4, 8))
        sampler.draw(4, 12)
        sampler.draw(7, 100)
        again = _tensors(sampler.draw(4, 8))
    different = changed(first, again)
    require(not different, f"another {', '.join(different)} when the batch at 8 images is drawn a second time")
    different = changed(first, _tensors(_built(subject)[0].draw(4, 8)))
    require(not different, f"another {', '.join(different)} from a fresh build, as after a resume")


def draws_all_patches(subject: Subject) -> None:
    """In thirty epochs every patch comes."""
    sampler, data = _built(subject)
    size = len(data.train)
    drawn = [to_grey_levels(sampler.draw(size, epoch * size).images) for epoch in range(30)]
    seen = {image.numpy().tobytes() for image in torch.cat(drawn)}
    missing = sum(image.numpy().tobytes() not in seen for image in data.train.images)
    require(missing == 0, f"{missing} of {size} patches were not drawn in thirty epochs")


def asks_for_an_id_if_it_needs_one(subject: Subject) -> None:
    """A sampler that does not declare `label` in its needs works where conditions have no ids."""
    if subject.needs_label:
        raise NotApplicable("it declares that it needs ids")
    try:
        _built(subject, table=False)[0].draw(5, 0)
    except Exception as error:
        require(
            False,
            f"fails where conditions have no table (label −1): {type(error).__name__}: {error}. If it needs an id, "
            'declare it: needs = frozenset({"label"}).',
        )


SAMPLER_CHECKS = (
    draws_batches_of_the_size_asked_for,
    draws_the_same_batch_at_the_same_moment,
    draws_all_patches,
    asks_for_an_id_if_it_needs_one,
)
