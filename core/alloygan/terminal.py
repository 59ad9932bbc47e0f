"""What the commands show on a terminal: tables and progress bars."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from alloygan.registry import Entry, Registry
from alloygan.specs.from_registry import From
from alloygan.specs.gan import GanSpec
from alloygan.zoo import Zoo

if TYPE_CHECKING:
    from alloygan.layer_table import LayerRow
    from alloygan.training.loop import Progress as TrainingProgress


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
    names = ", ".join(f"zoo:{name}" for name in sorted(zoo.shipped))
    console.print(f"[bold]specs[/]\n{names or '(none)'}")


def print_show(console: Console, registry: Registry[Any], entry: Entry[Any]) -> None:
    """A kind's docstring and fields."""
    console.print(f"[bold cyan]{entry.kind}[/]  {registry.singular} from {entry.origin}", highlight=False)
    console.print(cleandoc(entry.spec.__doc__ or ""), markup=False, highlight=False)
    console.print()
    table = Table(box=None, pad_edge=False)
    table.add_column("field", style="cyan", no_wrap=True)
    table.add_column("type")
    table.add_column("default")
    table.add_column("what it does")
    for name, info in entry.spec.model_fields.items():
        if name == "kind":
            continue
        source = next((mark.registry for mark in info.metadata if isinstance(mark, From)), None)
        kind = f"a {source}" if source else _type_text(info.annotation)
        bounds = [str(mark) for mark in info.metadata if not isinstance(mark, From) and hasattr(mark, "__slots__")]
        default = "required" if info.is_required() else _default_text(info.get_default(call_default_factory=True))
        table.add_row(
            name,
            escape(" ".join([kind, *map(_bound_text, bounds)]).strip()),
            escape(default),
            escape(info.description or ""),
        )
    console.print(table)


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
    return text.split("Annotated[")[0] + "…" if "Annotated[" in text else text


def _default_text(value: Any) -> str:
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
            show_footer=True,
        )
        table.add_column("Layer", footer="total", no_wrap=True)
        table.add_column("Input", no_wrap=True)
        table.add_column("Output", no_wrap=True)
        table.add_column("Params", justify="right", footer=f"{sum(row.parameters for row in rows):,}")
        table.add_column("Mult-adds", justify="right", footer=f"{sum(row.multiply_adds for row in rows):,}")
        for row in rows:
            table.add_row(row.layer, row.input, row.output, f"{row.parameters:,}", f"{row.multiply_adds:,}")
        console.print()
        console.print(table, highlight=False)


def print_scores(console: Console, evaluation: Mapping[str, Any]) -> None:
    """Scores per condition, each beside its floor; then over all conditions."""
    for descriptor in evaluation["descriptors"]:
        name, unit = descriptor["name"], descriptor["unit"]
        title = f"{name}{f' [{unit}]' if unit else ''}  {descriptor['summary']}"
        table = Table(title=escape(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
        table.add_column("condition")
        for heading in ("real", "generated", "deviation", "floor", "distance", "floor"):
            table.add_column(heading, justify="right", style="dim" if heading == "floor" else None)
        for condition in evaluation["conditions"]:
            score = condition["scores"][name]
            table.add_row(
                escape(condition["text"]) + (" (held out)" if condition["held_out"] else ""),
                _number(score["real"]),
                _number(score["generated"]),
                _percent(score["deviation"]),
                _percent(score["floor_deviation"]),
                _number(score["distance"]),
                _number(score["floor"]),
            )
        overall = evaluation["overall"][name]
        table.add_section()
        table.add_row(
            "mean over conditions",
            "",
            "",
            _percent(overall["mean_deviation"]),
            _percent(overall["mean_floor_deviation"]),
            _number(overall["mean_distance"]),
            _number(overall["mean_floor"]),
        )
        console.print(table, highlight=False)
        console.print()
    console.print(
        "floor: the same score between real training and real evaluation images, as many as were generated.",
        style="dim",
        highlight=False,
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


@contextmanager
def training_progress(console: Console) -> "Iterator[Callable[[TrainingProgress], None]]":
    """A bar with images/s, the newest terms and the time left."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} images"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[terms]}"),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        task = progress.add_task("training", total=None, rate="", terms="", visible=False)

        def report(state: "TrainingProgress") -> None:
            terms = "  ".join(f"{name} {value:.3g}" for name, value in state.terms.items())
            progress.update(
                task,
                completed=state.images_seen,
                total=state.images,
                rate=f"{state.images_per_s:,.0f} images/s",
                terms=escape(terms),
                visible=True,
            )

        yield report


@contextmanager
def work_progress(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Bars for work in named parts: `report(part, done, all)`."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, Any] = {}

        def report(part: str, done: int, everything: int) -> None:
            if part not in tasks:
                tasks[part] = progress.add_task(part, total=everything)
            progress.update(tasks[part], completed=done, total=everything)

        yield report
