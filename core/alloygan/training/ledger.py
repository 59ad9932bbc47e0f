"""What a training says of itself: terms summed on the device, read back once an interval."""

import math
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from alloygan.errors import PluginError, TrainingError
from alloygan.interfaces.loss import Terms
from alloygan.training.processes import ALONE, Processes
from alloygan.training.sentinel import Sentinel


class Ledger:
    """Collects the terms of every update, and gives their means and the speed for a line of metrics.jsonl."""

    def __init__(self, images_seen: int, device: torch.device, processes: Processes = ALONE) -> None:
        self._sentinel = Sentinel(device)
        self._processes = processes
        self._sums: dict[str, dict[str, Tensor]] = {"terms": {}, "observed": {}}
        self._counts: dict[str, int] = {}
        self._since = (time.perf_counter(), images_seen)
        self._rate = 0.0
        self.latest: dict[str, float] = {}

    def record(self, named: Mapping[str, Terms], images_seen: int) -> None:
        """Add what the losses of one update said, by loss; nothing is read back."""
        for kind, sums in self._sums.items():
            values = {
                f"{loss}.{name}": value.detach()
                for loss, terms in named.items()
                for name, value in (terms.objective if kind == "terms" else terms.observed).items()
            }
            if kind == "terms":
                self._sentinel.watch(values, images_seen)
            for key, value in values.items():
                # In float64, so that the sum of finite values is finite; a copy, since a replayed update writes its
                # terms in the same places.
                sums[key] = sums[key] + value if key in sums else value.to(torch.float64, copy=True)
                self._counts[key] = self._counts.get(key, 0) + 1

    def rate(self, images_seen: int) -> float:
        """Real images per second since the last line, or up to it where it was written just now."""
        if images_seen > self._since[1]:
            self._rate = (images_seen - self._since[1]) / max(time.perf_counter() - self._since[0], 1e-9)
        return self._rate

    def line(self, images_seen: int) -> dict[str, Any]:
        """The means since the last line, and start over. Raises TrainingError if a term was not finite."""
        bad = next((one for one in self._processes.collect(self._sentinel.report()) if one is not None), None)
        if bad is not None:
            raise TrainingError(f"the term {bad[0]} became non-finite after {bad[1]:,} images")
        found = [value / self._counts[key] for sums in self._sums.values() for key, value in sums.items()]
        numbers = iter(self._processes.average(torch.stack(found)).tolist() if found else ())
        means = {kind: {key: _number(next(numbers)) for key in sums} for kind, sums in self._sums.items()}
        line = {"images": images_seen, **means, "images_per_s": round(self.rate(images_seen), 2)}
        self.latest = {key: value for key, value in means["terms"].items() if value is not None}
        for sums in self._sums.values():
            sums.clear()
        self._counts.clear()
        self._since = (time.perf_counter(), images_seen)
        return line


def _number(value: float) -> float | None:
    """JSON has no NaN and no infinity; what a loss only observes may be either."""
    return value if math.isfinite(value) else None


def objective(named: Mapping[str, Terms], weights: Mapping[str, float]) -> Tensor | None:
    """Σ weight · term over all losses of one update, or None if no loss has a say in it."""
    values = []
    for loss, terms in named.items():
        for name, value in terms.objective.items():
            if value.ndim != 0:
                raise PluginError(
                    f"the loss {loss!r} gives its term {name!r} with shape {tuple(value.shape)}; an objective is one "
                    "number, such as a mean over the batch"
                )
            values.append(weights[loss] * value)
    return torch.stack(values).sum() if values else None
