"""A search on a terminal: how far its trials are, and what came out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from alloygan.sweeps.search import Search
    from alloygan.sweeps.tune import Tuned, Watch

_MOST_ROWS = 20
_STYLES = {"done": "green", "failed": "red", "interrupted": "yellow", "training": "bold"}


class Board:
    """The live table of the newest trials, with the best value so far."""

    def __init__(self, console: Console, search: "Search", higher_is_better: bool) -> None:
        self._console, self._search, self._higher = console, search, higher_is_better
        self._said: dict[int, str] = {}
        self.live = Live(console=console, auto_refresh=False)

    def watch(self, trials: "Sequence[FrozenTrial]") -> None:
        """Show how far they are; a line for each change where the output is no terminal."""
        from alloygan.sweeps.trials import state_of, value_of

        if self._console.is_terminal:
            self.live.update(self._table(trials), refresh=True)
            return
        for trial in trials:
            state = state_of(trial)
            if self._said.get(trial.number) != state:
                self._said[trial.number] = state
                value = value_of(trial)
                said = "" if value is None else f", {self._search.spec.objective} {value:.4g}"
                self._console.print(f"trial {trial.number}: {state}{said}", markup=False, highlight=False)

    def _table(self, trials: "Sequence[FrozenTrial]") -> Table:
        from alloygan.sweeps.trials import state_of, value_of

        names = list(self._search.parameters)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("trial", justify="right")
        table.add_column("state")
        table.add_column(self._search.spec.objective, justify="right")
        for name in names:
            table.add_column(name.rpartition(".")[2], justify="right", no_wrap=True)
        values = [value for trial in trials if (value := value_of(trial)) is not None]
        best = (max if self._higher else min)(values, default=None)
        for trial in trials[-_MOST_ROWS:]:
            state = state_of(trial)
            value = value_of(trial)
            shown = _shown(value)
            table.add_row(
                str(trial.number),
                f"[{_STYLES.get(state, 'dim')}]{state}[/]",
                f"[bold]{shown}[/]" if value is not None and value == best else shown,
                *(_shown(trial.params.get(name)) for name in names),
            )
        return table


@contextmanager
def board(console: Console, search: "Search", higher_is_better: bool) -> "Iterator[Watch]":
    """Show the trials while they are worked on."""
    shown = Board(console, search, higher_is_better)
    with shown.live:
        yield shown.watch


def print_search(console: Console, search: "Search", tuned: "Tuned", shares: Mapping[str, float]) -> None:
    """The best trial's values beside those of the spec, and what mattered."""
    from alloygan.sweeps.study import done

    best = done(tuned.study)[0]
    floor = best.user_attrs.get("floor")
    console.print(
        f"best: trial {best.number}, {search.spec.objective} {best.value:.4g}"
        + ("" if floor is None else f" (floor {floor:.4g})"),
        markup=False,
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("hyperparameter")
    for heading in ("in the spec", "best", "importance"):
        table.add_column(heading, justify="right")
    for name, parameter in search.parameters.items():
        before = _field(search.base.model_dump(mode="json"), (parameter.fields or (name,))[0])
        share = f"{100 * shares[name]:.0f} %" if name in shares else "–"
        table.add_row(escape(name), _shown(before), _shown(best.params.get(name)), share)
    console.print(table, highlight=False)


def _field(values: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
