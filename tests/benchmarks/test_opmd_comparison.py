"""The comparison with the OPMD gallery: its pieces, and the whole on a small gallery of known origin."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from alloygan_plugins.spinodal.simulator import simulate

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "opmd_comparison.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("opmd_comparison", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def coloured(field: NDArray[np.float64], script: ModuleType) -> NDArray[np.uint8]:
    """(H, W) in [0, 1] to (H, W, 3) in the gallery's colours."""
    at = np.linspace(0, 1, len(script.PARULA))
    channels = [np.interp(field, at, channel) for channel in zip(*script.PARULA, strict=True)]
    return np.rint(255 * np.stack(channels, axis=-1)).astype(np.uint8)


def save_picture(pixels: NDArray[np.uint8], path: Path) -> None:
    """A picture as the gallery has it: enlarged, under a white title band with dark letters, as JPEG."""
    picture = Image.fromarray(pixels).resize((350, 306), Image.Resampling.BILINEAR)
    framed = Image.new(picture.mode, (350, 320), "white")
    framed.paste("black", (150, 4, 200, 8))
    framed.paste(picture, (0, 14))
    path.parent.mkdir(exist_ok=True)
    framed.save(path, quality=90)


def wave(rows: int, columns: int, side: int = 64) -> NDArray[np.float64]:
    y, x = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    return 0.5 + 0.5 * np.cos(2 * np.pi * (rows * y + columns * x) / side)


def test_colours_are_read_back(script: ModuleType) -> None:
    field = np.linspace(0, 1, 500).reshape(20, 25)
    assert np.abs(script.uncoloured(coloured(field, script).astype(float)) - field).max() < 0.01


def test_a_picture_is_read_without_its_title(script: ModuleType, tmp_path: Path) -> None:
    field = wave(2, 3)
    save_picture(coloured(field, script), tmp_path / "one.jpg")
    found = script.read_picture(tmp_path / "one.jpg", 64)
    assert found.shape == (64, 64)
    assert np.abs(found - field).mean() < 0.03
    save_picture(np.full((64, 64), 90, dtype=np.uint8), tmp_path / "flat.jpg")
    assert script.read_picture(tmp_path / "flat.jpg", 64) is None


def test_waves_measure_as_they_are(script: ModuleType) -> None:
    along, across = script.measure(wave(0, 5)), script.measure(wave(4, 4))
    assert along.cycles == pytest.approx(5)
    assert along.alignment == pytest.approx(1)
    assert across.cycles == pytest.approx(4 * 2**0.5)
    assert across.alignment == pytest.approx(-1)
    assert along.spectrum.sum() == pytest.approx(1)
    assert along.spectrum[9:11].sum() == pytest.approx(1)
    assert along.area_fraction == pytest.approx(0.5, abs=0.05)
    assert script.measure(np.round(wave(0, 5))).bimodality == 1


def test_one_law_lies_at_the_floor_and_another_above_it(script: ModuleType) -> None:
    def patterns(gradient_energy: float, seed: int) -> list[object]:
        fields = simulate(torch.full((12,), 0.5), torch.full((12,), gradient_energy), [150.0], (64, 64), seed)[0]
        return [script.measure(field) for field in fields.numpy()]

    real, same = patterns(0.5, 0), patterns(0.5, 1)
    columns = [script.measure(wave(0, 5) + 0.3 * wave(0, 20)) for _ in real]
    random = np.random.default_rng(0)
    assert script.compare(real, same, random)["distance"] < script.compare(real, real, random)["floor_95"]
    assert script.compare(real, columns, random)["distance"] > 0.5


def test_the_whole_on_a_gallery_of_our_own(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    composition = torch.tensor([0.3, 0.3, 0.37, 0.37, 0.46, 0.54])
    fields = simulate(composition, torch.full((6,), 0.5), [200.0], (64, 64), 7)[0].clamp(0, 1).numpy().astype(float)
    for i, field in enumerate(fields):
        save_picture(coloured(field, script), tmp_path / "opmd1" / f"{i}.jpg")
        save_picture(np.rint(200 * field).astype(np.uint8), tmp_path / "opmd2" / f"{i}.jpg")
    small = ["--size", "64", "--gradient-energy", "0.5", "--times", "100", "200", "--seed", "3"]
    script.main([str(tmp_path), "--out", str(tmp_path / "out"), *small])
    assert "opmd2: 6 of 6 pictures" in capsys.readouterr().out
    with Image.open(tmp_path / "out" / "comparison.png") as figure:
        assert figure.size[0] == 1100
    sets = json.loads((tmp_path / "out" / "comparison.json").read_text())["sets"]
    for one in sets.values():
        found = one["means"]
        assert found["simulated"]["minority"] == pytest.approx(found["gallery"]["minority"], abs=0.05)
        assert found["simulated"]["cycles"] == pytest.approx(found["gallery"]["cycles"], rel=0.25)
    assert set(sets["opmd1"]["spectra"]) == {"simulated", "with misfit"}
    assert set(sets["opmd2"]["spectra"]) == {"simulated"}


def test_a_folder_without_pictures_is_told(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        script.main([str(tmp_path), "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    assert "no pictures in opmd1 and opmd2" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
