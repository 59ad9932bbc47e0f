"""Simulated fields on disk, each batch in a file named by the digest of all that decides it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from alloygan.errors import DataError
from alloygan.files import write_bytes

FORMAT = 1
"""Counted up when the solver or the drawing of the noise changes, so that what was cached before is not used."""


class FieldCache:
    """A folder of `DIGEST.safetensors` files; the header of each holds what decides its fields as JSON, and a checksum.

    Files are written whole under their final name, so several processes may share the folder: at worst two compute the
    same fields. A file that is damaged, or is not what its name says, counts as absent and is replaced.

    Raises:
        DataError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._cannot_be_kept(error) from None

    def read(self, law: Mapping[str, Any], shape: tuple[int, ...]) -> Tensor | None:
        """The fields float32 (T, B, H, W) that `law` decides, or None where they are not there or not intact."""
        path, text = self._place(law)
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata() or {}
                fields: Tensor = file.get_tensor("composition")
        except (SafetensorError, OSError, ValueError):
            return None
        if about.get("law") != text or fields.shape != shape or fields.dtype != torch.float32:
            return None
        return fields if about.get("sha256") == _checksum(fields) else None

    def write(self, law: Mapping[str, Any], fields: Tensor) -> None:
        """Keep fields. Raises DataError where the folder cannot be written to."""
        path, text = self._place(law)
        content = save(
            {"composition": fields},
            {"law": text, "sha256": _checksum(fields), "torch": torch.__version__},
        )
        try:
            write_bytes(path, content)
        except OSError as error:
            raise self._cannot_be_kept(error) from None

    def _cannot_be_kept(self, error: OSError) -> DataError:
        return DataError(
            f"{self.folder}: simulated fields cannot be kept there ({error.strerror or error}); name another folder in "
            "`cache` of the data set, or leave it out"
        )

    def _place(self, law: Mapping[str, Any]) -> tuple[Path, str]:
        text = json.dumps({"format": FORMAT, **law}, sort_keys=True, allow_nan=False)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.safetensors", text


def _checksum(fields: Tensor) -> str:
    return hashlib.sha256(fields.contiguous().numpy().tobytes()).hexdigest()
