"""Batch norm whose statistics are those of the whole batch when several processes share it.

torch's SyncBatchNorm does the same on GPUs only. Here the sums are reduced on any device, so that what is tested on the
CPU is what runs.
"""

import torch
from torch import Tensor, nn

from alloygan.errors import SpecError
from alloygan.training.collectives import summed
from alloygan.training.processes import Processes


class _Synchronised(nn.modules.batchnorm._BatchNorm):
    """A batch norm that knows with whom it shares the batch; parameters and buffers are as they were."""

    count: int

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's own name
        if input.dim() < 2:
            raise ValueError(f"batch norm of {input.dim()}-d input")

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        """Normalise (b, C, …) by the mean and variance over all processes; as torch does in evaluation mode."""
        if not self.training:
            return super().forward(input)
        # In bfloat16 the statistics stay in float32, as those of torch's batch norm do.
        images = input.float() if input.dtype in (torch.bfloat16, torch.float16) else input
        over = [0, *range(2, input.dim())]
        shape = [1, -1, *[1] * (input.dim() - 2)]
        # Processes have equally many images each.
        size = self.count * input.numel() // input.shape[1]
        mean = summed(images.mean(dim=over)) / self.count
        centred = images - mean.view(shape)
        variance = summed(centred.square().mean(dim=over)) / self.count
        self._follow(mean.detach(), variance.detach() * (size / max(1, size - 1)))
        found: Tensor = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            found = found * self.weight.view(shape) + self.bias.view(shape)
        return found.to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics, as torch does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


def synchronise(network: nn.Module, processes: Processes) -> None:
    """Make all batch norms of a network take their statistics over the processes; nothing changes for a single one.

    Raises SpecError for a batch norm that computes in a way of its own.
    """
    if processes.count == 1:
        return
    for name, module in network.named_modules():
        synchronised = isinstance(module, (_Synchronised, nn.SyncBatchNorm))
        if synchronised or not isinstance(module, nn.modules.batchnorm._BatchNorm):
            continue
        if type(module).forward is not nn.modules.batchnorm._BatchNorm.forward:
            raise SpecError(
                f"training.synchronise_batch_norm: {name} of {type(network).__name__} is a {type(module).__name__}, a "
                "batch norm that computes in a way of its own, whose statistics cannot be those of all processes; use "
                "false, one process, or a network with torch's batch norms"
            )
        module.__class__ = _Synchronised
        module.count = processes.count  # type: ignore[assignment]
