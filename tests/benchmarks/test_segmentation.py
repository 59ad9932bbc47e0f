"""The script compares the segmentation with masks: perfect without noise, better with smoothing where there is some."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "segmentation.py"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("segmentation_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def manifest(folder: Path, noise: float) -> Path:
    random = np.random.default_rng(0)
    rows = ["file,mask"]
    for i, size in enumerate([(96, 128), (128, 96)]):
        mask = ndimage.gaussian_filter(random.standard_normal(size), 5) > 0.02
        image = np.where(mask, 80, 170) + random.normal(0, noise, size)
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / f"{i}.png")
        Image.fromarray((255 * mask).astype(np.uint8)).save(folder / f"{i}_mask.png")
        rows.append(f"{i}.png,{i}_mask.png")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder / "manifest.csv"


def scores(script: Any, path: Path, *options: str) -> list[dict[str, Any]]:
    script.main([str(path), "--phase", "dark", "--json", str(path.parent / "out.json"), *options])
    rows: list[dict[str, Any]] = json.loads((path.parent / "out.json").read_text())["rows"]
    return rows


def test_without_noise_it_is_the_mask(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for row in scores(script, manifest(tmp_path, 0)):
        assert row["iou"] == 1.0
        assert row["area_fraction"]["mask"] == row["area_fraction"]["segmented"]
    assert "IoU" in capsys.readouterr().out


def test_smoothing_and_specks_help_against_noise(script: Any, tmp_path: Path) -> None:
    path = manifest(tmp_path, 45)
    rough, smooth, clean = (
        [row["iou"] for row in scores(script, path, *options)]
        for options in ((), ("--smooth", "1"), ("--smooth", "1", "--specks", "20"))
    )
    assert max(rough) < min(smooth)
    assert all(one > other - 0.01 for one, other in zip(clean, smooth, strict=True))
    assert min(clean) > 0.9


def test_a_manifest_without_masks_is_refused(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = manifest(tmp_path, 0)
    path.write_text("file\n0.png\n")
    with pytest.raises(SystemExit) as ended:
        script.main([str(path)])
    assert ended.value.code == 2
    assert "no row has a mask" in capsys.readouterr().err
