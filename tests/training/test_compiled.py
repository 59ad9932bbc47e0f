"""What torch cannot compile is told, with what it was, and what to do."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from alloygan import load_zoo, train
from alloygan.data.patches import Data
from alloygan.errors import SpecError, TrainingError
from alloygan.specs.gan import GanSpec
from alloygan.training.precision import Arithmetic
from alloygan.training.processes import Processes
from alloygan.training.state import TrainingState
from alloygan.training.update import EagerUpdate

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own compiler looks


def test_without_a_compiler_the_spec_is_refused_with_the_reason(
    tiny: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch._inductor.config as config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    refused = r"training\.compile: nets: torch cannot compile the networks: .*: off"
    with config.patch({"cpp.cxx": (None, str(tmp_path / "none"))}), pytest.raises(TrainingError, match=refused):
        train(tiny({"compile": "nets"}), tmp_path / "run", data=tiny_data)


@pytest.fixture
def only_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything of the compiler but what takes long, and little room for variants."""
    monkeypatch.setattr("alloygan.training.compiled.VARIANTS", 8)
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))


@pytest.mark.usefixtures("only_traced")
def test_one_training_after_another_is_still_compiled(
    tiny: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path
) -> None:
    """Torch counts the variants of a function over the whole process; a training that has no room left ends."""
    for precision in ("fp32", "bf16", "fp64"):
        train(tiny({"compile": "nets", "precision": precision}), tmp_path / precision, data=tiny_data)


TWICE = """
from typing import ClassVar, Literal
import torch
from alloygan import Loss, LossSpec, Terms, hookimpl

class Twice(LossSpec):
    "The gradient of the score of what was generated."
    kind: Literal["twice"] = "twice"
    needs: ClassVar[frozenset[str]] = frozenset({"second_order"})
    def build(self, site):
        return TwiceLoss()

class TwiceLoss(Loss):
    def generator(self, step):
        (gradient,) = torch.autograd.grad(step.fake.score.sum(), step.fake_images, create_graph=True)
        return Terms({"generator": gradient.square().mean()})

@hookimpl
def alloygan_register_losses(register):
    register(Twice)
"""


def test_a_gradient_of_a_gradient_through_a_compiled_network_is_told(
    tiny: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path
) -> None:
    (tmp_path / "twice.py").write_text(TWICE)
    zoo = load_zoo([tmp_path / "twice.py"])
    values = tiny({"compile": "nets"}).model_dump(mode="json")
    spec = zoo.spec_from_values(values | {"losses": {"adversarial": {"kind": "wgan"}, "mine": {"kind": "twice"}}})
    with pytest.raises(TrainingError, match=r"cannot compile .*\(losses\.mine\).*step\.critic.*compile: off"):
        train(spec, tmp_path / "run", data=tiny_data)


@pytest.mark.parametrize("how", ["nets", "step"])
def test_so_is_one_that_its_spec_says_nothing_of(
    how: str, tiny: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path
) -> None:
    (tmp_path / "twice.py").write_text(TWICE.replace('frozenset({"second_order"})', "frozenset()"))
    zoo = load_zoo([tmp_path / "twice.py"])
    values = tiny({"compile": how}).model_dump(mode="json")
    spec = zoo.spec_from_values(values | {"losses": {"adversarial": {"kind": "wgan"}, "mine": {"kind": "twice"}}})
    with pytest.raises(TrainingError, match=r"a loss that has no second_order in its `needs`.*compile: off"):
        train(spec, tmp_path / "run", data=tiny_data)


COUNTS = """
from typing import Literal
from alloygan import Loss, LossSpec, Terms, hookimpl

class Counts(LossSpec):
    "Grows with a number of Python's."
    kind: Literal["counts"] = "counts"
    def build(self, site):
        return CountsLoss()

class CountsLoss(Loss):
    def __init__(self):
        super().__init__()
        self.count = 0.5
    def critic(self, step):
        self.count += 1.0
        return Terms({"critic": step.real.score.mean() * self.count})

@hookimpl
def alloygan_register_losses(register):
    register(Counts)
"""


@pytest.mark.usefixtures("only_traced")
def test_a_count_of_python_s_is_told_rather_than_compiled_for_ever(
    tiny: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path
) -> None:
    (tmp_path / "counts.py").write_text(COUNTS)
    values = tiny({"compile": "step", "images": 400}).model_dump(mode="json")
    losses = {"adversarial": {"kind": "wgan"}, "mine": {"kind": "counts"}}
    spec = load_zoo([tmp_path / "counts.py"]).spec_from_values(values | {"losses": losses})
    with pytest.raises(TrainingError, match=r"compiled anew again and again.*keep it in a buffer.*compile: off"):
        train(spec, tmp_path / "run", data=tiny_data)


@pytest.mark.usefixtures("only_traced")
def test_there_is_room_for_every_set_of_losses_that_are_due_together(
    tiny: Callable[..., GanSpec], tiny_data: Data, tmp_path: Path
) -> None:
    kinds = ("hinge", "minimax", "non_saturating", "contragan_2c", "wgan")
    losses = {kind: {"kind": kind, "every": every} for kind, every in zip(kinds, (1, 2, 3, 5, 7), strict=True)}
    spec = tiny({"compile": "step", "images": 4 * 2 * 8, "log_every": 64, "checkpoint_every": 64}, losses=losses)
    train(spec, tmp_path / "run", data=tiny_data)


def test_a_step_that_several_processes_share_is_not_compiled(tiny: Callable[..., GanSpec], tiny_data: Data) -> None:
    from alloygan import assemble

    cpu = torch.device("cpu")
    spec = tiny({"compile": "step"})
    gan = assemble(spec, tiny_data.space)
    state, augment = TrainingState.start(gan, cpu), spec.training.augment.build(gan.site)
    with pytest.raises(SpecError, match=r"compile: step: 2 processes share the batch.*use nets, or one process"):
        EagerUpdate(state, Processes(0, 2), Arithmetic("fp32", cpu), augment, judges_target=False)
