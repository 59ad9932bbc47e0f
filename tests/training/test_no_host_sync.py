"""Between two lines of metrics, the training loop never waits for the device."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from alloygan import Zoo, train
from alloygan.testing.synchronisation import readback_refused
from alloygan.training.loop import Progress

from .test_processes import BASE, SPECS, split

WHOLE = SPECS | {
    "rmsprop": "training: {optimizer: {kind: rmsprop, lr: 0.001}}\n",
    "adam": "training: {optimizer: {kind: adam, lr: 0.001}, ema: 0.9, lr_schedule: cosine}\n",
    "adamw": "training: {optimizer: {kind: adamw, lr: 0.001}, ema: 0.0}\n",
    "balanced, no augmentation": "training: {sampler: balanced, augment: none}\n",
    "lazy term": "losses: {r1: {kind: r1, every: 2}}\n",
}
UPDATE = 16  # real images

Refused = Callable[[], AbstractContextManager[None]]


class _MadeFromValues(TorchFunctionMode):
    """Tensors made of Python's numbers with a device named are copies from the host to a GPU, for which it waits."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        # What torch's optimisers write as "cpu" is there on a GPU too.
        named = (kwargs or {}).get("device", "cpu") != "cpu"
        if name == "new_tensor" or (name in ("tensor", "as_tensor") and named):
            raise AssertionError(f"{name}(...) copies from the host in the training loop")
        return func(*args, **(kwargs or {}))


@contextmanager
def waiting_on_a_gpu_refused() -> Iterator[None]:
    """On the CPU, whatever would make the host wait for a GPU is an error."""
    with readback_refused("the training loop"), _MadeFromValues():
        yield


def train_watched(
    zoo: Zoo, folder: Path, text: str, device: str, precision: str, refused: Refused = waiting_on_a_gpu_refused
) -> int:
    """Train four updates, of which the second and third are watched; returns how many were."""
    (folder / "0.yaml").write_text(BASE)
    parts = split(text)
    for number, part in enumerate(parts, start=1):
        (folder / f"{number}.yaml").write_text(f"extends: {number - 1}.yaml\n{part}")
    settings = ["training.images=64", "training.log_every=64", "training.checkpoint_every=64"]
    settings += [f"training.device={device}", f"training.precision={precision}"]
    spec = zoo.read_spec(folder / f"{len(parts)}.yaml", settings)
    watched = []
    with ExitStack() as stack:

        def note(progress: Progress) -> None:
            if progress.images_seen == UPDATE:
                stack.enter_context(refused())
            elif progress.images_seen == 3 * UPDATE:
                stack.close()
            watched.append(progress.images_seen)

        train(spec, folder / "run", report=note)
    return len(watched)


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE.keys())
def test_on_the_cpu_nothing_would_make_the_host_wait(text: str, zoo: Zoo, tmp_path: Path) -> None:
    assert train_watched(zoo, tmp_path, text, "cpu", "fp32") == 4


def test_a_loop_that_copies_from_the_host_is_noticed(zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alloygan.training.ema import MovingAverage

    update = MovingAverage.update

    def copying(self: MovingAverage, generator: torch.nn.Module, updates: int) -> None:
        update(self, generator, updates)  # type: ignore[arg-type]
        torch.tensor(updates, device=torch.device("cpu"))

    monkeypatch.setattr(MovingAverage, "update", copying)
    with pytest.raises(AssertionError, match=r"tensor\(\.\.\.\) copies"):
        train_watched(zoo, tmp_path, SPECS["minimax"], "cpu", "fp32")


def test_a_loop_that_reads_back_is_noticed(zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alloygan.training.ema import MovingAverage

    update = MovingAverage.update

    def reading(self: MovingAverage, generator: torch.nn.Module, updates: int) -> None:
        update(self, generator, updates)  # type: ignore[arg-type]
        next(generator.parameters()).sum().item()

    monkeypatch.setattr(MovingAverage, "update", reading)
    with pytest.raises(Exception, match=r"item\(\)"):
        train_watched(zoo, tmp_path, SPECS["minimax"], "cpu", "fp32")


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE.keys())
def test_on_cuda_no_update_synchronises(
    text: str, precision: str, zoo: Zoo, tmp_path: Path, waiting_refused: Refused
) -> None:
    assert train_watched(zoo, tmp_path, text, "cuda", precision, waiting_refused) == 4
