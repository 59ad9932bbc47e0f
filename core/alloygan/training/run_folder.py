"""A run folder: everything of one training, readable without the process that made it."""

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from ruamel.yaml import YAML

from alloygan.errors import RunFolderError
from alloygan.files import write_bytes, write_json, write_text
from alloygan.locks import HeldElsewhereError, held
from alloygan.reading import leaves, read_document
from alloygan.specs.gan import NOT_TRAINED_BY, GanSpec


class RunFolder:
    """The files of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.metrics = path / "metrics.jsonl"

    def check(self, spec: GanSpec) -> None:
        """Check that a run of this spec can start or go on here; writes nothing.

        Raises RunFolderError with the differences for another spec than that of a checkpoint, or if the folder holds
        something else.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunFolderError(f"{self.path}: is a file; name a folder for the run")
        if (self.path / "spec.yaml").is_file():
            # Before its first checkpoint a run has nothing to lose: it was killed early, or could not be trained.
            if any(self.checkpoints.glob("*.json")):
                self._refuse_another(spec.model_dump(mode="json"))
        elif self.path.exists():
            # environment.json alone is a run that was killed while it started.
            foreign = [f for f in self.path.iterdir() if not f.name.startswith(".") and f.name != "environment.json"]
            if foreign:
                raise RunFolderError(f"{self.path}: holds files that are no run; name an empty or a new folder")

    def start(self, spec: GanSpec, device: torch.device) -> None:
        """Write what describes the run, unless it is there already; the spec last, since it makes the folder a run."""
        path, text = self.path / "spec.yaml", to_yaml(spec.model_dump(mode="json"))
        if not path.is_file() or not any(self.checkpoints.glob("*.json")):
            write_json(self.path / "environment.json", environment(device))
            write_text(path, text)
        elif path.read_text(encoding="utf-8") != text:
            write_text(path, text)  # another name, or another way of measuring: the training is the same

    def _refuse_another(self, values: Mapping[str, Any]) -> None:
        # null means the same as absence in a spec file. What a run is called and how it is measured may change.
        old, new = (
            {path: value for path, value in leaves(spec) if value is not None and path[0] not in NOT_TRAINED_BY}
            for spec in (read_document(self.path / "spec.yaml").values, values)
        )
        lines = [
            f"  {'.'.join(map(str, key))}: {old.get(key, '(absent)')} there, {new.get(key, '(absent)')} now"
            for key in sorted(old.keys() | new.keys(), key=str)
            if old.get(key) != new.get(key)
        ]
        if lines:
            raise RunFolderError(
                f"{self.path}: holds a run of another spec:\n" + "\n".join(lines) + "\n"
                "Name another folder with --out, or give the spec that this run was started with."
            )

    @contextmanager
    def locked(self, first: bool = True) -> Iterator[None]:
        """Hold the run for this process, or for the `first` of those that share the training. Raises RunFolderError if
        another process trains it.
        """
        if not first:
            yield
            return
        made = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        lock = self.path / ".lock"
        try:
            with held(lock):
                try:
                    yield
                finally:
                    # A training that could not start leaves no folder behind.
                    if made and not (self.path / "spec.yaml").is_file():
                        lock.unlink(missing_ok=True)
                        if not any(self.path.iterdir()):
                            self.path.rmdir()
        except HeldElsewhereError:
            raise RunFolderError(f"{self.path}: another process is training this run") from None

    def remove_unfinished(self) -> None:
        """Remove the temporary files that a killed process has left."""
        for path in self.path.rglob(".*.part"):
            path.unlink(missing_ok=True)

    def cut_metrics(self, images_seen: int) -> None:
        """Drop the lines of metrics.jsonl after a moment of the training, and a half-written last one."""
        if not self.metrics.is_file():
            return
        kept = []
        for line in self.metrics.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                if json.loads(line)["images"] <= images_seen:
                    kept.append(line + "\n")
            except (json.JSONDecodeError, KeyError, TypeError):
                break
        write_bytes(self.metrics, "".join(kept).encode())

    def log(self, line: Mapping[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")


def to_yaml(values: Mapping[str, Any]) -> str:
    """Plain values as YAML text."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = StringIO()
    yaml.dump(_without_null(values), text)
    return text.getvalue()


def _without_null(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [_without_null(inner) for inner in value]
    return value


def environment(device: torch.device) -> dict[str, Any]:
    """What the run runs on."""
    packages = {}
    for name in ("alloygan", "torch", "numpy", "timm", "pydantic", "scikit-image", "einops"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "(absent)"
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "packages": packages,
    }
