"""The evaluation that a run folder holds, if it is whole and of the run's newest model."""

from pathlib import Path
from typing import Any

from alloygan.errors import RunFolderError
from alloygan.evaluation.evaluate import SCHEMA
from alloygan.evaluation.of_run import EVALUATION, SAMPLES
from alloygan.files import read_json
from alloygan.specs.evaluation import EvaluationSpec

_CONDITION = ("text", "label", "held_out", "images", "primary", "floor_from")
_SCORE = (
    "unit", "real", "generated", "training", "distance", "floor", "distance_unit", "deviation", "floor_deviation",
)  # fmt: skip
_MEAN = ("mean_deviation", "mean_floor_deviation", "mean_distance", "mean_floor", "worst_deviation")


def stored_overrides(run: Path) -> tuple[str, ...]:
    """What was overridden (`--set`) when the run was last evaluated; nothing where that is not known."""
    try:
        told = read_json(run / EVALUATION).get("set", [])
    except RunFolderError:
        return ()
    return tuple(told) if isinstance(told, list) and all(isinstance(one, str) for one in told) else ()


def stored_evaluation(run: Path, images_seen: int, spec: EvaluationSpec) -> dict[str, Any] | None:
    """The content of evaluation.json, or None where measuring again is due: no such file, one of another moment of
    the training, of another version or by another spec, or a damaged one.
    """
    try:
        evaluation = read_json(run / EVALUATION)
    except RunFolderError:
        return None
    same = evaluation.get("schema") == SCHEMA and evaluation.get("images_seen") == images_seen
    same = same and evaluation.get("evaluation_spec") == spec.model_dump(mode="json")
    return evaluation if same and _whole(evaluation) else None


def stored_samples(run: Path) -> dict[str, Any] | None:
    """The values behind the scores, or None where the run has none (one evaluated by an older version)."""
    try:
        samples = read_json(run / SAMPLES)
    except RunFolderError:
        return None
    whole = all(
        isinstance(sets, dict) and all(isinstance(one, dict) for one in sets.values()) for sets in samples.values()
    )
    return samples if whole else None


def _whole(evaluation: dict[str, Any]) -> bool:
    try:
        names = [descriptor["name"] for descriptor in evaluation["descriptors"]]
        said = [key in evaluation["segmentation"] for key in ("threshold", "smooth", "phase")]
        said += ["unit" in one and "summary" in one for one in evaluation["descriptors"]]
        for condition in evaluation["conditions"]:
            said += [key in condition for key in _CONDITION]
            said += [key in condition["scores"][name] for name in names for key in _SCORE]
        for part in ("overall", "overall_held_out"):
            if part in evaluation or part == "overall":
                said += [key in evaluation[part][name] for name in names for key in _MEAN]
    except (KeyError, TypeError):
        return False
    return all(said)
