"""Spec of the data set of real micrographs. Imports no torch: `alloygan check` reads manifests through it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan import DatasetSpec
from alloygan.errors import DataError
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.spec import SizePair, SpecPath

if TYPE_CHECKING:
    from alloygan import Data
    from alloygan.data.condition_space import ConditionSpace
    from alloygan.data.cutting import Cut
    from alloygan.data.manifest import Manifest, Micrograph


class Micrographs(DatasetSpec):
    """Patches of the micrographs that a manifest.csv lists, with a condition for each micrograph."""

    kind: Literal["micrographs"] = "micrographs"
    manifest: SpecPath = Field(
        description="CSV file with a row for each micrograph: file, a column for each condition, and "
        "optionally um_per_px, mask, roi, avoid, evaluation and exclude. The path is relative to the file "
        "that names it."
    )
    patch: SizePair = Field(
        description="Side of a patch in px after downscale, or [height, width]: the image size of the GAN."
    )
    downscale: int = Field(1, ge=1, description="So many px of the micrograph, along each side, are averaged to one.")
    channels: int = Field(
        1,
        ge=1,
        description="Channels of a patch: 1 takes the luminance of RGB files, 3 repeats grey; otherwise the "
        "files must have as many.",
    )
    stride: SizePair | None = Field(
        None,
        description="Distance of training patches in px after downscale, or [down, across]; by default a "
        "quarter of the patch.",
    )
    evaluation_fraction: float = Field(
        0.25,
        ge=0,
        lt=1,
        description="Part of each micrograph's longer side that is kept for evaluation, rounded to whole "
        "patches, at least one. 0 keeps nothing: evaluation then uses the training patches. What rows of the manifest "
        "say in the column evaluation (a region, all or none) comes first.",
    )
    contrast: Literal["none", "stretch"] = Field(
        "none",
        description="none: grey levels as the file has them (its full range to 0..255); stretch: the 0.5th "
        "and 99.5th percentile of each micrograph to 0 and 255, so that brightness alone does not tell the "
        "condition.",
    )
    table: bool = Field(
        True,
        description="Whether conditions form a table with an id each (label); false: continuous values only.",
    )
    mapped: SpecPath | None = Field(
        None,
        description="Folder in which the patches are kept and mapped into memory from, for data sets larger than it; "
        "made once for the same micrographs and settings. The images, their order and all results are the same. The "
        "path is relative to the file that names it.",
    )
    max_pixels: int = Field(200_000_000, ge=1, description="Larger images (in px) are refused before they are decoded.")

    @property
    def gives(self) -> frozenset[str]:
        """`label`, unless there is no table."""
        return frozenset({"label"}) if self.table else frozenset()

    @property
    def leaves_files(self) -> bool:
        """Where patches are mapped."""
        return self.mapped is not None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a patch."""
        return (self.channels, *self.patch)

    @property
    def cut(self) -> "Cut":
        """How micrographs are cut to patches."""
        from alloygan.data.cutting import Cut

        return Cut(self.patch, self.stride, self.downscale, self.evaluation_fraction)

    def columns(self, asked: Sequence[ColumnSpec]) -> tuple[ColumnSpec, ...]:
        """The columns asked for: which parameters are conditions, and on which scale, is for the spec to say.

        Raises ValueError if none are asked for, naming those of the manifest. The manifest is not read
        otherwise, so that a shared model can be used where its data are not.
        """
        if asked:
            return tuple(asked)
        from alloygan.data.manifest import condition_columns_of

        try:
            found = ", ".join(condition_columns_of(self.manifest)) or "no column that could be one"
        except DataError as error:
            found = f"nothing that can be read ({error})"
        raise ValueError(
            "name the conditions, such as `conditions: [{name: exposure, unit: h, scale: log}]`; the "
            f"manifest has {found}"
        )

    def check_inputs(self, asked: Sequence[ColumnSpec]) -> None:
        """Check the manifest, and from the headers of the images their size and channels; nothing is decoded.

        Raises DataError with a line for each problem.
        """
        self.checked_manifest(asked)
        if self.mapped is not None and self.mapped.exists() and not self.mapped.is_dir():
            raise DataError(f"{self.mapped}: not a folder; `mapped` names a folder, which may not exist yet")

    def checked_manifest(self, asked: Sequence[ColumnSpec]) -> "Manifest":
        """Read the manifest and check it as `check_inputs` does."""
        from alloygan.data.cutting import patch_places
        from alloygan.data.images import image_size
        from alloygan.data.manifest import read_manifest, refuse_problems

        manifest = read_manifest(self.manifest, self.columns(asked))
        problems = list(self._untrained(manifest, asked))
        for one in manifest.micrographs:
            try:
                size = image_size(one.file, channels=self.channels, max_pixels=self.max_pixels)
                avoid, part = one.regions_in_roi
                used = (one.roi.height, one.roi.width) if one.roi else size
                patch_places(used, self.cut, str(one.file), avoid=avoid, evaluation=part)
            except DataError as error:
                problems.append(f"{one.where}: file: {error}")
        refuse_problems(problems)
        return manifest

    def _untrained(self, manifest: "Manifest", asked: Sequence[ColumnSpec]) -> Iterator[str]:
        """What lacks training patches because it is all for evaluation: everything, or a condition of the table."""
        from alloygan.data.untrained import untrained
        from alloygan.data.values import parse_level, parse_number

        if not any(one.trains for one in manifest.micrographs):
            yield (
                f"{self.manifest}: evaluation: every row says all, so there is no training patch; write none or a "
                "region in some rows, or leave them empty"
            )
            return
        if not self.table:
            return
        columns = self.columns(asked)

        def condition(one: "Micrograph") -> tuple[str | float, ...]:
            return tuple(
                parse_level(column.name, one.conditions[column.name], column.levels)
                if column.scale == "category"
                else parse_number(column.name, one.conditions[column.name], column.scale)
                for column in columns
            )

        for one in untrained(manifest.micrographs, condition):
            words = ", ".join(f"{name} = {value}" for name, value in one.conditions.items())
            yield (
                f"{one.where}: evaluation: all, as in every row of the condition {words}, so it has no training patch; "
                "write none or a region in one of them, leave it empty, exclude them, or set table: false where "
                "conditions are values between others"
            )

    def condition_space(self, asked: Sequence[ColumnSpec]) -> "ConditionSpace":
        """Bounds and table from the rows of the manifest that are not excluded."""
        from alloygan.data.condition_space import ConditionSpace

        rows = [one.conditions for one in self.checked_manifest(asked).micrographs]
        return ConditionSpace.from_rows(self.columns(asked), rows, tabulate=self.table)

    def build(self, asked: Sequence[ColumnSpec]) -> "Data":
        """Read the micrographs and cut them to patches."""
        from alloygan_plugins.micrographs.dataset import build

        return build(self, asked)
