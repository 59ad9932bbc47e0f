"""Small ablations."""

from collections.abc import Callable
from pathlib import Path

import pytest

BASE = """
name: base
data: {kind: spinodal, composition: [0.4, 0.6], time: [50], size: 32, patch: 16, runs: 2, evaluation_runs: 2}
generator: {kind: dcgan_attention, width: 4, noise: 6}
critic: {kind: dcgan_contrastive, width: 4, embedding: 8, projection_hidden: 16}
losses: {adversarial: wgan, contrastive: contragan_2c}
training: {images: 64, batch_size: 4, log_every: 16, checkpoint_every: 16}
evaluation: {images: 4, judge_images: 0, memorising_images: 0, comparisons: [], bootstrap: 0,
  descriptors: [area_fraction, pixel_std]}
"""

Write = Callable[[str], Path]


@pytest.fixture(scope="session")
def base() -> str:
    """A spec that trains in a second or two."""
    return BASE


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an ablation of the base spec, and return its path."""
    (tmp_path / "base.yaml").write_text(BASE)

    def write(text: str) -> Path:
        path = tmp_path / "ablation.yaml"
        path.write_text("extends: base.yaml\nname: small\n" + text)
        return path

    return write


@pytest.fixture
def search_file(base: str, tmp_path: Path) -> Path:
    """The base spec as a file for `alloygan tune`."""
    path = tmp_path / "search.yaml"
    path.write_text(base)
    return path
