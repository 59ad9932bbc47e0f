"""Measures the images of conditions: the generator's, or any others in their place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from alloygan.data.patches import Data
from alloygan.evaluation.bootstrap import Resampler
from alloygan.evaluation.comparison_scores import ComparisonRun
from alloygan.evaluation.descriptor_scores import ConditionScore, condition_score, sample, weights_of
from alloygan.evaluation.segmentation import segment
from alloygan.evaluation.subjects import Images, Subject, host
from alloygan.interfaces.descriptor import Descriptor, Specimens
from alloygan.specs.evaluation import EvaluationSpec

Generate = Callable[[int, int], Tensor]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Measured:
    """What was found of some conditions: their entries in evaluation.json, the scores by descriptor, samples for
    figures by descriptor and label, the images that were judged by label, and the comparisons.
    """

    conditions: list[dict[str, Any]]
    scored: dict[str, list[ConditionScore]]
    samples: dict[str, dict[str, dict[str, Any]]]
    generated: dict[int, Images]
    comparisons: list[ComparisonRun]


@dataclass(frozen=True)
class Measuring:
    """What images are measured by: `threshold` is the grey level between the phases."""

    spec: EvaluationSpec
    data: Data
    threshold: float
    descriptors: Mapping[str, Descriptor]

    def conditions(self, subjects: Sequence[Subject], generate: Generate, progress: Progress | None) -> Measured:
        """Measure what `generate` gives for each subject against its real images."""
        spec = self.spec
        found = Measured(
            [],
            {name: [] for name in self.descriptors},
            {name: {} for name in self.descriptors},
            {},
            [ComparisonRun(one) for one in spec.comparisons],
        )
        for done, subject in enumerate(subjects):
            if progress is not None:
                progress("measure", done, len(subjects))
            generated = _generated(generate, subject.label, subject.count, self.data.train.images.shape[1:])
            found.generated[subject.label] = generated
            self._one(subject, generated, found)
        if progress is not None:
            progress("measure", len(subjects), len(subjects))
        return found

    def _one(self, subject: Subject, generated: Images, found: Measured) -> None:
        spec = self.spec
        sets = {
            name: Specimens(
                images,
                segment(images, self.threshold, spec.smooth, subject.bright, spec.specks),
                self.data.um_per_px,
            )
            for name, images in (("real", subject.real), ("generated", generated), ("other", subject.other))
        }
        resamples = weights_of(subject, spec.bootstrap, [spec.seed, abs(subject.label + 1), 3])
        for name, descriptor in self.descriptors.items():
            with _naming(f"the descriptor {name}", subject):
                of = {key: descriptor.measure(specimens) for key, specimens in sets.items() if len(specimens.images)}
                found.scored[name].append(condition_score(descriptor, of, sets, subject, resamples))
                found.samples[name][str(subject.label)] = sample(of, sets["real"], subject)
        for comparison in found.comparisons:
            with _naming(f"the comparison {comparison.spec.kind}", subject):
                comparison.add(subject, generated)
        found.conditions.append(
            {
                "condition": subject.condition,
                "text": subject.text,
                "ranges": subject.ranges,
                "label": subject.label,
                "held_out": subject.held_out,
                "images": subject.count,
                "primary": "bright" if subject.bright else "dark",
                "floor_from": subject.floor_from,
                "intervals_from": Resampler(subject.real_source, len(subject.real)).words
                if len(subject.real)
                else None,
                "scores": {name: scores[-1].values for name, scores in found.scored.items()},
            }
        )


@contextmanager
def _naming(who: str, subject: Subject) -> Iterator[None]:
    """Say whose error it is: a plugin's own traceback does not name the kind."""
    try:
        yield
    except Exception as error:
        error.add_note(f"while measuring {subject.text} with {who}")
        raise


def _generated(generate: Generate, label: int, count: int, shape: Sequence[int]) -> Images:
    images = host(generate(label, count))
    if images.shape != (count, *shape) or images.dtype != np.uint8:
        raise ValueError(f"generate({label}, {count}) gave {images.dtype} {images.shape}, not uint8 {(count, *shape)}")
    return images
