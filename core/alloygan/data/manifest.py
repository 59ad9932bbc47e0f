"""The manifest of a data set: a `manifest.csv` with one row a micrograph.

Columns: `file`, and one for each condition; optional are `um_per_px` (length of a pixel in µm), `mask`, `roi`
(`x y width height` in px), `avoid` (regions like that, separated by semicolons), `evaluation` (one such region, or
`all` or `none`), `exclude` (yes or no), and `cracks` for `alloygan prepare`, which writes `source`. Others are ignored.
Paths are relative to the manifest. All problems of a manifest are reported together. Imports no torch, so that
`alloygan check` stays fast.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from alloygan.data.evaluation_part import EvaluationPart
from alloygan.data.images import image_size
from alloygan.data.region import Region
from alloygan.data.values import parse_level, parse_number
from alloygan.errors import DataError, nearest
from alloygan.specs.condition_columns import ColumnSpec

OWN_COLUMNS = ("file", "um_per_px", "mask", "roi", "exclude", "cracks", "avoid", "evaluation", "source")
"""Columns that are not conditions."""

Cracks = Literal["find", "none", "micrograph"] | tuple[Region, ...]
"""What a manifest says of cracks: to be found, there are none, leave the whole micrograph out, or where they are."""

_MOST_PROBLEMS = 20
_YES, _NO = ("yes", "1", "true"), ("no", "0", "false", "")
_REGION = re.compile(r"\d{1,9}(\s+\d{1,9}){3}", re.ASCII)


@dataclass(frozen=True)
class Micrograph:
    """A row of the manifest: the image, its conditions as text by column name, and what else is known of it.

    `where` is `manifest.csv:LINE`; `roi` None is the whole image; `um_per_px` is in µm. `avoid` (no patch may meet
    these) and the region of `evaluation` are in px of the image, as `roi` is. `source` is the file as the manifest
    names it. `others` are values of columns that are taken over, but are no conditions.
    """

    where: str
    file: Path
    conditions: Mapping[str, str]
    um_per_px: float | None = None
    mask: Path | None = None
    roi: Region | None = None
    avoid: tuple[Region, ...] = ()
    evaluation: EvaluationPart = None
    cracks: Cracks = "find"
    source: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def trains(self) -> bool:
        """Whether any part of it is for training."""
        return self.evaluation != "all"

    def values(self, columns: Iterable[str]) -> list[str]:
        """The text of these columns, conditions or `others`."""
        return [self.conditions[name] if name in self.conditions else self.others[name] for name in columns]

    @property
    def regions_in_roi(self) -> tuple[tuple[Region, ...], EvaluationPart]:
        """`avoid` and `evaluation` in px of what is cropped to `roi`."""
        if self.roi is None:
            return self.avoid, self.evaluation
        inside = [part for region in self.avoid if (part := region.part_in(self.roi))]
        x, y = -self.roi.x, -self.roi.y
        evaluation = self.evaluation.moved(x, y) if isinstance(self.evaluation, Region) else self.evaluation
        return tuple(region.moved(x, y) for region in inside), evaluation


@dataclass(frozen=True)
class Manifest:
    """The micrographs of a data set in the order of the file, without those that the manifest excludes.

    `columns` are the names of all columns that are not the manifest's own, in their order.
    """

    path: Path
    micrographs: tuple[Micrograph, ...]
    columns: tuple[str, ...] = ()

    @property
    def um_per_px(self) -> float | None:
        """Length of a pixel in µm, the same for all micrographs; None where it is not known."""
        return self.micrographs[0].um_per_px


def read_manifest(path: Path, conditions: Sequence[ColumnSpec] | None, *, named: Sequence[str] = ()) -> Manifest:
    """Read and check a manifest for these condition columns; image files must exist but are not decoded.

    `conditions` None is for `alloygan prepare`: every column that is not the manifest's own is taken over as text, and
    `um_per_px` may differ from row to row. Conditions are then those `named`, or all of them if none are. An excluded
    row is not looked at further. Raises DataError with one line `manifest.csv:LINE: column: …` for each problem, 20 at
    most.
    """
    header_line, header, rows = _read_rows(path)
    columns = _others(header)
    asked = [one.name for one in conditions] if conditions is not None else list(dict.fromkeys(named))
    names = asked or columns if conditions is None else asked
    carried = [name for name in columns if name not in names] if conditions is None else []
    problems = list(_header_problems(f"{path}:{header_line}", header, asked))
    if "file" not in header:
        refuse_problems(problems)
    micrographs: list[Micrograph] = []
    for line, cells in rows:
        where = f"{path}:{line}"
        if len(cells) != len(header):
            problems.append(
                f"{where}: {len(cells)} values in a table of {len(header)} columns; add the missing commas, "
                "or write a value that has a comma in quotes"
            )
            continue
        row = _Row(where, path.parent, {n: c.strip() for n, c in zip(header, cells, strict=True)}, problems)
        if not row.excluded():
            micrographs.append(row.micrograph(names, conditions or (), carried))
    if not rows:
        problems.append(f"{path}: there are no rows below the header; add one for each micrograph")
    elif not micrographs and not problems:
        problems.append(f"{path}: exclude: every row is excluded; keep at least one micrograph")
    if conditions is not None:
        problems.extend(_scale_problems(micrographs))
    problems.extend(_overlap_problems(micrographs))
    refuse_problems(problems)
    return Manifest(path, tuple(micrographs), tuple(columns))


def condition_columns_of(path: Path) -> tuple[str, ...]:
    """Names of the columns of a manifest that can be conditions. Raises DataError if it cannot be read."""
    return tuple(_others(_read_rows(path)[1]))


def _others(header: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in header if name and name not in OWN_COLUMNS))


def refuse_problems(problems: Sequence[str]) -> None:
    """Raise a DataError with one line for each problem (20 at most) if there are any."""
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        rest = [f"… and {more} more"] if more > 0 else []
        raise DataError("\n".join([*problems[:_MOST_PROBLEMS], *rest]))


@dataclass(frozen=True)
class _Row:
    """One row under inspection; what is wrong with it is added to `problems`."""

    where: str
    folder: Path
    cells: Mapping[str, str]
    problems: list[str]

    def excluded(self) -> bool:
        text = self.cells.get("exclude", "").lower()
        if text not in _YES + _NO:
            self._add(f"exclude: {text!r} is neither yes nor no")
        return text in _YES

    def micrograph(self, names: Iterable[str], conditions: Iterable[ColumnSpec], carried: Iterable[str]) -> Micrograph:
        file, size = self._image()
        for spec in conditions:
            self._check_condition(spec)
        roi = self._region("roi", size)
        return Micrograph(
            self.where,
            file,
            {name: self.cells.get(name, "") for name in names},
            self._um_per_px(),
            self._mask(size),
            roi,
            self._regions("avoid", size),
            self._evaluation(size, roi),
            self._cracks(size),
            self.cells["file"],
            {name: self.cells[name] for name in carried},
        )

    def _add(self, problem: str) -> None:
        self.problems.append(f"{self.where}: {problem}")

    def _image(self) -> tuple[Path, tuple[int, int] | None]:
        """The image's path, and its size where that is needed and can be read."""
        name = self.cells["file"]
        if not name:
            self._add("file: the value is missing; give the path of the image, relative to the manifest")
            return self.folder, None
        file = self.folder / name
        if not file.is_file():
            self._add(f"file: there is no file {file}; correct the path (it starts at the manifest) or exclude it")
            return file, None
        # The header alone is read, and only where something has to fit the image.
        fitted = any(self.cells.get(name) for name in ("roi", "mask", "avoid", "evaluation", "cracks"))
        return file, self._size("file", file) if fitted else None

    def _size(self, column: str, file: Path) -> tuple[int, int] | None:
        try:
            return image_size(file, max_pixels=2**62)  # the limit is the reader's business
        except DataError as error:
            self._add(f"{column}: {error}")
            return None

    def _check_condition(self, spec: ColumnSpec) -> None:
        if spec.name not in self.cells:
            return  # reported once, for the header
        text = self.cells[spec.name]
        try:
            if spec.scale == "category":
                parse_level(spec.name, text, spec.levels)
            else:
                parse_number(spec.name, text, spec.scale)
        except DataError as error:
            self._add(str(error))

    def _um_per_px(self) -> float | None:
        text = self.cells.get("um_per_px")
        if not text:
            return None
        try:
            # What is wanted of a length is what a log scale wants: a finite number above 0.
            return parse_number("um_per_px", text, "log")
        except DataError:
            self._add(f"um_per_px: {text!r} is not a length in µm above 0; correct it, or leave the column empty")
            return None

    def _mask(self, size: tuple[int, int] | None) -> Path | None:
        name = self.cells.get("mask")
        if not name:
            return None
        mask = self.folder / name
        if not mask.is_file():
            self._add(f"mask: there is no file {mask}; correct the path (it starts at the manifest) or empty it")
            return None
        found = self._size("mask", mask)
        if found and size and found != size:
            self._add(
                f"mask: {mask} has {found[0]} × {found[1]} px and the image {size[0]} × {size[1]}; they "
                "must be the same"
            )
        return mask

    def _region(self, column: str, size: tuple[int, int] | None, text: str | None = None) -> Region | None:
        """The region in a column, or in `text`, a part of it; None where there is none or it is wrong."""
        text = self.cells.get(column) if text is None else text
        if not text:
            return None
        if not _REGION.fullmatch(text):
            self._add(f"{column}: {text!r} is not `x y width height`: four whole numbers in px, separated by spaces")
            return None
        region = Region(*map(int, text.split()))
        if size and not region.lies_in(size):
            self._add(f"{column}: {text} does not lie in the image, which is {size[1]} px wide and {size[0]} px high")
            return None
        return region

    def _regions(self, column: str, size: tuple[int, int] | None) -> tuple[Region, ...]:
        parts = [part.strip() for part in self.cells.get(column, "").split(";")]
        found = (self._region(column, size, part) for part in parts if part)
        return tuple(region for region in found if region is not None)

    def _evaluation(self, size: tuple[int, int] | None, roi: Region | None) -> EvaluationPart:
        text = self.cells.get("evaluation", "").lower()
        if text == "all":
            return "all"
        if text == "none":
            return "none"
        if text and not _REGION.fullmatch(text):
            self._add(
                f"evaluation: {text!r} is not known; leave it empty (a strip at one end is kept for evaluation), or "
                "write all (the whole micrograph, or its roi, is for evaluation), none (nothing of it is), or one "
                "region `x y width height` in px"
            )
            return None
        region = self._region("evaluation", size)
        if region is not None and roi is not None and region.part_in(roi) != region:
            self._add(f"evaluation: {region.text} does not lie in the roi {roi.text}")
        return region

    def _cracks(self, size: tuple[int, int] | None) -> Cracks:
        text = self.cells.get("cracks", "").lower()
        if not text:
            return "find"
        if text == "none":
            return "none"
        if text == "micrograph":
            return "micrograph"
        if not re.search(r"\d", text):
            self._add(
                f"cracks: {text!r} is not known; leave it empty (they are found), or write none (there are none), "
                "micrograph (leave it out), or regions `x y width height; …` in px that are left out"
            )
            return "find"
        return self._regions("cracks", size)


def _read_rows(path: Path) -> tuple[int, list[str], list[tuple[int, list[str]]]]:
    """Line and names of the header, and line and cells of every row that is not blank."""
    if not path.is_file():
        what = "is a folder; name the manifest.csv in it" if path.is_dir() else "there is no such manifest"
        raise DataError(f"{path}: {what}")
    lines: list[tuple[int, list[str]]] = []
    try:
        # utf-8-sig: spreadsheets put a byte order mark at the start, which would become part of the first
        # name.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            start = 1
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    lines.append((start, cells))
                start = reader.line_num + 1
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a UTF-8 text file; save it from the spreadsheet as `CSV UTF-8`") from None
    except csv.Error as error:
        raise DataError(f"{path}: not a table of comma-separated values ({error}); save it as CSV") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    if not lines:
        raise DataError(f"{path}: the manifest is empty; write a header (file, and a column for each condition)")
    (line, header), *rows = lines
    return line, [name.strip() for name in header], rows


def _header_problems(where: str, header: Sequence[str], conditions: Sequence[str]) -> Iterator[str]:
    names = [name for name in header if name]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{where}: {name}: the column stands {names.count(name)} times; keep one of them"
    if "file" not in names:
        # Where the decimal sign is a comma, spreadsheets separate with something else.
        other = next((sign for sign in ";\t" if sign in "".join(header)), None)
        remedy = f" Separate the columns with commas, not with {other!r}." if other else ""
        yield f"{where}: file: there is no such column.{remedy or nearest('file', names, noun='Columns')}"
    for name in conditions:
        known = nearest(name, set(names) - set(OWN_COLUMNS), noun="Conditions")
        if name in OWN_COLUMNS:
            yield (
                f"{where}: {name}: this column is no condition but the manifest's own; rename it, or name another."
                f"{known}"
            )
        elif name not in names:
            yield f"{where}: {name}: there is no such column.{known}"


def _scale_problems(micrographs: Sequence[Micrograph]) -> Iterator[str]:
    known = next((one for one in micrographs if one.um_per_px is not None), None)
    if known is None or known.um_per_px is None:
        return
    for one in micrographs:
        if one.um_per_px != known.um_per_px:
            found = "missing" if one.um_per_px is None else f"{one.um_per_px:g}"
            yield (
                f"{one.where}: um_per_px: {found} here, and {known.um_per_px:g} in {known.where}; it must "
                "be the same for all rows or empty for all; `alloygan prepare` brings micrographs to one scale, "
                "or exclude this one"
            )


def _overlap_problems(micrographs: Iterable[Micrograph]) -> Iterator[str]:
    """One image in two rows could put training pixels of one row into the evaluation region of the other."""
    seen: dict[Path, list[Micrograph]] = {}
    for one in micrographs:
        if not one.file.is_file():
            continue
        before = seen.setdefault(one.file.resolve(), [])
        for other in before:
            if one.roi is None or other.roi is None or one.roi.meets(other.roi):
                yield (
                    f"{one.where}: file: {one.file.name} is also in {other.where}; keep one of the rows, or "
                    "give both regions (roi) that do not overlap"
                )
                break
        before.append(one)
