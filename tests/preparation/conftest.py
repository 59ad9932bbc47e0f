"""Micrographs with and without cracks, drawn here, and what is read of a preparation."""

import csv
import json
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.prepare import Preparation, prepare


def _two_phases(size, seed=0, coarse=5.0, dark=100, bright=180, noise=5.0, share=0.5):
    """A bicontinuous microstructure, uint8 (H, W); `share` of it is dark."""
    random = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(random.standard_normal(size), coarse)
    image = np.where(field < np.quantile(field, share), float(dark), float(bright))
    image = ndimage.gaussian_filter(image, 0.8) + noise * random.standard_normal(size)
    return np.rint(image).clip(0, 255).astype(np.uint8)


def _with_crack(image, seed=0, length=0.4, width=4.0, level=20.0):
    """The image with a jagged dark line that has gaps, and where it lies (bool)."""
    random = np.random.default_rng(seed)
    height, wide = image.shape
    steps = 24
    turns = random.uniform(0, 2 * np.pi) + 0.5 * random.standard_normal(steps)
    moves = np.stack([np.cos(turns), np.sin(turns)], axis=1) * length * max(image.shape) / steps
    points = np.cumsum(moves, axis=0)
    points += np.array([wide, height]) * random.uniform(0.35, 0.65, 2) - points[steps // 2]
    cover = Image.new("L", (2 * wide, 2 * height))
    draw = ImageDraw.Draw(cover)
    for number, (start, end) in enumerate(pairwise(points)):
        if number % 9 == 4:
            continue
        draw.line([tuple(2 * start), tuple(2 * end)], fill=255, width=round(2 * width))
        for x, y in (2 * start, 2 * end):
            draw.ellipse([x - width, y - width, x + width, y + width], fill=255)
    share = np.asarray(cover.resize((wide, height), Image.Resampling.BOX)) / 255.0
    cracked = image * (1 - share) + share * (level + 3 * random.standard_normal(image.shape))
    return np.rint(cracked).clip(0, 255).astype(np.uint8), share > 0.5


@pytest.fixture(scope="session")
def two_phases():
    return _two_phases


@pytest.fixture(scope="session")
def with_crack():
    return _with_crack


@pytest.fixture
def prepared(tmp_path):
    """Prepare a manifest of this text in tmp_path, with these options."""

    def run(text: str, **options) -> Preparation:
        (tmp_path / "manifest.csv").write_text(text, encoding="utf-8")
        return prepare(tmp_path / "manifest.csv", tmp_path / "out", PrepareOptions(**{"patch": 32} | options))

    return run


@pytest.fixture
def folder(tmp_path):
    """Where `prepared` looks: a micrograph without a crack, and one with."""
    Image.fromarray(_two_phases((200, 300), seed=1)).save(tmp_path / "whole.png")
    cracked, _ = _with_crack(_two_phases((200, 300), seed=2), seed=5, length=0.5)
    Image.fromarray(cracked).save(tmp_path / "cracked.png")
    return tmp_path


@pytest.fixture(scope="session")
def read():
    return lambda path: np.asarray(Image.open(path))


@pytest.fixture(scope="session")
def stored():
    return lambda done: json.loads((done.out / "preparation.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def patches_of():
    def rows(done):
        with (done.out / "patches.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    return rows
