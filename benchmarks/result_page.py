"""A benchmark's results as DESIGN names them: a table on the terminal, JSON for programs, a page for people."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from alloygan.training.run_folder import environment, to_yaml
from failures import Failures, refuse
from meters import clocks, cpuinfo


@dataclass
class Result:
    """What a script has found: `question` is the script's first line, `rows` one mapping a line of the table.

    `columns`: key of a row → heading and format, such as ("images/s", ",.1f"). `about` goes into JSON and page beside
    the hardware: warm-up, repetitions, the resolved spec. `clocks`: those of the device where the measurement ended;
    where a script leaves them out, they are asked for before anything is shown. `failures`: what has no row, and why.
    """

    name: str
    question: str
    columns: Mapping[str, tuple[str, str]]
    rows: list[dict[str, Any]] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    clocks: dict[str, Any] = field(default_factory=dict)
    failures: Failures = field(default_factory=Failures)

    @property
    def shown(self) -> dict[str, tuple[str, str]]:
        """The columns in which there is anything."""
        return {key: how for key, how in self.columns.items() if any(row.get(key) is not None for row in self.rows)}

    def texts(self, row: Mapping[str, Any]) -> list[str]:
        """The row as the table shows it."""
        return ["–" if row.get(key) is None else format(row[key], how) for key, (_, how) in self.shown.items()]


def add_arguments(parser: argparse.ArgumentParser, *, device: bool = True) -> None:
    """What every script takes."""
    if device:
        parser.add_argument(
            "--device",
            choices=("auto", "cpu", "cuda"),
            default="auto",
            help="where to measure, whatever device a spec names; auto: on the GPU if there is one",
        )
    parser.add_argument("--json", type=file_to_write, help="file for the results, for programs")
    parser.add_argument(
        "--page",
        type=folder_to_write_in,
        help="folder for the results page, NAME_HARDWARE_YYYYMM.md; benchmarks/results has such pages",
    )


def file_to_write(text: str) -> Path:
    """A file that can be written, as argparse's `type`: what has been measured must not be lost to a misspelt path."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a folder; name a file in it")
    if path.exists():
        if not os.access(path, os.W_OK):
            raise argparse.ArgumentTypeError(f"{path} cannot be written; name another file")
    else:
        folder_to_write_in(str(path.parent))
    return path


def folder_to_write_in(text: str) -> Path:
    """A folder that files can be written in, as argparse's `type`."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path}; make it first, or name another one")
    if not os.access(path, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"nothing can be written in the folder {path}; name another one")
    return path


def device_of(options: argparse.Namespace) -> torch.device:
    """The device asked for; ends the script where it is not there."""
    if options.device == "cuda" and not torch.cuda.is_available():
        refuse("--device cuda: torch finds no CUDA device here; use --device cpu")
    return torch.device("cuda" if options.device != "cpu" and torch.cuda.is_available() else "cpu")


def hardware(device: torch.device) -> dict[str, Any]:
    """Device, processor, versions."""
    found = dict(environment(device))
    found["processor"] = _processor() or found["processor"]
    return found


def show(result: Result, options: argparse.Namespace, device: torch.device) -> None:
    """Print the table, and write JSON and page where asked to. Ends the script where there are failures."""
    if result.failures and not result.rows:
        result.failures.refuse()
    machine = (result.clocks or clocks(device)) | hardware(device)
    _print(result)
    console = Console()
    notes = [*result.notes, *result.failures.notes]
    for note in notes:
        console.print(note, markup=False)
    about = {"date": date.today().isoformat(), "command": _command(), **result.about}
    if options.json is not None:
        values = {"question": result.name, **about, "hardware": machine, "rows": result.rows}
        values["notes"] = notes
        options.json.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.page is not None:
        chip = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
        chip = "".join(letter if letter.isalnum() else "-" for letter in chip.lower().removeprefix("nvidia "))
        path = options.page / f"{result.name}_{chip}_{date.today():%Y%m}.md"
        path.write_text(_page(result, notes, about, machine), encoding="utf-8")
        console.print(f"page: {path}")
    if result.failures:
        raise SystemExit(1)


def _print(result: Result) -> None:
    """The table. What a cell says is never cut or broken: headings wrap, and a terminal that is narrower still breaks
    the lines itself.
    """
    columns = list(zip(result.shown.values(), zip(*map(result.texts, result.rows), strict=True), strict=True))
    cells = [max(map(len, texts)) for _, texts in columns]
    least = [max([cell, *map(len, heading.split())]) for cell, ((heading, _), _) in zip(cells, columns, strict=True)]
    most = [max(cell, len(heading)) for cell, ((heading, _), _) in zip(cells, columns, strict=True)]
    between = 2
    terminal = Console().width
    widths = most if sum(most) + between * len(most) <= terminal else least
    table = Table(title=result.question, title_justify="left", box=None, padding=(0, between, 0, 0))
    for ((heading, how), _), width in zip(columns, widths, strict=True):
        table.add_column(heading, justify="right" if how else "left", width=width)
    for row in result.rows:
        table.add_row(*result.texts(row))
    Console(width=max(terminal, sum(widths) + between * len(widths))).print(table)


def _page(result: Result, notes: Sequence[str], about: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    packages = machine.get("packages", {})
    head = [f"# {result.question}", "", f"`{about['command']}`", ""]
    facts = {key: value for key, value in machine.items() if key != "packages" and value not in (None, "")}
    versions = ", ".join(f"{name} {value}" for name, value in packages.items())
    said = ", ".join(f"{key} {value}" for key, value in facts.items())
    head += [f"{about['date']}; {said}; {versions}.", ""]
    if machine["device"] == "cpu":
        head += ["Measured on the CPU: no GPU was at hand, and nothing here says how fast one would be.", ""]
    told = {key: value for key, value in about.items() if key not in ("date", "command", "spec")}
    if told:
        head += ["; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in told.items()) + ".", ""]
    headings = [heading for heading, _ in result.shown.values()]
    body = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    body += ["| " + " | ".join(result.texts(row)) + " |" for row in result.rows]
    body += [text for note in notes for text in ("", note)]
    if "spec" in about:
        text = to_yaml(about["spec"])
        body += [
            "",
            "<details><summary>the resolved spec</summary>",
            "",
            "```yaml",
            text.rstrip(),
            "```",
            "",
            "</details>",
        ]
    return "\n".join([*head, *body]) + "\n"


def _command() -> str:
    script = Path(sys.argv[0])
    return shlex.join(["python", f"benchmarks/{script.name}", *sys.argv[1:]])


def _processor() -> str | None:
    for line in cpuinfo():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return None
