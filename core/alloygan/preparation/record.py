"""preparation.json: what was asked for, with which versions, and what was found and done."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from alloygan.data.evaluation_part import evaluation_text
from alloygan.data.region import Region
from alloygan.files import write_json
from alloygan.preparation.fitted_contrast import FittedContrast
from alloygan.preparation.levels import GreyLevels
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.survey import Survey
from alloygan.preparation.written_micrograph import WrittenMicrograph


def write_record(
    path: Path,
    manifest: Path,
    options: PrepareOptions,
    surveys: Sequence[Survey],
    written: Mapping[str, WrittenMicrograph],
    fitted: Mapping[str, FittedContrast],
    levels: Mapping[str, GreyLevels],
    warnings: Sequence[str],
    patches: tuple[int, int],
) -> None:
    """Write preparation.json; mappings are by the micrographs' names, `patches` those of training and evaluation."""
    micrographs = []
    for found in surveys:
        values = _looked_at(found)
        if found.split is not None:
            values |= _done(found, written[found.name], fitted[found.name], levels[found.name])
        micrographs.append(values)
    write_json(
        path,
        {
            "schema": 1,
            "alloygan": version("alloygan"),
            "scikit-image": version("scikit-image"),
            "manifest": manifest.name,
            "options": options.model_dump(mode="json"),
            "um_per_px": options.um_per_px,
            "training_patches": patches[0],
            "evaluation_patches": patches[1],
            "warnings": list(warnings),
            "micrographs": micrographs,
        },
    )


def _looked_at(found: Survey) -> dict[str, Any]:
    """What was found in a micrograph, in px of its file."""
    one, step = found.micrograph, found.cracks.step
    return {
        "source": one.source,
        "conditions": dict(one.conditions),
        "roi": found.roi.text,
        "um_per_px": one.um_per_px,
        "factor": found.factor,
        "cracks_from": "manifest" if found.cracks.told else "image",
        "cracks": [
            {
                "region": Region(
                    found.roi.x + crack.box.x * step, found.roi.y + crack.box.y * step,
                    crack.box.width * step, crack.box.height * step,
                ).text,
                "length_px": round(crack.length * step, 1),
                "width_px": round(crack.width * step, 1),
            }
            for crack in found.cracks.found
        ],
        "note": found.cracks.note,
        "patches_before": _parts(found.patches_before),
        "left_out": found.left_out,
    }  # fmt: skip


def _done(found: Survey, written: WrittenMicrograph, fitted: FittedContrast, level: GreyLevels) -> dict[str, Any]:
    """What became of a micrograph, in px of the prepared file."""
    assert found.split is not None
    return {
        "file": written.file,
        "size": f"{found.size[1]} {found.size[0]}",
        "evaluation": evaluation_text(found.split.evaluation),
        "patches": _parts(found.split.counts),
        "contrast": fitted.numbers,
        "mean_grey": {"before": round(level.mean_before, 2), "after": round(level.mean_after, 2)},
        "bright_fraction": {"before": round(level.fraction_before, 4), "after": round(level.fraction_after, 4)},
    }


def _parts(counts: tuple[int, int]) -> dict[str, int]:
    return dict(zip(("training", "evaluation"), counts, strict=True))
