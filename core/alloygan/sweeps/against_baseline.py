"""Every score of every cell beside the baseline's: whether it differs, which way, and whether that says anything."""

from collections.abc import Mapping
from dataclasses import dataclass

from alloygan.reports.wording import known
from alloygan.sweeps.chance import chance_rate
from alloygan.sweeps.grid import Ablation
from alloygan.sweeps.letters import cell_letters
from alloygan.sweeps.results import CellScore, Results


@dataclass(frozen=True)
class ComparedScore:
    """A score of a cell. `better`: None where it does not differ from the baseline's, or cannot be compared.

    `at_floor`: both cells are as good as real images are, so which of them is better says nothing.
    `clear`: how far the interval of a difference stays from 0, in parts of the larger of both means.
    """

    score: CellScore
    better: bool | None = None
    at_floor: bool = False
    clear: float = 0.0

    @property
    def has_interval(self) -> bool:
        """Whether it can differ at all: two seeds or more are shared with the baseline."""
        return self.score.difference is not None and self.score.difference.interval is not None

    @property
    def by_chance(self) -> float:
        """How probable it is that it is marked if nothing differs; 0 where all seeds have exactly the same value."""
        difference = self.score.difference
        if difference is None or difference.interval in (None, (0.0, 0.0)):
            return 0.0
        return chance_rate(difference.count)


class AgainstBaseline:
    """The scores of an ablation, each computed once: bootstrapping hundreds of them takes seconds."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.ablation: Ablation = results.ablation
        self.letters: Mapping[str, str] = cell_letters(self.ablation)
        self._found: dict[tuple[str, str], ComparedScore] = {}
        for score in results.scores:
            for cell in self.ablation.cells:
                one = results.of(cell.name, score)
                base = None if cell.baseline is None else results.of(cell.baseline, score)
                if one is not None and known(one.mean.mean) is not None:
                    self._found[cell.name, score] = _compared(one, base, higher=results.higher_is_better[score])

    def of(self, cell: str, score: str) -> ComparedScore | None:
        """A score of a cell; None where it has no value."""
        return self._found.get((cell, score))

    def of_cell(self, cell: str) -> dict[str, ComparedScore]:
        """All scores of a cell that have a value, by name."""
        return {score: found for (name, score), found in self._found.items() if name == cell}

    def called(self, cell: str) -> str:
        """A cell with its letter."""
        return f"{self.letters[cell]} ({cell})"

    def floors(self, score: str) -> dict[str, float]:
        """The floor of a score by cell, where there is one."""
        found = {cell.name: self._found.get((cell.name, score)) for cell in self.ablation.cells}
        return {name: one.score.floor for name, one in found.items() if one and known(one.score.floor) is not None}  # type: ignore[misc]


def _compared(one: CellScore, base: CellScore | None, *, higher: bool) -> ComparedScore:
    if base is None or one.difference is None or one.difference.interval is None or not one.differs:
        return ComparedScore(one)
    near = min(abs(end) for end in one.difference.interval)
    scale = max(abs(one.mean.mean), abs(base.mean.mean))
    return ComparedScore(
        one,
        better=(one.difference.mean > 0) == higher,
        at_floor=_at_floor(one, higher=higher) and _at_floor(base, higher=higher),
        clear=near / scale if scale > 0 else 0.0,
    )


def _at_floor(one: CellScore, *, higher: bool) -> bool:
    if one.floor is None:
        return False
    return one.mean.mean >= one.floor if higher else one.mean.mean <= one.floor
