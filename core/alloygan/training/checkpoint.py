"""Checkpoints to resume from: written whole or not at all, checked by a digest, loaded without running code."""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import torch

from alloygan.errors import RunFolderError
from alloygan.files import read_json, write_bytes, write_json

SCHEMA = 1


def save_checkpoint(folder: Path, images_seen: int, state: dict[str, Any], keep: int) -> Path:
    """Write a checkpoint (`000000012800.pt` with its digest in `.json`), then remove all but the newest `keep`."""
    buffer = io.BytesIO()
    torch.save({"schema": SCHEMA, "images_seen": images_seen, "state": state}, buffer)
    content = buffer.getvalue()
    path = folder / f"{images_seen:012d}.pt"
    write_bytes(path, content)
    # Only with this file is the checkpoint one: it is written last.
    write_json(path.with_suffix(".json"), {"images_seen": images_seen, "sha256": hashlib.sha256(content).hexdigest()})
    for old in sorted(folder.glob("*.pt"))[:-keep]:
        old.with_suffix(".json").unlink(missing_ok=True)
        old.unlink(missing_ok=True)
    return path


def newest_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint that is whole, with its content on the CPU.

    Newer ones that are not whole are set aside (as `.broken`), or removed where their digest was never written.
    """
    for path in sorted(folder.glob("*.pt"), reverse=True):
        content = _load(path)
        if content is not None:
            return path, content
        if path.with_suffix(".json").is_file():
            path.with_suffix(".json").unlink()
            path.replace(path.with_suffix(".pt.broken"))
        else:
            path.unlink()
    return None


def newest_name(folder: Path) -> str:
    """The newest checkpoint's file name for messages."""
    found = sorted(folder.glob("*.pt"))
    return found[-1].name if found else "(none)"


def _load(path: Path) -> dict[str, Any] | None:
    try:
        digest = read_json(path.with_suffix(".json")).get("sha256")
        content = path.read_bytes()
    except (RunFolderError, OSError):
        return None
    if hashlib.sha256(content).hexdigest() != digest:
        return None
    try:
        # weights_only: tensors, numbers and strings, nothing that could run code.
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be loaded: {error}. Remove it to resume from an older one.") from None
    if not isinstance(loaded, dict) or loaded.get("schema") != SCHEMA:
        raise RunFolderError(f"{path}: not a checkpoint of this version; remove it to resume from an older one")
    return loaded
