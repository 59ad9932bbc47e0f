"""IEEE float32 for as long as a training lasts, whatever was set before by either of torch's two interfaces."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from alloygan import train
from alloygan.data.patches import Data
from alloygan.specs.gan import GanSpec
from alloygan.training.float32 import float32_arithmetic

Tiny = Callable[..., GanSpec]

B = torch.backends


def products(precision: str) -> None:
    B.cuda.matmul.fp32_precision = precision  # type: ignore[attr-defined]


def everything() -> None:
    B.fp32_precision = "tf32"  # type: ignore[attr-defined]


def convolutions() -> None:
    B.cudnn.allow_tf32 = False


USED = {
    "nothing": lambda: None,
    "new, products": lambda: products("tf32"),
    "new, everything": everything,
    "old, products": lambda: torch.set_float32_matmul_precision("high"),
    "old, products in bfloat16": lambda: torch.set_float32_matmul_precision("medium"),
    "old, convolutions": convolutions,
}


def said() -> dict[str, str]:
    """What each of torch's settings says, or that it cannot be read."""
    found = {}
    for name, read in {
        "old products": torch.get_float32_matmul_precision,
        "old cuBLAS": lambda: B.cuda.matmul.allow_tf32,
        "old cuDNN": lambda: B.cudnn.allow_tf32,
        "products": lambda: B.cuda.matmul.fp32_precision,  # type: ignore[attr-defined]
        "convolutions": lambda: B.cudnn.conv.fp32_precision,  # type: ignore[attr-defined]
        "recurrent": lambda: B.cudnn.rnn.fp32_precision,  # type: ignore[attr-defined]
        "CPU, products": lambda: B.mkldnn.matmul.fp32_precision,  # type: ignore[attr-defined]
        "CPU, convolutions": lambda: B.mkldnn.conv.fp32_precision,  # type: ignore[attr-defined]
    }.items():
        try:
            found[name] = str(read())
        except RuntimeError:
            found[name] = "not to be read"
    return found


@pytest.fixture(params=USED)
def used(request: pytest.FixtureRequest) -> Iterator[None]:
    """Some program has used torch's settings before."""
    B.fp32_precision = "none"  # type: ignore[attr-defined]
    start = said()
    USED[request.param]()
    yield
    B.fp32_precision = "none"  # type: ignore[attr-defined]
    torch.set_float32_matmul_precision("highest")
    B.cudnn.allow_tf32 = True
    for library in (B.cuda.matmul, B.mkldnn.matmul, B.mkldnn.conv, B.mkldnn.rnn):  # type: ignore[attr-defined]
        library.fp32_precision = "none"
    assert said() == start


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(("tf32", "precision", "old"), [(False, "ieee", "highest"), (True, "tf32", "high")])
def test_the_block_has_its_arithmetic_and_leaves_what_was(tf32: bool, precision: str, old: str) -> None:
    before = said()
    with float32_arithmetic(tf32=tf32):
        inside = said()
        assert inside["old products"] == old
        assert inside["old cuBLAS"] == inside["old cuDNN"] == str(tf32)
        assert {inside[name] for name in ("products", "convolutions", "recurrent")} == {precision}
        assert {inside[name] for name in ("CPU, products", "CPU, convolutions")} == {precision}
    assert said() == before


@pytest.mark.usefixtures("used")
def test_a_training_starts_whatever_was_used_before(tiny: Tiny, tiny_data: Data, tmp_path: Path) -> None:
    before = said()
    train(tiny({"images": 8, "precision": "fp32"}), tmp_path / "run", data=tiny_data)
    assert (tmp_path / "run" / "generator.safetensors").is_file()
    assert said() == before
