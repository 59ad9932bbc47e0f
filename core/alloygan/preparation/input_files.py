"""The files that a preparation reads: what can be refused before any is decoded, and what theirs will be called."""

from collections.abc import Sequence
from pathlib import Path

from alloygan.data.images import image_size
from alloygan.data.manifest import Micrograph, refuse_problems
from alloygan.errors import DataError
from alloygan.preparation.options import PrepareOptions


def refuse_inputs_inside(out: Path, manifest: Path, micrographs: Sequence[Micrograph], options: PrepareOptions) -> None:
    """Raise DataError where a file that is read lies in the folder that is replaced."""
    folder = out.resolve()
    if manifest.resolve().is_relative_to(folder):
        raise DataError(f"{out}: holds the manifest that is to be prepared, and would be replaced; name another folder")
    inputs = [path for one in micrographs for path in (one.file, one.mask) if path is not None]
    for path in [*inputs, *([options.reference] if options.reference is not None else [])]:
        if path.resolve().is_relative_to(folder):
            raise DataError(
                f"{out}: holds {path.name}, which is to be read, and would be replaced; name another folder"
            )


def check_headers(micrographs: Sequence[Micrograph], options: PrepareOptions) -> None:
    """Raise DataError with a line for each file whose header says that it cannot be used."""
    problems = []
    for one in micrographs:
        try:
            image_size(one.file, channels=1, max_pixels=options.max_pixels)
        except DataError as error:
            problems.append(f"{one.where}: file: {error}")
    refuse_problems(problems)


def stems(micrographs: Sequence[Micrograph]) -> list[str]:
    """A stem for the files of each micrograph, all different also where case does not count."""
    names: list[str] = []
    for one in micrographs:
        taken = {name.lower() for name in names}
        number, name = 1, one.file.stem
        while name.lower() in taken:
            number += 1
            name = f"{one.file.stem}_{number}"
        names.append(name)
    return names
