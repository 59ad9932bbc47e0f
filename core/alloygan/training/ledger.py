"""What a training says of itself: terms summed on the device, read back once an interval."""

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from alloygan.errors import TrainingError
from alloygan.interfaces.loss import Terms
from alloygan.training.sentinel import Sentinel


class Ledger:
    """Collects the terms of every update, and gives their means and the speed for a line of metrics.jsonl."""

    def __init__(self, images_seen: int, device: torch.device) -> None:
        self._sentinel = Sentinel(device)
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
                sums[key] = sums[key] + value if key in sums else value.clone()
                self._counts[key] = self._counts.get(key, 0) + 1

    def rate(self, images_seen: int) -> float:
        """Real images per second since the last line, or up to it where it was written just now."""
        if images_seen > self._since[1]:
            self._rate = (images_seen - self._since[1]) / max(time.perf_counter() - self._since[0], 1e-9)
        return self._rate

    def line(self, images_seen: int) -> dict[str, Any]:
        """The means since the last line, and start over. Raises TrainingError if a term was not finite."""
        bad = self._sentinel.report()
        if bad is not None:
            raise TrainingError(f"the term {bad[0]} became non-finite after {bad[1]:,} images")
        means = {
            kind: {key: float(value) / self._counts[key] for key, value in sums.items()}
            for kind, sums in self._sums.items()
        }
        line = {"images": images_seen, **means, "images_per_s": round(self.rate(images_seen), 2)}
        self.latest = means["terms"]
        for sums in self._sums.values():
            sums.clear()
        self._counts.clear()
        self._since = (time.perf_counter(), images_seen)
        return line


def objective(named: Mapping[str, Terms], weights: Mapping[str, float]) -> Tensor | None:
    """Σ weight · term over all losses of one update, or None if no loss has a say in it."""
    terms = [weights[loss] * value for loss, terms in named.items() for value in terms.objective.values()]
    return torch.stack(terms).sum() if terms else None
