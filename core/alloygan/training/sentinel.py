"""Notices the first non-finite term without reading anything back to the host at each step."""

import torch
from torch import Tensor


class Sentinel:
    """Keeps, on the device, which term was non-finite first and how many images had been seen."""

    def __init__(self, device: torch.device) -> None:
        self._names: dict[str, int] = {}
        self._numbers: dict[tuple[str, ...], Tensor] = {}
        self._first = torch.full((2,), -1, dtype=torch.int64, device=device)  # number of the term, images seen

    def watch(self, terms: dict[str, Tensor], images_seen: int) -> None:
        """Look at the terms of one update; once something was found it stays."""
        for name in terms:
            self._names.setdefault(name, len(self._names))
        if not terms:
            return
        finite = torch.stack([value.float() for value in terms.values()]).isfinite()
        key = tuple(terms)
        if key not in self._numbers:  # made once: a copy to the device waits for it
            self._numbers[key] = torch.tensor([self._names[name] for name in terms], device=self._first.device)
        numbers = self._numbers[key]
        found = torch.where(finite, len(self._names), numbers).min()
        now = torch.stack([found, torch.full_like(found, images_seen)])
        fresh = (self._first[0] < 0) & ~finite.all()
        self._first = torch.where(fresh, now, self._first)

    def report(self) -> tuple[str, int] | None:
        """Name of the first non-finite term and images seen then, or None. Reads from the device."""
        number, images_seen = self._first.tolist()
        return None if number < 0 else (list(self._names)[number], images_seen)
