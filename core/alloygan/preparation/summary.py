"""The page to review a preparation: patches of each condition, pictures before and after, grey levels, warnings."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from alloygan.files import write_text
from alloygan.preparation.conditions import Condition, condition_of, condition_text, elsewhere
from alloygan.preparation.levels import GreyLevels
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.page_pictures import Pictures
from alloygan.preparation.survey import Survey

_MOST_PICTURES = 60
"""Micrographs with pictures on the page; with more, the others are in the tables and the folder of overlays."""

_HISTOGRAM = (256, 70)  # width and height of a drawing, in its own units


@dataclass(frozen=True)
class _Row:
    """A micrograph in the tables."""

    name: str
    file: str
    found: Survey
    levels: GreyLevels | None
    training: int
    evaluation: int
    pictures: tuple[str, str] | None
    patches: Sequence[str]

    @property
    def part(self) -> str:
        """What the patches shown are for."""
        return "training" if self.found.micrograph.trains else "evaluation"


@dataclass(frozen=True)
class _Group:
    """A condition: its micrographs, and the histograms of all of them together."""

    title: str
    rows: Sequence[_Row]
    histograms: Markup | None

    @property
    def before(self) -> tuple[int, int]:
        """Training and evaluation patches that there would be without cracks."""
        counts = [row.found.patches_before for row in self.rows]
        return sum(one[0] for one in counts), sum(one[1] for one in counts)

    @property
    def after(self) -> tuple[int, int]:
        """Training and evaluation patches that there are."""
        return sum(row.training for row in self.rows), sum(row.evaluation for row in self.rows)

    @property
    def kept(self) -> int:
        """Micrographs that are not left out."""
        return sum(row.found.split is not None for row in self.rows)


def write_summary(
    path: Path,
    out: Path,
    manifest: Path,
    surveys: Sequence[Survey],
    options: PrepareOptions,
    levels: Mapping[str, GreyLevels],
    warnings: Sequence[str],
    pictures: Mapping[str, Pictures],
    prepared: Mapping[str, str],
) -> None:
    """Write summary.html, one page with everything in it but the overlays, which it links to."""
    shown = {found.name for found in surveys[:_MOST_PICTURES]}
    groups: dict[Condition, list[_Row]] = {}
    for found in surveys:
        counts = found.split.counts if found.split is not None else (0, 0)
        some = pictures.get(found.name) if found.name in shown else None
        groups.setdefault(condition_of(found.micrograph), []).append(
            _Row(
                found.name,
                prepared.get(found.name, ""),
                found,
                levels.get(found.name),
                *counts,
                (_jpeg(some.before), _jpeg(some.after)) if some is not None else None,
                [_jpeg(patch) for patch in some.patches] if some is not None else [],
            )
        )
    room = files("alloygan.preparation")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(room.joinpath("summary.html").read_text(encoding="utf-8"))
    whole = [
        _Group(condition_text(rows[0].found.micrograph) or "no condition", rows, _histograms(rows))
        for rows in groups.values()
    ]
    patches = sum(group.after[0] for group in whole)
    page = template.render(
        style=Markup(room.joinpath("summary.css").read_text(encoding="utf-8")),
        manifest=manifest.name,
        groups=whole,
        options=options,
        warnings=warnings,
        block=_data_block(out, options, surveys),
        before=[sum(group.before[i] for group in whole) for i in (0, 1)],
        after=[sum(group.after[i] for group in whole) for i in (0, 1)],
        megabytes=patches * options.patch[0] * options.patch[1] / 1e6,
        most_pictures=_MOST_PICTURES,
        micrographs=len(surveys),
        settings=_settings(options),
    )
    write_text(path, page)


def _settings(options: PrepareOptions) -> list[tuple[str, str]]:
    """What was asked for, without what does not apply."""
    values: dict[str, Any] = options.model_dump(mode="json", exclude_none=True)
    for name, kinds in (
        ("quantiles", ("quantile", "clahe")),
        ("clip_limit", ("clahe",)),
        ("reference", ("match",)),
        ("block", ("clahe",)),
    ):
        if options.contrast not in kinds:
            values.pop(name, None)
    return [
        (name, _SEPARATED[name].join(map(str, value)) if name in _SEPARATED else str(value))
        for name, value in values.items()
        if value != []
    ]


_SEPARATED = {"patch": " × ", "stride": " × ", "conditions": ", "}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _data_block(out: Path, options: PrepareOptions, surveys: Sequence[Survey]) -> str:
    """What a spec says to use the result."""
    patch = options.patch[0] if options.patch[0] == options.patch[1] else list(options.patch)
    # JSON is YAML, and quotes what would otherwise mean something.
    manifest = json.dumps(f"{out.name}/manifest.csv", ensure_ascii=False)
    if re.fullmatch(r'"[A-Za-z0-9_./-]+"', manifest):
        manifest = manifest[1:-1]
    lines = ["data:", "  kind: micrographs", f"  manifest: {manifest}", f"  patch: {patch}"]
    if options.stride is not None:
        stride = options.stride[0] if options.stride[0] == options.stride[1] else list(options.stride)
        lines.append(f"  stride: {stride}")
    if options.evaluation_fraction == 0:
        lines.append("  evaluation_fraction: 0")
    if elsewhere([found.micrograph for found in surveys if found.split is not None], options.evaluation_fraction):
        lines.append("  table: false")
    largest = max(found.size[0] * found.size[1] for found in surveys)
    if largest > 200_000_000:
        lines.append(f"  max_pixels: {largest}")
    lines.append("conditions:")
    names = list(surveys[0].micrograph.conditions)
    lines += [f"  - {{name: {name}}}" for name in names if _NAME.fullmatch(name)]
    lines += [
        f"  # {name!r} is no name of a condition: rename the column, to letters, digits and _"
        for name in names
        if not _NAME.fullmatch(name)
    ]
    return "\n".join(lines)


def _jpeg(picture: NDArray[np.uint8]) -> str:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode()}"


def _histograms(rows: Sequence[_Row]) -> Markup | None:
    """Histograms of all micrographs of a condition: a line each, before above after."""
    kept = [row.levels for row in rows if row.levels is not None]
    if not kept:
        return None
    return Markup("").join(
        [_histogram("before", [one.before for one in kept]), _histogram("after", [one.after for one in kept])]
    )


def _histogram(title: str, counts: Sequence[NDArray[np.int64]]) -> Markup:
    width, height = _HISTOGRAM
    # The ends hold what is clipped, and would hide the rest.
    # Stretched levels leave gaps between them, which are not of the microstructure.
    smooth = [np.convolve(one / one.sum(), np.hanning(15) / 7, mode="same") for one in counts]
    top = max(float(one[7:-7].max()) for one in smooth) or 1.0
    lines = Markup("").join(
        Markup('<polyline points="{}"/>').format(
            " ".join(f"{x},{height - min(height, height * y / top):.1f}" for x, y in enumerate(one))
        )
        for one in smooth
    )
    return Markup(
        '<figure class="histogram"><figcaption>{title}</figcaption>'
        '<svg viewBox="0 -2 {width} {tall}" role="img" aria-label="grey levels {title}">{lines}'
        '<line class="axis" x1="0" y1="{height}" x2="{width}" y2="{height}"/></svg>'
        '<span class="ends"><span>0</span><span>grey level</span><span>255</span></span></figure>'
    ).format(title=title, width=width, height=height, tall=height + 4, lines=lines)
