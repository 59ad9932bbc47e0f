"""Everything of a training that changes: what a checkpoint holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from alloygan.assembler import Gan
from alloygan.errors import RunFolderError, TrainingError
from alloygan.training.ema import MovingAverage
from alloygan.training.optimizers import build_optimizer, load_optimizer


@dataclass
class TrainingState:
    """Both networks, the losses, both optimisers and the moving average, on one device."""

    gan: Gan
    ema: MovingAverage
    generator_optimizer: torch.optim.Optimizer
    critic_optimizer: torch.optim.Optimizer
    judging: list[nn.Parameter]
    making: list[nn.Parameter]

    @classmethod
    def start(cls, gan: Gan, device: torch.device, dtype: torch.dtype = torch.float32) -> "TrainingState":
        """Move the parts to a device and make optimisers over them; losses' own parameters train with the critic."""
        for part in (gan.generator, gan.critic, *gan.losses.values()):
            part.to(device).train()
            if dtype != torch.float32:
                part.to(dtype)
        training = gan.spec.training
        if training.channels_last:
            for network in (gan.generator, gan.critic):
                network.to(memory_format=torch.channels_last)
        # What an author has frozen stays frozen.
        judging = [p for part in (gan.critic, *gan.losses.values()) for p in part.parameters() if p.requires_grad]
        making = [p for p in gan.generator.parameters() if p.requires_grad]
        return cls(
            gan,
            MovingAverage(gan.generator, training.ema),
            build_optimizer(training.optimizer, making, device),
            build_optimizer(training.critic_optimizer or training.optimizer, judging, device),
            judging,
            making,
        )

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """Every trained parameter with its name."""
        for name, part in self._networks().items():
            for key, parameter in part.named_parameters():
                yield f"{name}.{key}", parameter

    def buffers(self) -> Iterator[Tensor]:
        """Running statistics and the like of all networks."""
        for part in (*self._networks().values(), self.ema.generator):
            yield from part.buffers()

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor that an update may change in place, with its name."""
        for name, part in self._parts().items():
            if isinstance(part, torch.optim.Optimizer):
                yield from _tensors(part.state_dict()["state"], name)
            else:
                for key, tensor in (*part.named_parameters(), *part.named_buffers()):
                    yield f"{name}.{key}", tensor

    def _networks(self) -> dict[str, nn.Module]:
        losses = {f"losses.{name}": loss for name, loss in self.gan.losses.items()}
        return {"generator": self.gan.generator, "critic": self.gan.critic} | losses

    def let_judges_learn(self, learn: bool) -> None:
        """Whether the critic and the losses take gradients: in the critic's step, not in the generator's."""
        for parameter in self.judging:
            parameter.requires_grad_(learn)

    def _parts(self) -> dict[str, Any]:
        losses = {f"losses.{name}": loss for name, loss in self.gan.losses.items()}
        return {
            "generator": self.gan.generator,
            "critic": self.gan.critic,
            "ema": self.ema.generator,
            "generator_optimizer": self.generator_optimizer,
            "critic_optimizer": self.critic_optimizer,
        } | losses

    def state_dict(self) -> dict[str, Any]:
        """States of all parts by name."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, states: dict[str, Any]) -> None:
        """Inverse of `state_dict`."""
        for name, part in self._parts().items():
            try:
                if isinstance(part, torch.optim.Optimizer):
                    load_optimizer(part, states[name])
                else:
                    part.load_state_dict(states[name])
            except (KeyError, RuntimeError, ValueError) as error:
                reason = " ".join(str(error).split())[:200]
                raise RunFolderError(
                    f"its {name} does not fit the spec's ({reason}); a plugin or alloygan has changed since then"
                ) from None

    def check_finite(self) -> None:
        """Raise TrainingError naming the first tensor with a NaN or an infinity. Reads from the device."""
        for name, part in self._parts().items():
            for key, tensor in _tensors(part.state_dict()):
                if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                    raise TrainingError(f"the state {name}{key} is not finite")


def _tensors(value: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _tensors(inner, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from _tensors(inner, f"{path}.{i}")
