"""The application: what its commands share."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

from cyclopts import App, Parameter
from rich.console import Console

from alloygan.training.torchrun import leave_refusal

Plugins = Annotated[
    tuple[Path, ...],
    Parameter(name="--plugin", negative=(), help="A plugin in a single Python file; repeatable."),
]
Overrides = Annotated[
    tuple[str, ...],
    Parameter(name="--set", negative=(), help="Override a field, such as losses.contrastive.weight=0.5; repeatable."),
]
AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for programs.")]

app = App(
    name="alloygan",
    help="A zoo of conditional GANs for microstructures. A spec file names the parts; one command trains it.",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)
screen = Console()
messages = Console(stderr=True, soft_wrap=True, highlight=False)


def print_json(values: Any) -> None:
    """Print values for programs."""
    if screen.quiet:
        return
    print(json.dumps(values, indent=1, ensure_ascii=False))


def fail(message: str, code: int) -> NoReturn:
    """End with a message on the standard error and an exit code.

    A process that shares a training leaves both for the command that has started it.
    """
    if not leave_refusal(message, code):
        messages.print("[bold red]error:[/] ", end="")
        messages.print(message, markup=False)
    sys.exit(code)
