"""Where the data set is during a training: on the device where it fits, else on the host, one batch ahead.

From the host, batches are drawn in a thread while the device computes, and sent from pinned memory, so that neither
waits for the other. What is drawn depends on the moment of the training alone, so the order is the same.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from alloygan.data.patches import Patches
from alloygan.interfaces.batch import Batch
from alloygan.interfaces.condition import Condition

_MOST = 0.5
"""Of a GPU's free memory, what the data set may take; the rest is for the networks and the batches."""


def placed(patches: Patches, device: torch.device) -> Patches:
    """The patches on the device, or on the host where they would take more than half of its free memory."""
    if device.type == "cuda" and patches.images.nbytes > _MOST * torch.cuda.mem_get_info(device)[0]:
        return patches
    return patches.to(device)


class Ahead:
    """Draws on the host what the next update takes, while the device is at this one's.

    `draw` gives the batch at a moment of the training, images seen.
    """

    def __init__(self, draw: Callable[[int], Batch], device: torch.device) -> None:
        self._draw = draw
        self._device = device
        self._thread = ThreadPoolExecutor(1, "alloygan-batches")
        self._waiting: dict[int, Future[Batch]] = {}

    def __call__(self, moment: int) -> Batch:
        """The batch at a moment, on its way to the device. What went wrong in the thread is raised here."""
        future = self._waiting.pop(moment, None) or self._thread.submit(self._made, moment)
        return _sent(future.result(), self._device)

    def expect(self, moment: int) -> None:
        """Begin to draw the batch at a moment that will be asked for."""
        if moment not in self._waiting:
            self._waiting[moment] = self._thread.submit(self._made, moment)

    def close(self) -> None:
        """Stop drawing."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _made(self, moment: int) -> Batch:
        batch = self._draw(moment)
        return _each(batch, torch.Tensor.pin_memory) if self._device.type == "cuda" else batch


def _sent(batch: Batch, device: torch.device) -> Batch:
    return _each(batch, lambda tensor: tensor.to(device, non_blocking=True))


def _each(batch: Batch, change: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
    def of(condition: Condition) -> Condition:
        return Condition(change(condition.values), change(condition.label))

    return Batch(change(batch.images), of(batch.own_condition), of(batch.target_condition), change(batch.weight))
