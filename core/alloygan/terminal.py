"""What the commands show on a terminal: tables and progress bars."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import cleandoc
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table

from alloygan.registry import Entry, Registry
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.evaluation import EvaluationSpec
from alloygan.specs.from_registry import From, OneOf
from alloygan.specs.gan import GanSpec
from alloygan.specs.held_out import HeldOutSpec
from alloygan.specs.optimizers import SGD, Adam, AdamW, RMSprop
from alloygan.specs.training import TrainingSpec
from alloygan.zoo import Zoo

if TYPE_CHECKING:
    from alloygan.layer_table import LayerRow
    from alloygan.training.loop import Progress as TrainingProgress


SECTIONS: dict[str, type[BaseModel]] = {
    "training": TrainingSpec,
    "evaluation": EvaluationSpec,
    "conditions": ColumnSpec,
    "held_out": HeldOutSpec,
    **{str(cls.model_fields["kind"].default): cls for cls in (RMSprop, Adam, AdamW, SGD)},
}
"""Parts of a spec that `alloygan show` knows besides the kinds."""


def print_kinds(console: Console, zoo: Zoo) -> None:
    """One table a registry, then the shipped specs."""
    for registry in zoo.registries.values():
        table = Table(title=registry.plural, title_justify="left", box=None, pad_edge=False, title_style="bold")
        table.add_column("kind", style="cyan", no_wrap=True)
        table.add_column("from", style="dim", no_wrap=True)
        table.add_column("what it is")
        for entry in registry:
            table.add_row(entry.kind, entry.origin, escape(entry.summary))
        console.print(table)
        console.print()
    table = Table(title="specs", title_justify="left", box=None, pad_edge=False, title_style="bold")
    table.add_column("name", style="cyan", no_wrap=True)
    table.add_column("what it is")
    for name, path in sorted(zoo.shipped.items()):
        table.add_row(f"zoo:{name}", escape(_first_sentence(path)))
    console.print(table)


def _first_sentence(path: Path) -> str:
    """Of the comment that a shipped file starts with."""
    lines = takewhile(lambda line: line.startswith("# "), path.read_text(encoding="utf-8").splitlines())
    return re.split(r"(?<=\.) (?=[A-Z])", " ".join(line.removeprefix("# ") for line in lines))[0]


def print_show(console: Console, zoo: Zoo, registry: Registry[Any], entry: Entry[Any]) -> None:
    """A kind's docstring, what it needs and gives with its defaults, and its fields."""
    console.print(f"[bold cyan]{entry.kind}[/]  {registry.singular} from {entry.origin}", highlight=False)
    console.print(cleandoc(entry.spec.__doc__ or ""), markup=False, highlight=False)
    try:
        spec = entry.spec.model_validate({}, context=zoo.registries)
    except ValidationError:
        pass  # a field without default decides what it needs
    else:
        for word, names in (("needs", spec.needs), ("gives", spec.gives)):
            if names:
                console.print(f"{word}: {', '.join(sorted(names))}", highlight=False)
    console.print()
    console.print(_field_table(entry.spec))


def print_section(console: Console, name: str) -> None:
    """The fields of a part of a spec that is no plugin's."""
    console.print(f"[bold cyan]{name}[/]")
    console.print(cleandoc(SECTIONS[name].__doc__ or ""), markup=False, highlight=False)
    console.print()
    console.print(_field_table(SECTIONS[name]))


def _field_table(spec: type[BaseModel]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("field", style="cyan", no_wrap=True)
    table.add_column("type")
    table.add_column("default")
    table.add_column("what it does")
    for name, info in spec.model_fields.items():
        if name == "kind":
            continue
        source = next((mark.registry for mark in info.metadata if isinstance(mark, From)), None)
        closed = next((mark for mark in info.metadata if isinstance(mark, OneOf)), None)
        article = "an" if source and source[0] in "aeiou" else "a"
        kind = (
            f"{article} {source}" if source else " | ".join(closed.classes) if closed else _type_text(info.annotation)
        )
        bounds = [str(mark) for mark in info.metadata if hasattr(mark, "__slots__")]
        default = "required" if info.is_required() else _default_text(info.get_default(call_default_factory=True))
        table.add_row(
            name,
            escape(" ".join([kind, *map(_bound_text, bounds)]).strip()),
            escape(default),
            escape(info.description or ""),
        )
    return table


def _bound_text(mark: str) -> str:
    signs = {"Gt(gt=": "> ", "Ge(ge=": "≥ ", "Lt(lt=": "< ", "Le(le=": "≤ "}
    return next(
        (sign + mark.removeprefix(start).rstrip(")") for start, sign in signs.items() if mark.startswith(start)),
        "",
    )


def _type_text(annotation: Any) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    text = str(annotation).replace("typing.", "").replace("NoneType", "None").replace("pathlib.", "")
    text = re.sub(r"\b[a-z_]\w*(\.\w+)*\.(?=[A-Z])", "", text)  # the modules of classes
    return text.split("Annotated[")[0] + "…" if "Annotated[" in text else text


def _default_text(value: Any) -> str:
    if isinstance(value, BaseModel):
        return ", ".join(f"{key} {inner}" for key, inner in value.model_dump().items())
    return "" if value is None else str(value)


def print_check(console: Console, spec: GanSpec) -> None:
    """That a spec is right, and what it composes."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    columns = spec.data.columns(spec.conditions)
    channels, height, width = spec.data.image_shape
    table.add_row("data", f"{spec.data.kind}, images {channels} × {height} × {width}")
    table.add_row(
        "conditions",
        ", ".join(escape(f"{c.name}{f' [{c.unit}]' if c.unit else ''} ({c.scale})") for c in columns),
    )
    for name, part in (("generator", spec.generator), ("critic", spec.critic)):
        conditioner = getattr(part, "conditioner", None)
        table.add_row(name, part.kind + (f", conditioner {conditioner.kind}" if conditioner is not None else ""))
    for name, loss in spec.losses.items():
        table.add_row(f"loss {name}", f"{loss.kind}, weight {loss.weight:g}")
    training = spec.training
    length = f"{training.epochs:g} epochs" if training.epochs is not None else f"{training.images:,} images"
    table.add_row(
        "training",
        f"{length}, batch {training.batch_size}, {training.critic_updates} critic updates, {training.optimizer.kind} "
        f"lr {training.optimizer.lr:g}",
    )
    console.print(f"[bold green]ok[/] [bold]{escape(spec.name)}[/]")
    console.print(table, highlight=False)


def print_layers(console: Console, tables: "Mapping[str, Sequence[LayerRow]]") -> None:
    """Layer tables in the paper's notation, with totals."""
    for name, rows in tables.items():
        table = Table(
            title=f"{name}: feature sizes, parameters and multiply-adds of one image",
            title_justify="left",
            title_style="bold",
            box=None,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            show_footer=True,
        )
        table.add_column("Layer", footer="total")
        table.add_column("Input", no_wrap=True)
        table.add_column("Output", no_wrap=True)
        table.add_column("Params", justify="right", footer=f"{sum(row.parameters for row in rows):,}")
        table.add_column("Mult-adds", justify="right", footer=f"{sum(row.multiply_adds for row in rows):,}")
        for row in rows:
            table.add_row(row.layer, row.input, row.output, f"{row.parameters:,}", f"{row.multiply_adds:,}")
        console.print()
        console.print(table, highlight=False)


class ProgressDisplay:
    """Lines and bars of a long command on a terminal: images/s, the newest terms, time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        wrapped = Column(overflow="fold", ratio=1)
        self._terms = Progress(
            TextColumn("  {task.fields[terms]}", style="dim", table_column=wrapped), console=console, expand=True
        )
        self._tasks: dict[str, Any] = {}
        self._terms_task: Any = None
        self.live = Live(Group(self._bars, self._terms), console=console, refresh_per_second=4)

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self._console.print(line, markup=False, highlight=False)

    def work(self, part: str, done: int, everything: int, rate: str = "") -> None:
        """Show how far a part is."""
        if part not in self._tasks:
            self._tasks[part] = self._bars.add_task(part, total=everything, rate=rate)
        self._bars.update(self._tasks[part], completed=done, total=everything, rate=rate)

    def counting(self, part: str) -> Callable[[str, int], None]:
        """A function that shows how many of something are done, where nobody knows how many there will be."""
        task = self._bars.add_task(part, total=None, rate="")

        def show(name: str, done: int) -> None:
            self._bars.update(task, completed=done, rate=name)

        return show

    def training(self, state: "TrainingProgress") -> None:
        """Show how far a training is."""
        done = min(state.images_seen, state.images)
        self.work("training", done, state.images, f"images, {state.images_per_s:,.0f} images/s")
        terms = escape("  ".join(f"{name} {value:.3g}" for name, value in state.terms.items()))
        if self._terms_task is None:
            self._terms_task = self._terms.add_task("", total=None, terms=terms)
        self._terms.update(self._terms_task, terms=terms)


@contextmanager
def progress_display(console: Console) -> Iterator[ProgressDisplay]:
    """Show progress while a command works."""
    display = ProgressDisplay(console)
    try:
        with display.live:
            yield display
    finally:
        if not console.is_terminal:
            console.print()  # a file gets the last state without the end of its line
