"""What `alloygan prepare` is asked to do. Imports no torch."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from alloygan.errors import SpecError
from alloygan.specs.spec import SizePair, Spec, describe

Contrast = Literal["none", "quantile", "match", "clahe"]


class PrepareOptions(Spec):
    """How micrographs are made a data set."""

    patch: SizePair = Field(description="Side of a patch in px, or [height, width]: the image size of the GAN.")
    side_um: float | None = Field(
        None,
        gt=0,
        description="Width of a patch in µm: every micrograph is rescaled to side_um / patch width µm a px. Needed "
        "where the manifest has um_per_px, and not possible where it has none.",
    )
    stride: SizePair | None = Field(
        None, description="Distance of training patches in px, or [down, across]; by default a quarter of the patch."
    )
    contrast: Contrast = Field(
        "quantile",
        description="none: grey levels as the file has them; quantile: two percentiles of each micrograph to black and "
        "white; match: the histogram of each micrograph to that of a reference, which also makes area fractions alike; "
        "clahe: contrast-limited adaptive histogram equalisation.",
    )
    quantiles: tuple[float, float] = Field(
        (0.5, 99.5),
        description="Percentiles of a micrograph's training region that become black and white, for quantile and "
        "clahe.",
    )
    reference: Path | None = Field(
        None,
        description="A micrograph whose histogram the others get, for match; by default the training regions of all, "
        "equally many px of each.",
    )
    clip_limit: float = Field(
        0.01, ge=0.008, le=1, description="For clahe: largest part of a block's px in one of 256 grey levels."
    )
    block: int | None = Field(
        None, ge=32, description="For clahe: side of a block in px; by default the longer side of a patch."
    )
    cracks: Literal["region", "micrograph", "off"] = Field(
        "region",
        description="region: what lies around a crack is left out; micrograph: a micrograph with a crack is left out; "
        "off: cracks are not looked for. The manifest's column cracks overrules it for a micrograph.",
    )
    crack_margin: float | None = Field(
        None,
        ge=0,
        description="Distance from a crack up to which nothing is used, in µm where side_um is given, otherwise in px; "
        "by default a quarter of the patch's width.",
    )
    evaluation_fraction: float = Field(
        0.25,
        ge=0,
        lt=1,
        description="Part of each micrograph's longer side that is kept for evaluation, rounded to whole patches, at "
        "least one; 0 keeps nothing.",
    )
    conditions: tuple[str, ...] = Field(
        (),
        description="Columns of the manifest that are conditions; by default all that are not the manifest's own. The "
        "others are taken over to the prepared manifest all the same.",
    )
    max_pixels: int = Field(
        200_000_000, ge=1, description="Larger micrographs (in px) are refused before they are decoded."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        low, high = self.quantiles
        if not 0 <= low < high <= 100:
            raise ValueError("quantiles: two percentiles from 0 to 100, the lower one first")
        if self.reference is not None and self.contrast != "match":
            raise ValueError(f"reference: only contrast: match has a reference, not {self.contrast}")
        if self.block is not None and self.contrast != "clahe":
            raise ValueError(f"block: only contrast: clahe has blocks, not {self.contrast}")
        return self

    @property
    def um_per_px(self) -> float | None:
        """Length of a px of the prepared micrographs in µm."""
        return None if self.side_um is None else self.side_um / self.patch[1]


def read_options(given: Mapping[str, Any]) -> PrepareOptions:
    """The options from values of the command line: sizes as `128` or `128x64`, percentiles as `0.5,99.5`.

    Raises SpecError with a line for each problem, by the option's name.
    """
    try:
        return PrepareOptions.model_validate({name: _value(name, value) for name, value in given.items()})
    except ValidationError as error:
        lines = []
        for item in error.errors(include_url=False):
            name = f"--{str(item['loc'][0]).replace('_', '-')}: " if item["loc"] else ""
            lines.append(f"{name}{describe(item)}")
        raise SpecError("\n".join(lines)) from None


def _value(name: str, value: Any) -> Any:
    if name in ("patch", "stride") and isinstance(value, str):
        if not re.fullmatch(r"\d{1,6}(x\d{1,6})?", value, re.ASCII):
            raise SpecError(f"--{name}: {value!r} is not a number of px such as 128, or height x width such as 128x256")
        sides = tuple(map(int, value.split("x")))
        return sides if len(sides) == 2 else sides[0]
    if name == "quantiles" and isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        if len(parts) != 2 or not all(re.fullmatch(r"\d+(\.\d+)?", part, re.ASCII) for part in parts):
            raise SpecError(f"--quantiles: {value!r} is not two percentiles such as 0.5,99.5")
        return tuple(map(float, parts))
    return value
