"""Patches mapped into memory are those that are held in it, and stay out of it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alloygan import Zoo, train
from alloygan.data.held_out import load_data
from alloygan.data.mapped import map_patches, write_patches
from alloygan.errors import DataError
from alloygan.specs.gan import GanSpec

SPEC = """
name: mapped
data: {kind: micrographs, manifest: manifest.csv, patch: 16, stride: 4}
conditions: [{name: exposure, unit: h, scale: log}]
generator: {kind: dcgan_attention, conditioner: continuous_mlp, injection: film, width: 4, noise: 6}
critic: {kind: dcgan_contrastive, conditioner: continuous_mlp, width: 4, embedding: 8, projection_hidden: 8}
losses: {adversarial: hinge}
training: {images: 64, batch_size: 8, critic_updates: 2, device: cpu, log_every: 16}
"""


@pytest.fixture
def read(zoo: Zoo, tmp_path: Path) -> Callable[..., GanSpec]:
    rows = ["file,exposure"]
    for hours in (1, 10, 100):
        pixels = np.random.default_rng(hours).integers(0, 256, (64, 96), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{hours}.png")
        rows.append(f"{hours}.png,{hours}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "spec.yaml").write_text(SPEC)

    def read(*settings: str) -> GanSpec:
        spec = zoo.read_spec(tmp_path / "spec.yaml", list(settings))
        assert isinstance(spec, GanSpec)
        return spec

    return read


HELD_OUT = "data.held_out={conditions: [{exposure: 10}]}"


@pytest.mark.parametrize("more", [[], [HELD_OUT]], ids=["all", "held out"])
def test_the_same_patches_and_the_same_training(read: Callable[..., GanSpec], more: list[str], tmp_path: Path) -> None:
    spec, mapped = read(*more), read(*more, f"data.mapped={tmp_path}/patches")
    held, on_disk = load_data(spec), load_data(mapped)
    for name in ("train", "evaluation", "held_back"):
        one, other = getattr(held, name), getattr(on_disk, name)
        if one is None:
            assert other is None
            continue
        assert one.file is None
        assert other.file is not None
        assert other.file.parent == tmp_path / "patches"
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.condition.values, other.condition.values)
        assert torch.equal(one.source, other.source)
    first, second = train(spec, tmp_path / "held"), train(mapped, tmp_path / "mapped")
    assert (first / "generator.safetensors").read_bytes() == (second / "generator.safetensors").read_bytes()


def test_the_files_are_made_once_and_again_when_a_micrograph_changes(
    read: Callable[..., GanSpec], tmp_path: Path
) -> None:
    spec = read(f"data.mapped={tmp_path}/patches", HELD_OUT)
    load_data(spec)
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "patches").iterdir()}
    load_data(spec)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "patches").iterdir()} == files
    pixels = np.random.default_rng(99).integers(0, 256, (64, 96), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "10.png")
    os.utime(tmp_path / "10.png", ns=(1, 1))
    changed = load_data(spec)
    assert changed.held_back is not None
    assert torch.equal(changed.held_back.images, load_data(read(HELD_OUT)).held_back.images)  # type: ignore[union-attr]


def test_what_cannot_be_kept_is_told(read: Callable[..., GanSpec], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError, match=r"taken: not a folder; `mapped` names a folder"):
        read(f"data.mapped={tmp_path}/taken").data.check_inputs(read().conditions)


@pytest.mark.parametrize("part", ["training", "evaluation"])
@pytest.mark.parametrize("left", [0, 256 * 10, -1])
def test_a_damaged_file_is_made_again(part: str, left: int, read: Callable[..., GanSpec], tmp_path: Path) -> None:
    spec = read(f"data.mapped={tmp_path}/patches")
    load_data(spec)
    (path,) = (tmp_path / "patches").glob(f"*-{part}.u8")
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    again = load_data(spec)
    assert path.read_bytes() == whole
    assert torch.equal(again.train.images, load_data(read()).train.images)
    assert torch.equal(again.evaluation.images, load_data(read()).evaluation.images)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def parts():  # type: ignore[no-untyped-def]
        yield np.zeros((2, 1, 4, 4), dtype=np.uint8)
        raise DataError("the second micrograph cannot be read")

    with pytest.raises(DataError, match="second"):
        write_patches(tmp_path / "patches" / "a.u8", (1, 4, 4), parts())
    assert list((tmp_path / "patches").iterdir()) == []


DRAW = """
import sys
import torch
from alloygan import load_zoo
from alloygan.data.mapped import map_patches
from alloygan.data.patches import Patches
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.site import Site

def held():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024

images = map_patches(__import__("pathlib").Path(sys.argv[1]), (1, 64, 64))
count = len(images)
condition = Condition(torch.zeros(count, 1), torch.zeros(count, dtype=torch.int64))
patches = Patches(images, condition, torch.zeros(count, dtype=torch.int64))
sampler = load_zoo().spec_from_values({"kind": "uniform"}, "sampler").build(patches, Site((1, 64, 64), 1, 1), 0)
sampler.draw(64, 0)
before = held()
for seen in range(0, count, 64):
    sampler.draw(64, seen)
print(count, held() - before)
"""


def test_an_epoch_of_mapped_patches_is_not_loaded(tmp_path: Path) -> None:
    part = np.random.default_rng(0).integers(0, 256, (2048, 1, 64, 64), dtype=np.uint8)
    write_patches(tmp_path / "large.u8", (1, 64, 64), (part for _ in range(24)))
    assert (tmp_path / "large.u8").stat().st_size == 24 * 2048 * 4096, "192 MiB"
    words = [sys.executable, "-c", DRAW, str(tmp_path / "large.u8")]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert int(said[0]) == 24 * 2048
    assert float(said[1]) < 20, "MiB that the system could not drop again"
    assert len(map_patches(tmp_path / "large.u8", (1, 64, 64))) == 24 * 2048
