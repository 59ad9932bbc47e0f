"""The evaluation of a run: its shared generator against its data set, written to evaluation.json."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from alloygan.data.held_out import load_data
from alloygan.data.patches import Data
from alloygan.errors import RunFolderError, SpecError
from alloygan.evaluation.condition_sweeps import condition_sweeps
from alloygan.evaluation.embedding_scores import embedding_scores
from alloygan.evaluation.evaluate import measure
from alloygan.evaluation.subjects import conditions_asked
from alloygan.files import write_json
from alloygan.sharing import SharedGenerator, load_critic, load_generator, needs_label
from alloygan.specs.gan import GanSpec
from alloygan.zoo import Zoo

EVALUATION = "evaluation.json"
SAMPLES = "evaluation_samples.json"

Report = Callable[[str, int, int], None]


def run_spec(run: Path, zoo: Zoo, overrides: Sequence[str] = ()) -> GanSpec:
    """The resolved spec of a run folder, with overrides `"evaluation.a=b"` of how it is measured.

    Raises RunFolderError if it is no run folder, SpecError for an override of anything else.
    """
    for text in overrides:
        if text.split("=")[0].split(".")[0].strip() != "evaluation":
            raise SpecError(
                f"--set {text}: only fields of evaluation can be set here, such as evaluation.images=256; the rest is "
                f"as the run was trained ({run / 'spec.yaml'})"
            )
    path = run / "spec.yaml"
    if not run.is_dir():
        raise RunFolderError(f"{run}: there is no such folder")
    if not path.is_file():
        raise RunFolderError(
            f"{run}: not a run folder (it has no spec.yaml); measuring needs the data set, which a shared model does "
            "not name. `alloygan train SPEC --out RUN` makes a run."
        )
    return zoo.read_spec(path, overrides)


def evaluate_run(
    run: str | Path,
    zoo: Zoo,
    *,
    overrides: Sequence[str] = (),
    data: Data | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """Measure a run's generator, write `evaluation.json` (and the values behind it), and return the
    former's content.

    `overrides`: of the run's evaluation, such as `"evaluation.images=256"`; they are kept with the scores. `data`
    spares building the data set again. Raises AlloyganError.
    """
    run = Path(run)
    spec = run_spec(run, zoo, overrides)
    model = load_generator(run, zoo, "cuda" if torch.cuda.is_available() else "cpu")
    data = data if data is not None else load_data(spec)
    if data.space != model.space:
        raise RunFolderError(
            f"{run}: the data set has other conditions now than the model was trained with (manifest changed?); "
            "restore the data, or train again"
        )
    evaluation = measure(spec.evaluation, data, generate_from(model, data, spec.evaluation.seed), report)
    sweeps = condition_sweeps(
        spec.evaluation,
        data.space,
        model.sample,
        evaluation.scores,
        data.um_per_px,
        between=not needs_label(model.spec),
        progress=report,
    )
    critic = load_critic(run, spec, data.space, next(model.generator.parameters()).device)
    embedding = None
    if critic is not None:
        embedding = embedding_scores(critic, data.evaluation, data.space, spec.evaluation.seed)
    result = {
        "name": spec.name,
        "images_seen": model.images_seen,
        "evaluation_spec": spec.evaluation.model_dump(mode="json"),
        "set": list(overrides),
        **evaluation.scores,
        "embedding": embedding,
        "condition_sweeps": sweeps,
    }
    write_json(run / SAMPLES, evaluation.samples)
    write_json(run / EVALUATION, result)
    return result


def generate_from(model: SharedGenerator, data: Data, seed: int) -> Callable[[int, int], Tensor]:
    """A function (label, count) to images (count, C, H, W) uint8.

    A negative label is a bin of conditions, where the data set has no table: asked is what its evaluation images have.
    """

    def generate(label: int, count: int) -> Tensor:
        if label >= 0:
            return model.sample(data.space.table[label], count, seed)
        return model.sample_at(conditions_asked(data, label, count, seed), seed)

    return generate
