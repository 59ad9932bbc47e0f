"""Files that are there whole or not at all."""

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from alloygan.errors import DataError, RunFolderError


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically and durably: a kill at any moment leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # mkstemp makes private files; these are as shared as any other
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, values: Any) -> None:
    """Write JSON atomically; NaN and infinity are refused, since JSON has none."""
    write_text(path, json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises RunFolderError if the file is missing, broken, or not an object."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunFolderError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RunFolderError(f"{path}: not readable as JSON: {error}") from None
    if not isinstance(values, dict):
        raise RunFolderError(f"{path}: expected a JSON object")
    return values


@contextmanager
def whole_folder(out: Path, marker: str, own: Collection[str]) -> Iterator[Path]:
    """A folder beside `out` to write to; what is in it becomes `out` when the block ends without an error.

    `marker` is the file that the block writes and by which an earlier result is known: such a folder is replaced, if
    it holds nothing but what the block writes, `own` (names of files and folders, with * for any part). Any other
    folder with something in it is refused with a DataError before anything is written.
    """
    out = out.resolve()  # of a link, what it leads to is replaced
    _refuse_other_things(out, marker, own)
    out.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(out)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.{os.getpid()}.", suffix=_PART, dir=out.parent))
    try:
        yield work
        umask = os.umask(0)
        os.umask(umask)
        work.chmod(0o777 & ~umask)  # mkdtemp makes private folders
        if out.exists():
            old = work.with_name(work.name.removesuffix(_PART) + f".old{_PART}")
            out.rename(old)
            work.rename(out)
            shutil.rmtree(old)
        else:
            work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


_PART = ".part"


def _refuse_other_things(out: Path, marker: str, own: Collection[str]) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise DataError(f"{out}: there is a file of this name; name another folder")
    there = sorted(path.name for path in out.iterdir())
    if there and marker not in there:
        raise DataError(f"{out}: there is something else already (no {marker} in it); name another folder")
    ours = (*own, ".DS_Store", "Thumbs.db")  # the last two are what file managers leave behind
    others = [name for name in there if not any(fnmatchcase(name, pattern) for pattern in ours)]
    if others:
        raise DataError(
            f"{out}: would be replaced, but holds {', '.join(others[:4])} as well; move that away, or name another "
            "folder"
        )


def _remove_abandoned(out: Path) -> None:
    """Folders that a killed process has left: it was at work on this one, and is no more."""
    for path in out.parent.glob(f".{glob.escape(out.name)}.*{_PART}"):
        process = path.name.removeprefix(f".{out.name}.").split(".")[0]
        if process.isdigit() and not _runs(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
