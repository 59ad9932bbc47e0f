"""Two continuous conditions and a class together, from the manifest to the atlas, with every part that takes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from alloygan import Zoo, evaluate_run, train
from alloygan.cli import main
from alloygan.reports.page import write_report
from alloygan.sharing import load_generator

ALLOYS, HOURS, DEGREES = ("Inconel, cast", "Waspaloy"), (10, 100, 1000), (900, 1000)
SPEC = """
name: mixed
data: {kind: micrographs, manifest: manifest.csv, patch: 16, held_out: {conditions: [{alloy: Waspaloy, exposure: 100}]}}
conditions:
  - {name: alloy, scale: category}
  - {name: exposure, unit: h, scale: log}
  - {name: temperature, unit: °C}
generator: {kind: dcgan_attention, conditioner: CONDITIONER, width: 4, noise: 8, injection: film}
critic: {kind: dcgan_contrastive, conditioner: CONDITIONER, width: 4, condition: projection, norm: spectral}
losses: LOSSES
training: {images: 32, batch_size: 8, critic_updates: 1, sampler: SAMPLER, device: cpu}
evaluation: {descriptors: [area_fraction, mean_grey], images: 8, comparisons: [], bootstrap: 0, judge_images: 300,
  memorising_images: 4, threshold: 128, sweep_steps: 5}
"""
EQ_1 = "{kind: proportional_2c, label_distance: fixed, relative: true, anchored: true}"
WAYS = {
    "perceptron, learned distances": (
        "continuous_mlp",
        "{adversarial: hinge, contrastive: proportional_2c}",
        "balanced",
    ),
    "Fourier features, fixed distances": ("fourier_mlp", f"{{adversarial: hinge, contrastive: {EQ_1}}}", "uniform"),
    "vicinal": (
        "continuous_mlp",
        f"{{adversarial: vicinal_hinge, contrastive: {EQ_1}}}",
        "{kind: vicinal, vicinity: soft}",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two micrographs of each of twelve conditions; their brightness tells which one it is."""
    folder = tmp_path_factory.mktemp("mixed")
    random, rows = np.random.default_rng(0), ["file,alloy,exposure,temperature"]
    for i, alloy in enumerate(ALLOYS):
        for j, hours in enumerate(HOURS):
            for k, degrees in enumerate(DEGREES):
                for copy in range(2):
                    name = f"{i}{j}{k}{copy}.png"
                    pixels = random.normal(60 + 80 * i + 25 * j + 10 * k, 25, (64, 64)).clip(0, 255)
                    Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
                    rows.append(f'{name},"{alloy}",{hours},{degrees}')
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def trained(zoo: Zoo, folder: Path, way: str, out: Path) -> Path:
    conditioner, losses, sampler = WAYS[way]
    text = SPEC.replace("CONDITIONER", conditioner).replace("LOSSES", losses).replace("SAMPLER", sampler)
    path = folder / f"{out.name}.yaml"
    path.write_text(text, encoding="utf-8")
    return train(zoo.read_spec(path), out)


@pytest.mark.parametrize("way", WAYS)
def test_every_loss_sampler_and_conditioner_takes_them(zoo: Zoo, folder: Path, way: str, tmp_path: Path) -> None:
    run = trained(zoo, folder, way, tmp_path / "run")
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert all(np.isfinite(value) for value in last["terms"].values())
    model = load_generator(run, zoo)
    assert model.space.width == 4
    between = model.sample(("Waspaloy", 100.0, 950.0), 2, 0)
    assert between.shape == (2, 1, 16, 16)
    # The same noise, another value of each column: other pictures.
    for row in (("Inconel, cast", 100.0, 950.0), ("Waspaloy", 30.0, 950.0), ("Waspaloy", 100.0, 900.0)):
        assert not bool((model.sample(row, 2, 0) == between).all()), row


def test_from_sampling_to_the_atlas(zoo: Zoo, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained(zoo, folder, "vicinal", tmp_path / "run")
    words = [
        "--condition",
        "alloy=Inconel, cast,exposure=50,temperature=930",
        "--condition",
        "alloy=Waspaloy,exposure=100,temperature=900",
    ]
    with pytest.raises(SystemExit) as exit_:
        main(["sample", str(run), *words, "--count", "2", "--out", str(tmp_path / "s")])
    assert exit_.value.code == 0
    capsys.readouterr()
    first, second = json.loads((tmp_path / "s" / "samples.json").read_text())["conditions"]
    assert (first["place"], first["label"]) == ("between", -1)
    assert second["standing"] == "held out, interpolated"

    result: dict[str, Any] = evaluate_run(run, zoo)
    assert len(result["conditions"]) == 12
    held_out = result["interpolation"]["conditions"]
    assert {one["place"] for one in held_out} == {"between"}
    assert {one["nearest"].split(", exposure")[0] for one in held_out} == {"alloy = Waspaloy"}, "of its own class"
    assert {column["name"] for column in result["fidelity"]["columns"]} == {"exposure", "temperature"}
    assert {"fidelity.exposure", "fidelity.temperature"} <= held_out[0]["scores"].keys()
    assert result["embedding"]["rows"]
    sweeps = [(one["column"], one["held"]) for one in result["condition_sweeps"]]
    assert [column for column, _ in sweeps] == ["exposure", "temperature"] * 2
    assert "alloy = Inconel, cast" in sweeps[0][1]
    assert "alloy = Waspaloy" in sweeps[2][1]

    page = write_report(run, zoo).read_text(encoding="utf-8")
    for text in ("alloy = Waspaloy, exposure = 100 h, temperature = 900 °C", 'id="atlas"', "(held out, interpolated)"):
        assert text in page
    assert "Along exposure, at alloy = Waspaloy" in page
