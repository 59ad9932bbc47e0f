"""Rules for comparisons."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alloygan.interfaces.comparison import Comparison
from alloygan.testing.randomness import global_random_left_alone
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import require


def _images(count: int, *, channels: int = 1, seed: int = 0, coarse: int = 4) -> NDArray[np.uint8]:
    """Blocks of grey levels, `coarse` px wide."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (count, channels, 32 // coarse, 48 // coarse), dtype=np.uint8)
    return small.repeat(coarse, axis=2).repeat(coarse, axis=3)


def _comparison(subject: Subject) -> Comparison:
    spec: Any = subject.spec
    built: Comparison = spec.build()
    return built


def gives_features_image_by_image(subject: Subject) -> None:
    """float32 (N, K), finite, for grey and colour, and an image's features do not depend on the others."""
    comparison = _comparison(subject)
    for channels in (1, 3):
        images = _images(5, channels=channels)
        with global_random_left_alone("features"):
            found = comparison.features(images)
        require(found.dtype == np.float32 and found.ndim == 2, f"features are {found.dtype} {found.shape}, not (N, K)")
        require(len(found) == 5 and bool(np.isfinite(found).all()), "features are not finite, or not one row an image")
        alone = comparison.features(images[3:4])
        require(np.allclose(alone, found[3:4], rtol=1e-3, atol=1e-4), "the features of an image depend on the others")
    require(comparison.features(images[:0]).shape == (0, found.shape[1]), "no images must give features (0, K)")


def gives_the_scores_that_it_names(subject: Subject) -> None:
    """Those of `higher_is_better`, as finite numbers; other images score worse than images of the same sort."""
    comparison = _comparison(subject)
    require(len(comparison.higher_is_better) > 0, "higher_is_better names no score")
    reference = comparison.features(_images(24, seed=1))
    alike, unlike = comparison.features(_images(24, seed=2)), comparison.features(_images(24, seed=3, coarse=16))
    with global_random_left_alone("scores"):
        near, far = comparison.scores(alike, reference), comparison.scores(unlike, reference)
    for scores in (near, far, comparison.scores(alike, reference)):
        require(list(scores) == list(comparison.higher_is_better), f"the scores are {list(scores)}")
    require(dict(near) == dict(comparison.scores(alike, reference)), "the same features give other scores")
    for name, higher in comparison.higher_is_better.items():
        one, other = near[name], far[name]
        require(one is not None and other is not None, f"{name}: no score of 24 images against 24")
        if one is None or other is None:
            return
        require(np.isfinite(one) and np.isfinite(other), f"{name}: {one}, {other}: not finite")
        require(
            one >= other if higher else one <= other, f"{name}: images of the same sort score worse ({one}) than others"
        )


def takes_too_few_images(subject: Subject) -> None:
    """None or a finite number for one image, or none at all; never an error."""
    comparison = _comparison(subject)
    some = comparison.features(_images(3))
    for judged, reference in ((some[:0], some), (some, some[:0]), (some[:1], some), (some[:1], some[:1])):
        for name, score in comparison.scores(judged, reference).items():
            require(
                score is None or np.isfinite(score), f"{name} of {len(judged)} and {len(reference)} images: {score}"
            )


COMPARISON_CHECKS = (gives_features_image_by_image, gives_the_scores_that_it_names, takes_too_few_images)
